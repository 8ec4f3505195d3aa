"""Round trips to a provider that sign nobody in."""

import uuid

from django.db import models
from django.utils import timezone

from idp.models.providers import IdentityProvider
from users.models import User


class Rehearsal(models.Model):
    """What a round trip to the provider showed that signed nobody in.

    Attributes:
        provider_version: the version of the provider that was rehearsed; a later one was not.
        steps: one `{"name", "outcome", "detail", "hint", "code", "milliseconds"}` for each step.
        claims: the validated claims, without nonce and opaque handles.
        sent: the claims with text in them, in full, for trying out what rules would make of them.
        verdict: who would be matched and by which rule, or why nobody: `{"rule", "person", "code", "message", "hint"}`.
        changes: what the claims would change of that person, as `idp.claim_plan` says it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="rehearsals")
    provider_version = models.PositiveIntegerField()
    administrator = models.ForeignKey(User, on_delete=models.CASCADE, related_name="rehearsals")
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)
    succeeded = models.BooleanField(default=False)
    steps = models.JSONField(default=list)
    claims = models.JSONField(default=dict)
    sent = models.JSONField(default=dict, db_default={})
    verdict = models.JSONField(default=dict)
    changes = models.JSONField(default=dict, db_default={})

    class Meta:
        """Found by provider, newest first."""

        ordering = ["-started_at"]
        indexes = [models.Index(fields=["provider", "administrator", "-started_at"], name="idp_rehearsal_newest")]

    def __str__(self) -> str:
        return f"rehearsal of {self.provider} by {self.administrator}"
