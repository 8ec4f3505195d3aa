"""Acts on many people at once: what each would change, and doing it, in one transaction and a few statements."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from users import sessions
from users.audit import Actor, audited, record, record_all
from users.errors import GroupNotFound, SelectionChanged
from users.models import Group, GroupMembership, State, User, UserSession
from users.names import clean_reason
from users.permissions import Permission
from users.selection import Selection
from users.services import require

EXAMPLES = 5


class BulkAct(StrEnum):
    """What can be done to many people at once."""

    ACTIVATE = "activate"
    SUSPEND = "suspend"
    ADD_TO_GROUP = "add_to_group"


PERMISSIONS = {
    BulkAct.ACTIVATE: Permission.MANAGE_PEOPLE,
    BulkAct.SUSPEND: Permission.SUPPORT_PEOPLE,
    BulkAct.ADD_TO_GROUP: Permission.MANAGE_PEOPLE,
}
_ACTIONS = {State.ACTIVE: "users.person.activated", State.SUSPENDED: "users.person.suspended"}


@dataclass(frozen=True)
class Line:
    """One number with what it means, and the first few names behind it."""

    count: int
    text: str
    tone: str = "neutral"
    examples: tuple[str, ...] = ()

    @property
    def more(self) -> int:
        """How many names are not among the examples."""
        return self.count - len(self.examples)


@dataclass(frozen=True)
class BulkImpact:
    """What an act on a selection would change now.

    Attributes:
        changed: how many people it changes.
        fingerprint: what a confirmation refers to: these very people, each in the state shown.
    """

    act: BulkAct
    changed: int
    lines: tuple[Line, ...]
    fingerprint: str


def impact_of(act: BulkAct, selection: Selection, *, group: Group | None = None) -> BulkImpact:
    """Compute what an act would change, as things are now.

    Args:
        group: where the act is to add to one.

    Raises:
        SelectionEmpty, SelectionTooLarge: see `Selection.people`.
    """
    people = selection.people()
    changed = _changed(act, people, group)
    lines = {
        BulkAct.ACTIVATE: _activation,
        BulkAct.SUSPEND: _suspension,
        BulkAct.ADD_TO_GROUP: _addition,
    }[act](people, changed)
    shown = people if act == BulkAct.ADD_TO_GROUP else changed
    return BulkImpact(act, changed.count(), tuple(lines), _fingerprint(act, shown))


def _changed(act: BulkAct, people: QuerySet[User], group: Group | None) -> QuerySet[User]:
    people = people.filter(admin_role__isnull=True) if act != BulkAct.ADD_TO_GROUP else people
    if act == BulkAct.ACTIVATE:
        return people.exclude(state=State.ACTIVE)
    if act == BulkAct.SUSPEND:
        return people.exclude(state=State.SUSPENDED)
    return people.exclude(memberships__group=group) if group else people


def _activation(people: QuerySet[User], changed: QuerySet[User]) -> Iterable[Line]:
    suspended, staged = changed.filter(state=State.SUSPENDED), changed.filter(state=State.STAGED)
    yield _line(staged, "staged {people} may sign in from now on")
    yield _line(suspended, "suspended {people} may sign in again", tone="warning")
    yield from _untouched(people, State.ACTIVE, "{people} {are} active already")


def _suspension(people: QuerySet[User], changed: QuerySet[User]) -> Iterable[Line]:
    yield _line(changed, "{people} may not sign in any more", tone="danger")
    live = UserSession.objects.filter(person__in=changed, expire_date__gt=timezone.now()).count()
    yield Line(live, f"open session{'' if live == 1 else 's'} end{'s' if live == 1 else ''} at once", tone="warning")
    yield from _untouched(people, State.SUSPENDED, "{people} {are} suspended already")


def _addition(people: QuerySet[User], changed: QuerySet[User]) -> Iterable[Line]:
    yield _line(changed, "{people} will be in the group")
    members = people.count() - changed.count()
    yield Line(members, f"{_counted(members)} in it already")


def _untouched(people: QuerySet[User], state: State, words: str) -> Iterable[Line]:
    yield _line(people.filter(admin_role__isnull=True, state=state), words)
    administrators = people.filter(admin_role__isnull=False)
    yield _line(administrators, "{people} with an administrator's role {are} left out: change them one by one")


def _line(people: QuerySet[User], words: str, *, tone: str = "neutral") -> Line:
    count = people.count()
    text = words.format(people="person" if count == 1 else "people", are="is" if count == 1 else "are")
    return Line(count, text, tone, tuple(person.label for person in people[:EXAMPLES]))


def _counted(number: int) -> str:
    return "person is" if number == 1 else "people are"


def _fingerprint(act: BulkAct, people: QuerySet[User]) -> str:
    """Return what a confirmation refers to. Who is in the group already may change: adding twice changes nothing."""
    facts = [[str(pk), "" if act == BulkAct.ADD_TO_GROUP else state] for pk, state in people.values_list("pk", "state")]
    return hashlib.sha256(json.dumps([act, facts]).encode()).hexdigest()[:32]


# --- doing it --------------------------------------------------------------------------------------------------------


@audited("users.people.activated")
def activate_people(*, actor: Actor, selection: Selection, fingerprint: str) -> int:
    """Let many staged or suspended people sign in, and return how many there were.

    Args:
        fingerprint: of the impact that was shown and confirmed.

    Raises:
        SelectionEmpty, SelectionTooLarge, SelectionChanged: nothing was done.
    """
    return _set_state(actor, BulkAct.ACTIVATE, selection, fingerprint, State.ACTIVE, "")


@audited("users.people.suspended")
def suspend_people(*, actor: Actor, selection: Selection, fingerprint: str, reason: str = "") -> int:
    """Refuse many people every sign-in, end their sessions, and return how many there were.

    Args:
        fingerprint: of the impact that was shown and confirmed.
        reason: kept with each of them, at most 200 characters.

    Raises:
        SelectionEmpty, SelectionTooLarge, SelectionChanged, NameInvalid: nothing was done.
    """
    return _set_state(actor, BulkAct.SUSPEND, selection, fingerprint, State.SUSPENDED, clean_reason(reason))


def _set_state(actor: Actor, act: BulkAct, selection: Selection, fingerprint: str, state: State, reason: str) -> int:
    people = _confirmed(actor, act, selection, fingerprint, None)
    rows = list(people.values_list("pk", "company_email", "display_name", "given_name", "family_name", "state"))
    ids = [row[0] for row in rows]
    now = timezone.now()
    User.objects.filter(pk__in=ids).update(
        state=state, state_reason=reason, state_changed_at=now, updated_at=now,
        scheduled_state=None, scheduled_at=None, scheduled_reason="",
    )  # fmt: skip
    ended = sessions.end_sessions(person__in=ids)
    details: dict[str, Any] = {"reason": reason} if reason else {}
    record_all(
        _ACTIONS[state],
        actor=actor,
        kind=User,
        rows=((pk, display or f"{given} {family}".strip() or email, {"from": before, "at_once": True, **details})
              for pk, email, display, given, family, before in rows),
    )  # fmt: skip
    summary = {"people": len(ids), "sessions_ended": ended, **details}
    record(f"users.people.{'activated' if state == State.ACTIVE else 'suspended'}", actor=actor, details=summary)
    return len(ids)


@audited("users.group.members_added")
def add_people_to_group(*, actor: Actor, selection: Selection, fingerprint: str, group_id: UUID) -> int:
    """Put many people into a group, and return how many were not in it before.

    Raises:
        GroupNotFound: it was deleted meanwhile.
        SelectionEmpty, SelectionTooLarge, SelectionChanged: nothing was done.
    """
    require(actor, PERMISSIONS[BulkAct.ADD_TO_GROUP])
    group = Group.objects.select_for_update().filter(pk=group_id).first()
    if group is None:
        raise GroupNotFound()
    people = _confirmed(actor, BulkAct.ADD_TO_GROUP, selection, fingerprint, group)
    ids = list(people.values_list("pk", flat=True))
    GroupMembership.objects.bulk_create(
        (GroupMembership(group=group, person_id=pk) for pk in ids), batch_size=500, ignore_conflicts=True
    )
    record("users.group.members_added", actor=actor, target=group, details={"people": len(ids)})
    return len(ids)


def _confirmed(
    actor: Actor, act: BulkAct, selection: Selection, fingerprint: str, group: Group | None
) -> QuerySet[User]:
    """Return the people whom an act changes, locked, if they are those of the impact that was confirmed."""
    require(actor, PERMISSIONS[act])
    shown = selection.people() if act == BulkAct.ADD_TO_GROUP else _changed(act, selection.people(), None)
    locked = User.objects.filter(pk__in=[row.pk for row in shown.select_for_update().only("pk")]).order_by("pk")
    shown = locked if act == BulkAct.ADD_TO_GROUP else _changed(act, locked, None)
    if _fingerprint(act, shown) != fingerprint:
        raise SelectionChanged()
    return _changed(act, locked, group)
