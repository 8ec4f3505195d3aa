"""States that come by themselves: scheduling, cancelling, and the moment itself."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.browsing import Browser
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.users.support import as_person, at_once, audit_rows, refused
from users.administrators import add_administrator
from users.errors import NameInvalid, PermissionRefused
from users.models import AdminRole, AuditEvent, State, User
from users.people_errors import (
    NothingScheduled,
    PersonScheduled,
    ScheduleForAdministrator,
    ScheduleInPast,
    ScheduleTooFar,
    StateAlready,
)
from users.schedules import apply_scheduled_states, cancel_schedule, schedule_state
from users.services import activate_person, suspend_person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def later(days: float = 1) -> datetime:
    return timezone.now() + timedelta(days=days)


def schedule(person: User, state: State = State.SUSPENDED, days: float = 1, **more: object) -> User:
    return schedule_state(actor=OPERATOR, person=person, state=state, at=later(days), **more)  # type: ignore[arg-type]


def last(person: User) -> AuditEvent:
    return AuditEvent.objects.filter(target_id=str(person.pk)).order_by("-id")[0]


# --- the state by hand -----------------------------------------------------------------------------------------------


def test_a_state_keeps_its_reason_and_its_moment() -> None:
    person = make_person()
    before = timezone.now()
    suspended = suspend_person(actor=OPERATOR, person=person, reason="  Left  the company ")
    assert (suspended.state, suspended.state_reason) == (State.SUSPENDED, "Left the company")
    assert suspended.state_changed_at is not None and suspended.state_changed_at >= before
    assert last(person).details == {"from": "active", "sessions_ended": 0, "reason": "Left the company"}
    active = activate_person(actor=OPERATOR, person=person)
    assert (active.state, active.state_reason) == (State.ACTIVE, "")
    assert refused(NameInvalid, suspend_person, actor=OPERATOR, person=person, reason="x" * 201).field == "reason"


@pytest.mark.parametrize(
    ("now", "to_come", "act", "left"),
    [
        (State.ACTIVE, State.SUSPENDED, suspend_person, None),
        (State.SUSPENDED, State.ACTIVE, activate_person, None),
        (State.SUSPENDED, State.ACTIVE, suspend_person, None),
        (State.STAGED, State.ACTIVE, suspend_person, None),
        (State.STAGED, State.ACTIVE, activate_person, None),
        (State.STAGED, State.SUSPENDED, activate_person, "suspended"),
        (State.ACTIVE, State.SUSPENDED, activate_person, "suspended"),
    ],
)
def test_a_change_by_hand_cancels_what_contradicts_it(now: State, to_come: State, act: object, left: object) -> None:
    person = schedule(make_person(state=now), to_come)
    changed = act(actor=OPERATOR, person=person)  # type: ignore[operator]
    assert changed.scheduled_state == left
    assert (changed.scheduled_at is None) == (left is None)
    changed.refresh_from_db()
    assert changed.scheduled_state == left
    if left is None:
        assert last(person).details["schedule_cancelled"].startswith(f"{to_come.value} at ")


# --- scheduling ------------------------------------------------------------------------------------------------------


def test_a_suspension_is_scheduled_and_recorded() -> None:
    person, at = make_person(), later(30)
    schedule_state(actor=OPERATOR, person=person, state=State.SUSPENDED, at=at, reason="Contract ends")
    person.refresh_from_db()
    assert (person.state, person.scheduled_state, person.scheduled_at) == ("active", "suspended", at)
    assert person.scheduled_reason == "Contract ends" and person.is_active
    event = last(person)
    assert (event.action, event.details["state"], event.details["reason"], event.details["instead_of"]) == (
        "users.person.scheduled",
        "suspended",
        "Contract ends",
        "",
    )
    schedule(person, days=2)
    assert last(person).details["instead_of"].startswith("suspended at ")


def test_moments_that_make_no_sense_are_refused() -> None:
    person = make_person()
    assert refused(ScheduleInPast, schedule, person=person, days=-1).code == "users.schedule_in_past"
    assert refused(ScheduleTooFar, schedule, person=person, days=366 * 5 + 1).code == "users.schedule_too_far"
    assert schedule(person, days=365 * 5).scheduled_state == "suspended"
    assert refused(StateAlready, schedule, person=person, state=State.ACTIVE).code == "users.state_already"
    assert ("users.person.scheduled", "refused", "users.schedule_in_past") in audit_rows(target_id=str(person.pk))


def test_an_administrator_has_no_schedule_and_a_schedule_no_role() -> None:
    administrator = make_administrator()
    error = refused(ScheduleForAdministrator, schedule, person=administrator)
    assert error.code == "users.schedule_for_administrator"
    person = schedule(make_person())
    role = {"role": AdminRole.READ_ONLY, "password": PASSWORD}
    error = refused(PersonScheduled, add_administrator, actor=OPERATOR, company_email=person.company_email, **role)
    assert (error.code, "suspended" in error.message) == ("users.person_scheduled", True)
    cancel_schedule(actor=OPERATOR, person=person)
    assert add_administrator(actor=OPERATOR, company_email=person.company_email, **role).admin_role == "read_only"  # type: ignore[arg-type]


def test_the_database_refuses_it_too() -> None:
    administrator = make_administrator()
    for wrong in (
        {"scheduled_state": "suspended", "scheduled_at": later()},
        {"scheduled_state": "suspended"},
        {"scheduled_at": later()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=administrator.pk).update(**wrong)


def test_who_may_schedule_and_cancel_what() -> None:
    office = {role: as_person(make_administrator(role)) for role in AdminRole}
    help_desk, administrator = office[AdminRole.HELP_DESK], office[AdminRole.ADMINISTRATOR]
    person, sleeper = make_person(), make_person(state=State.SUSPENDED)
    soon = {"at": later(), "reason": ""}
    schedule_state(actor=help_desk, person=person, state=State.SUSPENDED, **soon)  # type: ignore[arg-type]
    refused(PermissionRefused, schedule_state, actor=help_desk, person=sleeper, state=State.ACTIVE, **soon)
    schedule_state(actor=administrator, person=sleeper, state=State.ACTIVE, **soon)  # type: ignore[arg-type]
    # To cancel or to postpone a suspension is to let somebody go on.
    refused(PermissionRefused, cancel_schedule, actor=help_desk, person=person)
    refused(PermissionRefused, schedule_state, actor=help_desk, person=person, state=State.SUSPENDED, at=later(9))
    cancel_schedule(actor=help_desk, person=sleeper)
    cancel_schedule(actor=administrator, person=person)
    for act in (schedule_state, cancel_schedule):
        more = {"state": State.SUSPENDED, **soon} if act is schedule_state else {}
        refused(PermissionRefused, act, actor=office[AdminRole.READ_ONLY], person=person, **more)


def test_a_schedule_is_cancelled_once() -> None:
    person = schedule(make_person())
    assert cancel_schedule(actor=OPERATOR, person=person).scheduled_state is None
    assert last(person).action == "users.person.schedule_cancelled"
    assert refused(NothingScheduled, cancel_schedule, actor=OPERATOR, person=person).code == "users.nothing_scheduled"


# --- the moment ------------------------------------------------------------------------------------------------------


def test_a_scheduled_suspension_counts_from_its_moment_on() -> None:
    with time_machine.travel(datetime(2030, 1, 1, 12, tzinfo=UTC), tick=False) as clock:
        person = make_person(password=PASSWORD)
        schedule(person, days=1 / 24, reason="Contract ends")
        browser = Browser()
        browser.sign_in_with_password(person)
        clock.shift(timedelta(minutes=30))
        assert browser.is_signed_in
        clock.shift(timedelta(minutes=29, seconds=59))
        assert browser.is_signed_in
        clock.shift(timedelta(seconds=1))
        assert not browser.is_signed_in  # nobody has written it down yet
        assert Browser().sign_in_with_password(person).status_code == 401
        person.refresh_from_db()
        assert (person.state, person.effective_state) == ("active", "suspended")
        refused(NothingScheduled, cancel_schedule, actor=OPERATOR, person=person)
        clock.shift(timedelta(minutes=7))
        assert apply_scheduled_states(OPERATOR) == {"activated": 0, "suspended": 1}
        assert apply_scheduled_states(OPERATOR) == {"activated": 0, "suspended": 0}
        person.refresh_from_db()
        assert (person.state, person.state_reason, person.scheduled_state) == ("suspended", "Contract ends", None)
        assert person.state_changed_at == datetime(2030, 1, 1, 13, tzinfo=UTC)
        event = last(person)
        assert (event.action, event.details["sessions_ended"]) == ("users.person.suspended", 1)
        assert event.details["scheduled_at"] == "2030-01-01T13:00+00:00"


def test_a_scheduled_activation_counts_from_its_moment_on() -> None:
    with time_machine.travel(datetime(2030, 1, 1, 12, tzinfo=UTC), tick=False) as clock:
        person = make_person(state=State.STAGED, password=PASSWORD)
        schedule(person, State.ACTIVE)
        assert Browser().sign_in_with_password(person).status_code == 401
        clock.shift(DAY)
        assert Browser().sign_in_with_password(person).status_code == 302
        assert apply_scheduled_states(OPERATOR) == {"activated": 1, "suspended": 0}


def test_what_is_due_is_written_down_before_anything_else_changes_the_state() -> None:
    with time_machine.travel(datetime(2030, 1, 1, 12, tzinfo=UTC), tick=False) as clock:
        person, other = schedule(make_person()), schedule(make_person(state=State.STAGED), State.ACTIVE)
        clock.shift(2 * DAY)
        assert activate_person(actor=OPERATOR, person=person).state == State.ACTIVE
        actions = [action for action, _, _ in audit_rows(target_id=str(person.pk))]
        assert actions[-2:] == ["users.person.suspended", "users.person.activated"]
        role = {"role": AdminRole.READ_ONLY, "password": PASSWORD}
        add_administrator(actor=OPERATOR, company_email=other.company_email, **role)  # type: ignore[arg-type]
        other.refresh_from_db()
        assert (other.state, other.scheduled_state, other.admin_role) == ("active", None, "read_only")


@pytest.mark.django_db(transaction=True)
def test_two_houses_kept_at_once_do_it_once() -> None:
    people = [schedule(make_person(), days=1) for _ in range(20)]
    User.objects.filter(pk__in=[person.pk for person in people]).update(scheduled_at=timezone.now() - DAY)
    counts = at_once(*[lambda: apply_scheduled_states(OPERATOR)] * 2)
    assert sum(count["suspended"] for count in counts) == 20
    assert AuditEvent.objects.filter(action="users.person.suspended").count() == 20
