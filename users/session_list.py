"""Sessions as people see them: whose, from where, since when; and ending them."""

import contextlib
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from users import sessions
from users.audit import Actor, audited, record
from users.errors import SessionNotFound
from users.models import User, UserSession
from users.permissions import Permission
from users.services import require

PAGE_SIZE = 20
FEW = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def find_sessions(*, person: User | None = None, email: str = "", before: str = "") -> "QuerySet[UserSession]":
    """Return the live sessions of people, the newest sign-in first.

    Args:
        person: only this person's.
        email: only those of people whose company email begins so.
        before: only those that come after this place of the list, as `place_of` names it; anything else is ignored.
    """
    found = UserSession.objects.filter(
        expire_date__gt=timezone.now(), person__isnull=False, signed_in_at__isnull=False
    ).select_related("person")
    if person is not None:
        found = found.filter(person=person)
    if email:
        found = found.filter(_of_people(email.strip().lower().replace("\x00", "")))
    place = _place(before)
    if place is not None:
        at, key = place
        # The first condition is what the index answers; the second says what goes on within one moment.
        found = found.filter(signed_in_at__lte=at).exclude(signed_in_at=at, session_key__gte=key)
    return found.order_by("-signed_in_at", "-session_key")


def _of_people(email: str) -> Q:
    """Return the condition for people by the beginning of their email: by key where few are meant.

    Where many are, the newest sessions hold a page of theirs soon.
    """
    people = User.objects.filter(company_email__startswith=email).order_by()
    keys = list(people.values_list("pk", flat=True)[: FEW + 1])
    return Q(person__in=keys) if len(keys) <= FEW else Q(person__company_email__startswith=email)


def place_of(session: UserSession) -> str:
    """Return the place of a session in the list, for the link to the sessions after it."""
    signed_in_at = session.signed_in_at or _EPOCH
    return f"{(signed_in_at - _EPOCH) // timedelta(microseconds=1)}-{session.session_key}"


def _place(text: str) -> tuple[datetime, str] | None:
    moment, _, key = text.replace("\x00", "").partition("-")
    with contextlib.suppress(ValueError, OverflowError):
        return _EPOCH + timedelta(microseconds=int(moment)), key
    return None


@audited("users.session.ended")
def end_session(*, actor: Actor, key: str, person: User | None = None) -> UserSession:
    """End one session. Everybody may end their own; those of others take the permission to manage their owner.

    Args:
        key: what the lists name the session by. It opens nothing: it is the hash of what the browser holds.
        person: whose it must be, where only one person's sessions are at hand.

    Raises:
        SessionNotFound: there is none, it has ended, or it is somebody else's.
        PermissionRefused: the role does not cover it.
    """
    found = find_sessions(person=person).filter(session_key=key.replace("\x00", "")[:40]).first()
    if found is None or found.person is None:
        raise SessionNotFound()
    _require_over(actor, found.person)
    if not sessions.end_sessions(session_key=found.session_key):
        raise SessionNotFound()  # it ended in the same moment
    details = {"sessions_ended": 1, "portal": found.realm, "address": found.client_ip}
    record("users.session.ended", actor=actor, target=found.person, details=details)
    return found


@audited("users.session.ended")
def end_sessions_of(*, actor: Actor, person: User, keep_key: str | None = None) -> int:
    """End all sessions of a person, in both portals, and return how many there were.

    Args:
        keep_key: the session key of the browser at hand, where that one stays.

    Raises:
        PermissionRefused: the role does not cover it.
    """
    _require_over(actor, person)
    live = find_sessions(person=person)
    ended = (live.exclude(session_key=sessions.hashed(keep_key)) if keep_key else live).count()
    sessions.end_sessions(person=person, keep_key=keep_key)
    if ended:
        details = {"sessions_ended": ended, "others_only": keep_key is not None}
        record("users.session.ended", actor=actor, target=person, details=details)
    return ended


@audited("users.session.ended")
def end_all_sessions(*, actor: Actor) -> int:
    """End every session of everybody, the actor's own too, and return how many there were.

    Raises:
        PermissionRefused: the role does not cover it.
    """
    require(actor, Permission.MANAGE_ADMINISTRATORS)
    require(actor, Permission.MANAGE_PEOPLE)
    ended = find_sessions().count()
    sessions.end_sessions(person__isnull=False)
    record("users.session.ended", actor=actor, details={"sessions_ended": ended, "everybody": True})
    return ended


def permission_over(person: User) -> Permission:
    """Return what it takes to act on a person: administrators are managed by those who manage administrators."""
    return Permission.SUPPORT_PEOPLE if person.admin_role is None else Permission.MANAGE_ADMINISTRATORS


def _require_over(actor: Actor, person: User) -> None:
    if actor.person is None or actor.person.pk != person.pk:
        require(actor, permission_over(person))
