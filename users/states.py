"""A person's state: setting it, and what happens to a change that is scheduled. The rows are locked by the callers."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from users import action_links, sessions
from users.audit import Actor, record
from users.models import State, User
from users.people_errors import PersonScheduled

ACTIONS = {State.ACTIVE: "users.person.activated", State.SUSPENDED: "users.person.suspended"}
CLOCK = Actor(person=None, label="Gatehouse schedule", is_operator=True)
_FIELDS = ["state", "state_reason", "state_changed_at", "scheduled_state", "scheduled_at", "scheduled_reason"]


def change_state(*, actor: Actor, person: User, state: State, reason: str = "") -> User:
    """Set the state, end all sessions and record it. The state that there is already changes nothing.

    A scheduled change that this contradicts, or that has nothing left to do, is cancelled. Only a suspension still
    comes after an activation: whoever activates somebody until a date means both.
    """
    apply_if_due(person)
    cancelled = schedule_cancelled_by(state, person.scheduled_state, person.scheduled_at)
    if person.state == state and not cancelled:
        return person
    details: dict[str, Any] = {"reason": reason} if reason else {}
    if cancelled:
        details["schedule_cancelled"] = cancelled
        clear_schedule(person)
    _set(actor, person, state, reason=reason, at=timezone.now(), details=details)
    return person


def schedule_cancelled_by(state: str, scheduled_state: str | None, scheduled_at: datetime | None) -> str:
    """Return the scheduled change that a change to this state cancels, in words for the audit log, or "" for none."""
    if scheduled_state is None or scheduled_at is None:
        return ""
    if state == State.ACTIVE and scheduled_state == State.SUSPENDED:
        return ""
    return f"{State(scheduled_state).value} at {scheduled_at:%Y-%m-%d %H:%M} UTC"


def is_due(person: User) -> bool:
    """Return whether a scheduled state counts by now."""
    return person.scheduled_at is not None and person.scheduled_at <= timezone.now()


def apply_if_due(person: User, *, actor: Actor = CLOCK) -> bool:
    """Turn a scheduled state whose time has come into the state, and return whether there was one."""
    if not is_due(person) or person.scheduled_state is None or person.scheduled_at is None:
        return False
    state, at, reason = State(person.scheduled_state), person.scheduled_at, person.scheduled_reason
    clear_schedule(person)
    details = {"scheduled_at": at.isoformat(timespec="minutes"), **({"reason": reason} if reason else {})}
    _set(actor, person, state, reason=reason, at=at, details=details)
    return True


def clear_schedule(person: User) -> None:
    """Forget what is scheduled. Does not save."""
    person.scheduled_state, person.scheduled_at, person.scheduled_reason = None, None, ""


def refuse_scheduled(person: User) -> None:
    """Refuse a role to somebody whose state a clock would change.

    Raises:
        PersonScheduled: see there.
    """
    apply_if_due(person)
    if person.scheduled_state and person.scheduled_at:
        word = State(person.scheduled_state).label.lower()
        raise PersonScheduled(label=person.label, state=word, at=f"{person.scheduled_at:%-d %B %Y, %H:%M} UTC")


def _set(actor: Actor, person: User, state: State, *, reason: str, at: datetime, details: dict[str, Any]) -> None:
    before = person.state
    person.state, person.state_reason, person.state_changed_at = state, reason, at
    person.save(update_fields=[*_FIELDS, "updated_at"])
    if (before, state) == (State.STAGED, State.ACTIVE):
        action_links.keep_over_activation(person)
    if state == State.SUSPENDED:
        action_links.void([person.pk])
    # Also on activation: a sign-in that was under way when the person was suspended may have left one behind.
    ended = sessions.end_sessions(person=person)
    record(ACTIONS[state], actor=actor, target=person, details={"from": before, "sessions_ended": ended, **details})
