"""Sessions: one row for each browser."""

from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from users.models.people import User


class Realm(models.TextChoices):
    """Which portal a session opens."""

    USER = "user", "User Portal"
    ADMIN = "admin", "Admin Portal"


class UserSession(AbstractBaseSession):
    """One browser's session. The key is stored as its SHA-256, so that reading this table signs nobody in.

    `provider_id` is no foreign key: providers live a floor higher, and a session outlives none of them.
    `expire_date` is the earlier of the idle and the absolute limit; it moves on while the session is in use.
    """

    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions", db_index=False)
    realm = models.CharField(max_length=8, choices=Realm, blank=True)
    provider_id = models.UUIDField(null=True)
    upstream_sid = models.CharField(max_length=255, blank=True)
    client_ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    signed_in_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta:
        """Sessions are found by person, by provider and the name there, and the newest first; pruned by expiry.

        Visitors' are found by neither: most sessions are made and removed within one sign-in, and each index costs.
        """

        indexes = [
            models.Index(
                fields=["person", "realm"],
                condition=models.Q(person__isnull=False),
                name="users_session_of_person",
            ),
            models.Index(
                fields=["provider_id", "upstream_sid"],
                condition=models.Q(provider_id__isnull=False),
                name="users_session_of_provider",
            ),
            models.Index(
                fields=["signed_in_at"],
                condition=models.Q(person__isnull=False),
                name="users_session_newest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.realm or 'anonymous'} session of {self.person or 'nobody'}"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """Return the store of these rows; Django asks for it to decode one."""
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store
