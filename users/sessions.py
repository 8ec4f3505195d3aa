"""Server-side sessions that know whose they are, so that they can be listed and ended."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from users.models import Realm, User, UserSession

REALM = "realm"
_TAGS = "session_tags"
VISITOR_LIFETIME = 30 * 60


def hashed(session_key: str) -> str:
    """Return what is stored of a session key: its SHA-256, cut to the width of the column (160 bits)."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Django's database sessions in `UserSession` rows, under the hash of their key."""

    @classmethod
    def get_model_class(cls) -> type[UserSession]:
        """Return the model of the rows."""
        return UserSession

    def _get_session_from_db(self) -> UserSession | None:
        try:
            return UserSession.objects.get(session_key=hashed(self.session_key or ""), expire_date__gt=timezone.now())
        except UserSession.DoesNotExist:
            self._session_key = None
            return None

    def exists(self, session_key: str) -> bool:
        """Return whether a live or expired row stands under this key."""
        return UserSession.objects.filter(session_key=hashed(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> UserSession:
        """Return the row to save: the data, and in columns what it is searched by."""
        tags = data.get(_TAGS, {})
        signed_in_at = tags.get("signed_in_at")
        return UserSession(
            session_key=hashed(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            person_id=tags.get("person_id"),
            realm=tags.get("realm", ""),
            provider_id=tags.get("provider_id"),
            upstream_sid=tags.get("upstream_sid", ""),
            client_ip=tags.get("client_ip"),
            user_agent=tags.get("user_agent", ""),
            signed_in_at=datetime.fromisoformat(signed_in_at) if signed_in_at else None,
        )

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Return the seconds that this session has left.

        A signed-in session ends a fixed time after the sign-in, however busy it is: somebody whom the provider has
        disabled must come to its door again. A visitor's session lives long enough to sign in, and no longer.
        """
        left = int(super().get_expiry_age(**kwargs))
        signed_in_at = self.get(_TAGS, {}).get("signed_in_at")
        if signed_in_at is None:
            return min(left, VISITOR_LIFETIME)
        used = (timezone.now() - datetime.fromisoformat(signed_in_at)).total_seconds()
        return max(0, min(left, int(settings.SESSION_COOKIE_AGE - used)))

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """Return when this session ends."""
        return timezone.now() + timedelta(seconds=self.get_expiry_age(**kwargs))

    def delete(self, session_key: str | None = None) -> None:
        """End the session under this key, or this one."""
        key = session_key or self.session_key
        if key:
            UserSession.objects.filter(session_key=hashed(key)).delete()


def tag(
    session: Any,
    *,
    person: User,
    realm: Realm,
    client_ip: str | None,
    user_agent: str,
    provider_id: str | None = None,
    upstream_sid: str = "",
) -> None:
    """Note in a freshly signed-in session whose it is and where it came from."""
    session[REALM] = realm.value
    session[_TAGS] = {
        "person_id": str(person.pk),
        "realm": realm.value,
        "provider_id": provider_id,
        "upstream_sid": upstream_sid[:255],
        "client_ip": client_ip,
        "user_agent": user_agent.replace("\x00", "")[:255],
        "signed_in_at": timezone.now().isoformat(),
    }


def end_sessions(*, keep_key: str | None = None, **filters: Any) -> int:
    """End every session that the filters select (fields of `UserSession`), and return how many there were.

    Args:
        keep_key: the key of a session that stays, usually the actor's own.
        filters: as for a queryset, for example `person=ada` or `provider_id=entra.pk`.
    """
    sessions = UserSession.objects.filter(**filters)
    if keep_key:
        sessions = sessions.exclude(session_key=hashed(keep_key))
    return sessions.delete()[0]


def prune_visitors() -> None:
    """Remove the sessions of visitors who never signed in and whose time is over."""
    UserSession.objects.filter(person=None, expire_date__lt=timezone.now()).delete()


def live_sessions(**filters: Any) -> int:
    """Return how many signed-in sessions the filters select."""
    return UserSession.objects.filter(expire_date__gt=timezone.now(), person__isnull=False, **filters).count()
