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

from users import action_links, sessions
from users.audit import Actor, audited, record, record_all
from users.group_list import find_group
from users.groups import add_members
from users.impact import EXAMPLES, Impact, Line
from users.models import Group, State, User, UserSession
from users.names import clean_reason
from users.people_errors import SelectionChanged
from users.permissions import Permission
from users.schedules import after_scheduled_states
from users.selection import Selection
from users.services import require
from users.states import ACTIONS, apply_if_due, schedule_cancelled_by


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
_SUMMARIES = {State.ACTIVE: "users.people.activated", State.SUSPENDED: "users.people.suspended"}


@dataclass(frozen=True)
class BulkImpact(Impact):
    """What an act on a selection would change now.

    Attributes:
        changed: how many people it changes.
        fingerprint: what a confirmation refers to: these very people, each in the state shown.
    """

    act: BulkAct
    changed: int
    fingerprint: str


@after_scheduled_states
def impact_of(act: BulkAct, selection: Selection, group: Group | None = None) -> BulkImpact:
    """Compute what an act would change, as things are now.

    Args:
        group: whom to add to; until it is known there is nothing to confirm, and the fingerprint is empty.

    Raises:
        SelectionEmpty, SelectionTooLarge: see `Selection.people`.
    """
    people = selection.people()
    if act == BulkAct.ADD_TO_GROUP and group is None:
        chosen = _line(people, "{people} {are} chosen")
        return BulkImpact((chosen,), act=act, changed=chosen.count, fingerprint="")
    changed = _changed(act, people, group)
    lines = {
        BulkAct.ACTIVATE: _activation,
        BulkAct.SUSPEND: _suspension,
        BulkAct.ADD_TO_GROUP: _addition,
    }[act](people, changed)
    mark = _fingerprint(act, changed, group)
    return BulkImpact(tuple(lines), act=act, changed=changed.count(), fingerprint=mark)


def _changed(act: BulkAct, people: QuerySet[User], group: Group | None) -> QuerySet[User]:
    """Return those whom an act would change."""
    if act == BulkAct.ADD_TO_GROUP:
        return people.exclude(memberships__group=group)
    unlike = State.ACTIVE if act == BulkAct.ACTIVATE else State.SUSPENDED
    return people.filter(admin_role__isnull=True).exclude(state=unlike)


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
    yield _line(people.exclude(pk__in=changed.values("pk")), "{people} {are} in it already")


def _untouched(people: QuerySet[User], state: State, words: str) -> Iterable[Line]:
    yield _line(people.filter(admin_role__isnull=True, state=state), words)
    administrators = people.filter(admin_role__isnull=False)
    yield _line(administrators, "{people} with an administrator's role {are} left out: change them one by one")


def _line(people: QuerySet[User], words: str, *, tone: str = "neutral") -> Line:
    count = people.count()
    text = words.format(people="person" if count == 1 else "people", are="is" if count == 1 else "are")
    return Line(count, text, tone, tuple(person.label for person in people[:EXAMPLES]))


def _fingerprint(act: BulkAct, people: QuerySet[User], group: Group | None) -> str:
    """Return what a confirmation refers to: these people and the group, or for a change of state that of each."""
    facts = [[str(pk), "" if group else state] for pk, state in people.values_list("pk", "state")]
    text = json.dumps([act, str(group.pk) if group else "", facts])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# --- doing it --------------------------------------------------------------------------------------------------------


@after_scheduled_states
@audited("users.people.activated")
def activate_people(*, actor: Actor, selection: Selection, fingerprint: str) -> int:
    """Let many staged or suspended people sign in, and return how many there were.

    Args:
        fingerprint: of the impact that was shown and confirmed.

    Raises:
        SelectionEmpty, SelectionTooLarge, SelectionChanged: nothing was done.
    """
    return _set_state(actor, BulkAct.ACTIVATE, selection, fingerprint, State.ACTIVE, "")


@after_scheduled_states
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
    people = list(_confirmed(actor, act, selection, fingerprint))
    ids = [person.pk for person in people]
    now = timezone.now()
    changed = User.objects.filter(pk__in=ids)
    # A suspension that is planned still comes after an activation, as for one person; nothing comes after a suspension.
    cancelled = changed.exclude(scheduled_state=State.SUSPENDED) if state == State.ACTIVE else changed
    cancelled.update(scheduled_state=None, scheduled_at=None, scheduled_reason="")
    changed.update(state=state, state_reason=reason, state_changed_at=now, updated_at=now)
    ends = {person.pk: _schedule_that_ends(person, state) for person in people}
    for person in people:
        was_staged, person.state = person.state == State.STAGED, state
        if was_staged and state == State.ACTIVE:
            action_links.keep_over_activation(person)
    if state == State.SUSPENDED:
        action_links.void(ids)
    ended = sessions.end_sessions(person__in=ids)
    details: dict[str, Any] = {"reason": reason} if reason else {}
    rows = ((person.pk, person.label, {"at_once": True, **details, **ends[person.pk]}) for person in people)
    record_all(ACTIONS[state], actor=actor, kind=User, rows=rows)
    summary = {"people": len(ids), "sessions_ended": ended, **details}
    record(_SUMMARIES[state], actor=actor, details=summary)
    return len(ids)


def _schedule_that_ends(person: User, state: State) -> dict[str, str]:
    words = schedule_cancelled_by(state, person.scheduled_state, person.scheduled_at)
    return {"schedule_cancelled": words} if words else {}


@after_scheduled_states
@audited("users.group.members_added")
def add_people_to_group(*, actor: Actor, selection: Selection, fingerprint: str, group_id: UUID) -> int:
    """Put many people into a group, and return how many were not in it before.

    Args:
        fingerprint: of the impact on this group that was shown and confirmed.

    Raises:
        GroupNotFound: it was deleted meanwhile.
        SelectionEmpty, SelectionTooLarge, SelectionChanged: nothing was done.
    """
    require(actor, PERMISSIONS[BulkAct.ADD_TO_GROUP])
    group = find_group(str(group_id))
    people = _confirmed(actor, BulkAct.ADD_TO_GROUP, selection, fingerprint, group)
    return add_members(actor=actor, group=group, people=[person.pk for person in people])


def _confirmed(
    actor: Actor, act: BulkAct, selection: Selection, fingerprint: str, group: Group | None = None
) -> QuerySet[User]:
    """Return the people whom an act changes, locked, if they are those of the impact that was confirmed."""
    require(actor, PERMISSIONS[act])
    locked = list(_changed(act, selection.people(), group).select_for_update().values_list("pk", flat=True))
    for person in User.objects.filter(pk__in=locked, scheduled_at__lte=timezone.now()):
        apply_if_due(person)
    people = _changed(act, User.objects.filter(pk__in=locked).order_by("pk"), group)
    if _fingerprint(act, people, group) != fingerprint:
        raise SelectionChanged()
    return people
