"""What sign-ins through a provider leave behind besides the session."""

from django.db import models

from idp.fields import EncryptedTextField
from idp.models.providers import IdentityProvider
from users.models import UserSession


class UpstreamGrant(models.Model):
    """A session's refresh token, for asking the provider at intervals whether the session still stands.

    A database trigger removes it with its session, whoever ends that: Django's own cascade would cost every sign-in
    two more queries.

    Attributes:
        original: what the first ID token said and every later one has to repeat (OpenID Connect Core 1.0, 12.2).
    """

    session = models.OneToOneField(
        UserSession, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="upstream_grant"
    )
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="grants")
    original = models.JSONField()
    refresh_token = EncryptedTextField()
    next_check_at = models.DateTimeField()
    last_checked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"grant of {self.provider}"


class SpentState(models.Model):
    """The hash of what works once: a `state` that came back, a logout token's `jti`. Inserting it is the single use."""

    state_hash = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"spent until {self.expires_at}"
