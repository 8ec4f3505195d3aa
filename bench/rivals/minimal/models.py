"""The durable link of a user to a subject, and the single use of a state."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class Link(models.Model):
    """Who a subject of an issuer is."""

    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    objects: ClassVar["models.Manager[Link]"] = models.Manager()

    class Meta:
        """One user for a subject."""

        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="minimal_link_subject")]

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"


class SpentState(models.Model):
    """The hash of a state that has come back."""

    state_hash = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar["models.Manager[SpentState]"] = models.Manager()

    def __str__(self) -> str:
        return self.state_hash
