"""What is stored of a person's second factors: an authenticator app, passkeys, recovery codes."""

import uuid

from django.db import models
from django.utils import timezone

from users.fields import EncryptedTextField


class AuthenticatorApp(models.Model):
    """A person's authenticator app (RFC 6238). The seed is encrypted, because it must be read to check a code.

    Attributes:
        last_counter: the time step of the last code that was accepted; no code of it or an earlier one counts again.
    """

    person = models.OneToOneField(
        "users.User", on_delete=models.CASCADE, primary_key=True, related_name="authenticator_app"
    )
    seed = EncryptedTextField()
    last_counter = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return "Authenticator app"


class Passkey(models.Model):
    """A WebAuthn credential of a person. Nothing here is a secret: the private key is in the person's device.

    Attributes:
        credential_id: what the authenticator calls it, as base64url without padding.
        public_key: COSE key.
        sign_count: how often the authenticator has signed with it, as it said last; 0 where it does not count.
        transports: how browsers reach the authenticator (`usb`, `internal`, ...).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=150)
    credential_id = models.CharField(max_length=1366, unique=True)
    public_key = models.BinaryField()
    sign_count = models.PositiveBigIntegerField(default=0)
    transports = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        """The oldest first."""

        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return self.name


class RecoveryCode(models.Model):
    """One unused recovery code, as its SHA-256. Using it deletes the row: of two at once, only one deletes it.

    A code has 80 random bits, so that a fast hash keeps it as well as a slow one would.
    """

    person = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64)

    class Meta:
        """No code twice."""

        constraints = [
            models.UniqueConstraint(fields=["person", "code_hash"], name="users_recovery_code_unique"),
        ]

    def __str__(self) -> str:
        return "Recovery code"
