"""Server-side sessions that know whose they are, so that they can be listed and ended."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core import signing
from django.db import DatabaseError, IntegrityError, OperationalError, connection
from django.utils import timezone

from users.models import Organization, Realm, User, UserSession
from users.plain_sql import insert_if_new

REALM = "realm"
# How a person was recognised whom a break-glass link let in.
BREAK_GLASS = "break-glass link"
# Between what a person gave and the provider that was down, where that was let in in its place.
WHILE = " while "
_TAGS = "session_tags"
VISITOR_LIFETIME = 30 * 60
# How often the row of a session in use is told so. The idle limit is exact to this.
TOUCH_EVERY = timedelta(minutes=1)


def hashed(session_key: str) -> str:
    """Return what is stored of a session key: its SHA-256, cut to the width of the column (160 bits)."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Django's database sessions in `UserSession` rows, under the hash of their key.

    A signed-in session ends at the organization's idle and absolute limits, whichever comes first: somebody whom the
    provider has disabled must come to its door again. A visitor's session lives long enough to sign in, and no longer.
    """

    _last_saved: tuple[str | None, bytes] | None = None

    @classmethod
    def get_model_class(cls) -> type[UserSession]:
        """Return the model of the rows."""
        return UserSession

    def load(self) -> dict[str, Any]:
        """Return what the session holds, and note once a minute that it is in use."""
        now = timezone.now()
        parameters = [_stored(now - TOUCH_EVERY), hashed(self.session_key or ""), _stored(now)]
        with connection.cursor() as cursor:
            cursor.execute(_LOAD, parameters)
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        if row[1]:
            _touch(parameters[1], now)
        held: dict[str, Any] = self.decode(row[0])
        return held

    def _get_new_session_key(self) -> str:
        # Django asks the database whether so many random bits are taken. The insert would say so.
        return token_urlsafe(32)

    def exists(self, session_key: str) -> bool:
        """Return whether a live or expired row stands under this key."""
        return UserSession.objects.filter(session_key=hashed(session_key)).exists()

    def cycle_key(self) -> None:
        """Go on under a new key. The row is written once, with all that is known by then, when the session is saved."""
        data, old_key = self._get_session(), self.session_key  # type: ignore[attr-defined]
        self._session_key = None
        self._session_cache = data
        self.modified = True
        if old_key:
            self.delete(old_key)

    def save(self, must_create: bool = False) -> None:
        """Store the session, unless exactly this was stored already: the middleware saves again what a view saved.

        Raises:
            UpdateError: the session was ended meanwhile.
        """
        if self.session_key is None:
            self.create()
            return
        snapshot = (self.session_key, self.serializer().dumps(self._get_session(no_load=must_create)))  # type: ignore[attr-defined]
        if must_create or snapshot != self._last_saved:
            self._write(must_create)
            self._last_saved = snapshot

    def _write(self, must_create: bool) -> None:
        """Insert or update the row. Unlike Django's own without a savepoint: a failure undoes the whole sign-in."""
        row = self.create_model_instance(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        if must_create:
            if not insert_if_new(row):
                raise CreateError
            return
        try:
            row.save(force_update=True)
        except (IntegrityError, OperationalError):
            # The second is a database that went away: that says nothing about whether the session was ended.
            raise
        except DatabaseError as error:
            raise UpdateError from error

    def encode(self, session_dict: dict[str, Any]) -> str:
        """Return what is stored, signed as Django's own, but not compressed: that costs more than so few bytes do."""
        return signing.dumps(session_dict, salt=self.key_salt, serializer=self.serializer, compress=False)

    def create_model_instance(self, data: dict[str, Any]) -> UserSession:
        """Return the row to save: the data, and in columns what it is searched by."""
        tags = data.get(_TAGS, {})
        now, signed_in_at = timezone.now(), _signed_in_at(tags)
        ends_at = now + timedelta(seconds=VISITOR_LIFETIME)
        if signed_in_at:
            ends_at = ends(_limits(), signed_in_at, now)
        return UserSession(
            session_key=hashed(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=ends_at,
            person_id=tags.get("person_id"),
            realm=tags.get("realm", ""),
            provider_id=tags.get("provider_id"),
            upstream_sid=tags.get("upstream_sid", ""),
            client_ip=tags.get("client_ip"),
            user_agent=tags.get("user_agent", ""),
            signed_in_at=signed_in_at,
            last_seen_at=now if signed_in_at else None,
        )

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Return how many seconds the browser may keep the cookie. The row alone decides whether it still counts."""
        return int(settings.SESSION_COOKIE_AGE) if self.get(_TAGS) else VISITOR_LIFETIME

    def delete(self, session_key: str | None = None) -> None:
        """End the session under this key, or this one."""
        key = session_key or self.session_key
        if key:
            with connection.cursor() as cursor:
                cursor.execute(_DELETE, [hashed(key)])


def _signed_in_at(tags: dict[str, Any]) -> datetime | None:
    text = tags.get("signed_in_at")
    return datetime.fromisoformat(text) if text else None


def ends(limits: tuple[int, int], signed_in_at: datetime, last_seen_at: datetime) -> datetime:
    """Return when a session ends that is not used again.

    Args:
        limits: the organization's idle limit in minutes and its absolute one in hours.
    """
    idle_minutes, absolute_hours = limits
    absolute = signed_in_at + timedelta(hours=absolute_hours)
    return min(absolute, last_seen_at + timedelta(minutes=idle_minutes))


def _limits() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_idle_minutes, session_absolute_hours FROM users_organization WHERE id = 1")
        row: tuple[int, int] | None = cursor.fetchone()
    unset = Organization()
    return row or (unset.session_idle_minutes, unset.session_absolute_hours)


def _touch(session_hash: str, now: datetime) -> None:
    """Note that a session is in use, and move its end on."""
    row = UserSession.objects.filter(pk=session_hash, signed_in_at__isnull=False).first()
    if row is not None and row.signed_in_at is not None:
        ends_at = ends(_limits(), row.signed_in_at, now)
        UserSession.objects.filter(pk=row.pk).update(last_seen_at=now, expire_date=ends_at)


# What every page and every sign-in asks. The ORM spends several times as long on putting such a question together
# as the database on answering it (docs/performance.md).
_LOAD = """
    SELECT session_data,
           CASE WHEN signed_in_at IS NOT NULL AND (last_seen_at IS NULL OR last_seen_at < %s) THEN 1 ELSE 0 END
    FROM users_usersession WHERE session_key = %s AND expire_date > %s
"""
_DELETE = "DELETE FROM users_usersession WHERE session_key = %s"
_RELOAD = "SELECT session_data FROM users_usersession WHERE session_key = %s AND expire_date > %s"


def _stored(moment: datetime) -> Any:
    """Return a moment as this database compares it."""
    return connection.ops.adapt_datetimefield_value(moment)


def reload_for_update(session: SessionBase) -> dict[str, Any] | None:
    """Return what a session holds now, its row locked until the end of the transaction, or None if it was ended."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(_RELOAD + lock, [hashed(session.session_key or ""), _stored(timezone.now())])
        row = cursor.fetchone()
    if row is None:
        return None
    held: dict[str, Any] = session.decode(row[0])
    return held


def tag(
    session: Any,
    *,
    person: User,
    realm: Realm,
    client_ip: str | None,
    user_agent: str,
    method: str,
    provider_id: str | None = None,
    upstream_sid: str = "",
) -> None:
    """Note in a freshly signed-in session whose it is, where it came from and how the person was recognised."""
    session[REALM] = realm.value
    session[_TAGS] = {
        "person_id": str(person.pk),
        "realm": realm.value,
        "provider_id": provider_id,
        "upstream_sid": upstream_sid[:255],
        "client_ip": client_ip,
        "user_agent": user_agent.replace("\x00", "")[:255],
        "method": method,
        "signed_in_at": timezone.now().isoformat(),
    }


@dataclass(frozen=True)
class Origin:
    """Where a signed-in session came from, as it says itself: no row is read for it."""

    since: datetime
    address: str
    user_agent: str
    method: str


def method_of(session: UserSession) -> str:
    """Return how the person was recognised when this session was opened, as `tag` was told."""
    return str(SessionStore().decode(session.session_data).get(_TAGS, {}).get("method", ""))


def shown_second_factor(session: Any) -> bool:
    """Return whether the person of this session has shown a second factor at Gatehouse in it."""
    return "+" in str(session.get(_TAGS, {}).get("method", "")).partition(WHILE)[0]  # a provider's name may hold one


def note_second_factor(session: Any, factor: str) -> None:
    """Note that a person has just set up a second factor in this session of the User Portal: nobody else could have.

    The Admin Portal does not ask for it again, and its break-glass sessions stay what they are.

    Args:
        factor: as in `tag`: `totp` or `passkey`.
    """
    if session.get(REALM) == Realm.USER and not shown_second_factor(session) and _TAGS in session:
        given, during, outage = str(session[_TAGS]["method"]).partition(WHILE)
        session[_TAGS] = {**session[_TAGS], "method": f"{given}+{factor}{during}{outage}"}


def origin_of(session: Any) -> Origin | None:
    """Return what was noted when this session was opened, or None of a visitor's."""
    tags = session.get(_TAGS, {})
    since = _signed_in_at(tags)
    if since is None:
        return None
    return Origin(since, tags.get("client_ip") or "", tags.get("user_agent", ""), tags.get("method", ""))


def opened_by_break_glass(session: Any) -> bool:
    """Return whether a break-glass link opened this session, as it says itself."""
    origin = origin_of(session)
    return origin is not None and origin.method == BREAK_GLASS


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
