"""Changes of state that come by themselves: a contractor's last day, the end of a leave.

`User.effective_state` lets a scheduled state count from its very moment. Housekeeping writes it down a little later,
ends the sessions and records it; whatever changes the state before that, or asks the database for people by their
state, writes it down first.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction
from django.utils import timezone

from users.audit import Actor, audited, record
from users.models import State, User
from users.names import clean_reason
from users.people_errors import (
    NothingScheduled,
    ScheduleForAdministrator,
    ScheduleInPast,
    ScheduleTooFar,
    StateAlready,
)
from users.permissions import Permission
from users.services import locked_with_billing, require
from users.states import CLOCK, apply_if_due, clear_schedule, is_due

YEARS_AHEAD = 5
BATCH = 500
# Who may let it come, and who may keep it from coming: to postpone a suspension is to let somebody go on.
TO_SCHEDULE = {State.SUSPENDED: Permission.SUPPORT_PEOPLE, State.ACTIVE: Permission.MANAGE_PEOPLE}
TO_CANCEL = {State.SUSPENDED: Permission.MANAGE_PEOPLE, State.ACTIVE: Permission.SUPPORT_PEOPLE}
_FIELDS = ["scheduled_state", "scheduled_at", "scheduled_reason", "updated_at"]

P = ParamSpec("P")
R = TypeVar("R")


@audited("users.person.scheduled")
def schedule_state(*, actor: Actor, person: User, state: State, at: datetime, reason: str = "") -> User:
    """Let a person be suspended or active from a moment on. It takes the place of what was scheduled before.

    Args:
        state: `State.ACTIVE` or `State.SUSPENDED`.
        at: when, with its time zone.
        reason: at most 200 characters; it becomes the reason of the state.

    Raises:
        ScheduleForAdministrator: the person has a role.
        ScheduleInPast, ScheduleTooFar: it is not within the next five years.
        StateAlready: that is the state now.
        NameInvalid: the reason is too long.
    """
    require(actor, TO_SCHEDULE[state])
    person = locked_with_billing(person)
    if person.admin_role is not None:
        raise ScheduleForAdministrator(label=person.label)
    _refuse_moment(at)
    apply_if_due(person)
    if person.state == state:
        raise StateAlready(label=person.label, state=state.label.lower())
    before = _words(person)
    if person.scheduled_state:
        require(actor, TO_CANCEL[State(person.scheduled_state)])
    person.scheduled_state, person.scheduled_at = state.value, at
    person.scheduled_reason = clean_reason(reason)
    person.save(update_fields=_FIELDS)
    details = {"state": state.value, "at": at.isoformat(timespec="minutes"), "reason": person.scheduled_reason}
    record("users.person.scheduled", actor=actor, target=person, details={**details, "instead_of": before})
    return person


@audited("users.person.schedule_cancelled")
def cancel_schedule(*, actor: Actor, person: User) -> User:
    """Cancel the change of state that is to come.

    Raises:
        NothingScheduled: there is none, or its time has come.
    """
    require(actor, Permission.SUPPORT_PEOPLE)
    person = locked_with_billing(person)
    if person.scheduled_state is None or is_due(person):
        raise NothingScheduled(label=person.label)
    require(actor, TO_CANCEL[State(person.scheduled_state)])
    details = {"scheduled": _words(person)}
    clear_schedule(person)
    person.save(update_fields=_FIELDS)
    record("users.person.schedule_cancelled", actor=actor, target=person, details=details)
    return person


def apply_scheduled_states(actor: Actor = CLOCK) -> dict[str, int]:
    """Write down every scheduled state whose time has come, each in a transaction of its own.

    Where there is none, it costs one look into an index of what is scheduled.
    Two that do this at once share the work: who comes second to a person finds nothing to do.

    Returns:
        How many people were `activated` and `suspended`.
    """
    counts = {State.ACTIVE: 0, State.SUSPENDED: 0}
    while due := list(User.objects.filter(scheduled_at__lte=timezone.now()).order_by("scheduled_at", "pk")[:BATCH]):
        for row in due:
            with transaction.atomic():
                person = User.objects.select_for_update().filter(pk=row.pk).first()
                if person is not None and apply_if_due(person, actor=actor):
                    counts[State(person.state)] += 1
    return {"activated": counts[State.ACTIVE], "suspended": counts[State.SUSPENDED]}


def after_scheduled_states(service: Callable[P, R]) -> Callable[P, R]:
    """Apply the scheduled states before a service opens its transaction: what it refuses must not take them back."""

    @wraps(service)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        apply_scheduled_states()
        return service(*args, **kwargs)

    return wrapper


def _refuse_moment(at: datetime) -> None:
    now = timezone.now()
    if at <= now:
        raise ScheduleInPast()
    if at > now + timedelta(days=366 * YEARS_AHEAD):
        raise ScheduleTooFar(years=YEARS_AHEAD)


def _words(person: User) -> str:
    if person.scheduled_state is None or person.scheduled_at is None:
        return ""
    return f"{person.scheduled_state} at {person.scheduled_at:%Y-%m-%d %H:%M} UTC"
