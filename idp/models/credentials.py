"""Key pairs for providers, and what was said about credentials that expire."""

import uuid

from django.db import models
from django.utils import timezone

from idp.fields import EncryptedTextField
from idp.models.providers import IdentityProvider, Slot


class ClientCertificate(models.Model):
    """A key pair with which Gatehouse proves which application it is (RFC 7523, `private_key_jwt`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="certificates")
    slot = models.CharField(max_length=8, choices=Slot, default=Slot.NEXT)
    private_key = EncryptedTextField()
    certificate = models.TextField()
    thumbprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        """One in use and one in waiting."""

        constraints = [
            models.UniqueConstraint(fields=["provider", "slot"], name="idp_certificate_slot"),
            models.CheckConstraint(condition=models.Q(slot__in=Slot.values), name="idp_certificate_slot_known"),
        ]

    def __str__(self) -> str:
        return f"certificate {self.thumbprint}"


class ExpiryNotice(models.Model):
    """A mail to the administrators about a credential: what it was about, so that it is written once.

    Attributes:
        subject_key: the credential and its expiry, such as `secret:2027-01-31`; a new one is warned of anew.
        threshold: the days before the end (60, 30, 14, 7, 1), or 0 for "the provider says that it has expired".
    """

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="expiry_notices")
    subject_key = models.CharField(max_length=100)
    threshold = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        """Inserting it is the right to send it."""

        constraints = [
            models.UniqueConstraint(fields=["provider", "subject_key", "threshold"], name="idp_expiry_notice_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.subject_key} at {self.threshold} days"
