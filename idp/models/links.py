"""The links of people to their accounts at providers, and who waits for one."""

import uuid

from django.db import models
from django.utils import timezone

from idp.models.providers import IdentityProvider
from users.models import User


class FederatedIdentity(models.Model):
    """The durable link of a person to an issuer's subject. Email is never the key.

    Attributes:
        rule: how it came about: `external_id`, `email` (first-link ladder), `created` (with the person),
            `administrator`, `pre_link` or `relink`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="federated_identities")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="federated_identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    email = models.CharField(max_length=255, blank=True)
    display_name = models.CharField(max_length=255, blank=True)
    rule = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_sign_in_at = models.DateTimeField(null=True)

    class Meta:
        """One person for a subject, and one subject of an issuer for a person. Lists are sorted by either time."""

        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="idp_identity_issuer_subject"),
            models.UniqueConstraint(fields=["person", "issuer"], name="idp_identity_person_issuer"),
        ]
        indexes = [
            models.Index(fields=["provider", "-last_sign_in_at", "-id"], name="idp_identity_last_sign_in"),
            models.Index(fields=["provider", "-created_at", "-id"], name="idp_identity_created"),
            models.Index(fields=["subject"], opclasses=["varchar_pattern_ops"], name="idp_identity_subject_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.person} at {self.issuer}"


class PendingLink(models.Model):
    """Somebody who came with a valid token and was not matched, until an administrator links or dismisses her.

    Attributes:
        reason: the error code of the refusal.
        facts: the safe facts behind it, such as the person who has the email but is linked elsewhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="pending_links")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    object_id = models.CharField(max_length=64, blank=True)
    email = models.CharField(max_length=255, blank=True)
    display_name = models.CharField(max_length=255, blank=True)
    reason = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)
    attempts = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    dismissed_at = models.DateTimeField(null=True)

    class Meta:
        """One row for an account, however often it comes."""

        ordering = ["-last_seen_at"]
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="idp_pending_issuer_subject")]
        indexes = [models.Index(fields=["provider", "dismissed_at", "-last_seen_at"], name="idp_pending_open")]

    def __str__(self) -> str:
        return self.email or self.display_name or self.subject

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return str(self)
