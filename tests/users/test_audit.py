"""The audit log: a row for every act and refusal, kept as it was written."""

import getpass
import uuid
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from tests.browsing import Browser, last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.users.support import VISITOR, as_person, audit_rows, refused
from users.audit import FOLD_AFTER, Actor, audited, operator, record, record_refusal
from users.audit_filter import AuditFilter
from users.audit_log import find_events
from users.errors import PermissionRefused, SignInFailed
from users.models import AdminRole, AuditEvent, User
from users.services import add_person, suspend_person

pytestmark = pytest.mark.django_db

KEPT = {
    "id": 4711,
    "at": timezone.now(),
    "action": "users.nothing.happened",
    "outcome": "success",
    "error_code": "",
    "actor_id": uuid.UUID(int=1),
    "actor_label": "somebody else",
    "target_type": "x",
    "target_id": "x",
    "target_label": "x",
    "client_ip": None,
    "request_id": "x",
    "details": {"x": 1},
    "about": "x",
}


def flood(count: int, client_ip: str = "203.0.113.9", actor: Actor | None = None) -> None:
    for _ in range(count):
        visitor = actor or Actor(person=None, label="visitor", client_ip=client_ip)
        record_refusal("portal.sign_in.failed", actor=visitor, error=SignInFailed())


@pytest.mark.parametrize("column", KEPT)
def test_the_database_refuses_to_change_a_row(column: str) -> None:
    make_person()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.update(**{column: KEPT[column]})


@pytest.mark.parametrize("column", KEPT)
def test_a_fold_changes_nothing_else(column: str) -> None:
    flood(1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.update(occurrences=F("occurrences") + 1, **{column: KEPT[column]})


def test_every_column_but_the_fold_is_kept() -> None:
    assert set(KEPT) == {field.column for field in AuditEvent._meta.fields} - {"occurrences", "last_at"}


def test_the_database_allows_the_fold() -> None:
    flood(1)
    assert AuditEvent.objects.update(occurrences=F("occurrences") + 1, last_at=timezone.now()) == 1
    assert last_event().occurrences == 2


@pytest.mark.parametrize(
    "change",
    [
        {"occurrences": 7},
        {"occurrences": 1},
        {"occurrences": F("occurrences") - 1},
        {"occurrences": F("occurrences") + 2},
        {"last_at": timezone.now()},
        {"occurrences": F("occurrences") + 1, "last_at": timezone.now() - timedelta(days=9000)},
    ],
)
def test_a_fold_counts_one_more_and_no_other_number(change: dict[str, Any]) -> None:
    flood(FOLD_AFTER + 3)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(pk=last_event().pk).update(**change)
    assert last_event().occurrences == 4


def test_only_refusals_of_unknown_visitors_are_folded(administrator: User) -> None:
    person = make_person()
    flood(1, actor=as_person(person))
    record_refusal("portal.sign_in.failed", actor=Actor(person=None, label="nowhere"), error=SignInFailed())
    for row in AuditEvent.objects.all():
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            AuditEvent.objects.filter(pk=row.pk).update(occurrences=F("occurrences") + 1, last_at=timezone.now())


def test_a_clock_that_is_behind_loses_no_refusal() -> None:
    flood(FOLD_AFTER)
    latest = last_event().last_at
    with time_machine.travel(timezone.now() - timedelta(minutes=1)):
        flood(2)
    assert (last_event().occurrences, last_event().last_at) == (3, latest)


def test_a_row_says_who_did_what_to_whom(administrator: User) -> None:
    person = add_person(actor=as_person(administrator), company_email="ada@contoso.example", display_name="Ada")
    event = last_event(action="users.person.added")
    assert (event.actor_id, event.actor_label) == (administrator.pk, administrator.label)
    assert (event.target_type, event.target_id, event.target_label) == ("user", str(person.pk), "Ada")
    assert (event.client_ip, event.request_id, event.outcome) == ("203.0.113.9", "AAAA-BBBB-CCCC", "success")


def test_a_row_keeps_its_names_when_the_person_is_gone() -> None:
    person = make_person(display_name="Ada")
    person.delete()
    assert last_event(action="users.person.added").target_label == "Ada"


def test_a_refusal_is_written_after_its_act_was_rolled_back() -> None:
    actor, person = as_person(make_administrator(AdminRole.READ_ONLY)), make_person()
    error = refused(PermissionRefused, suspend_person, actor=actor, person=person)
    event = last_event(outcome="refused")
    assert (event.action, event.error_code) == ("users.person.suspended", "users.permission_refused")
    assert (event.target_id, event.request_id) == (str(person.pk), error.reference)
    assert event.details == {"role": "Read Only", "permission": "support_people"}


def test_a_row_is_written_in_the_transaction_of_its_act() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        make_person()
        raise ZeroDivisionError
    assert audit_rows() == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["203.0.113.9"],
        ["2001:db8:0:7::9"],
        [f"2001:db8:0:7:{host:x}::{host:x}" for host in range(40)],
        [f"2001:db8:a:b:{host:x}:0:c:{host:x}" for host in range(40)],
    ],
    ids=["one of version 4", "one of version 6", "of a /64 with a zero", "of a /64"],
)
def test_a_flood_of_anonymous_refusals_is_folded_into_one_row(addresses: list[str]) -> None:
    for address in islice(cycle(addresses), FOLD_AFTER + 30):
        flood(1, client_ip=address)
    rows = AuditEvent.objects.order_by("id")
    assert [row.occurrences for row in rows] == [1] * (FOLD_AFTER - 1) + [31]
    assert rows.last().last_at > rows.last().at


def test_a_folded_refusal_still_has_a_reference_that_is_found() -> None:
    flood(FOLD_AFTER + 1)
    error = SignInFailed()
    record_refusal("portal.sign_in.failed", actor=VISITOR, error=error)
    assert list(find_events(AuditFilter(reference=error.reference)))


@pytest.mark.parametrize(("one", "another"), [("203.0.113.9", "203.0.113.10"), ("2001:db8:a:b::9", "2001:db8:a:c::9")])
def test_addresses_actors_and_times_are_not_folded_together(one: str, another: str) -> None:
    flood(FOLD_AFTER, client_ip=one)
    flood(2, client_ip=another)
    flood(2, actor=as_person(make_person()))
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        flood(2, client_ip=one)
    assert AuditEvent.objects.filter(action="portal.sign_in.failed", occurrences=1).count() == FOLD_AFTER + 6


def test_a_command_acts_as_the_operating_systems_user() -> None:
    actor = operator()
    assert actor.label == f"operator ({getpass.getuser()})" and actor.is_operator and actor.person is None
    assert len(actor.request_id) == 14


def test_no_password_is_in_any_row(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    for email, password in ((person.company_email, PASSWORD), ("no@contoso.example", "a-wrong-secret-99")):
        browser_client.post("/login/password/", {"email": email, "password": password})
        browser_client.post("/admin/login/", {"email": email, "password": password})
    text = str(list(AuditEvent.objects.values()))
    assert "sign_in.failed" in text
    assert PASSWORD not in text and "a-wrong-secret-99" not in text and person.password not in text


def test_hostile_text_is_stored_harmlessly() -> None:
    actor = Actor(person=None, label="a\x00b" + "x" * 999, client_ip="203.0.113.9")
    details = {"text": "\x00" + "y" * 9999, "list": ["z" * 999] * 99, "deep": {"a": ["\x00"]}, "number": 3}
    record("users.test", actor=actor, details=details)
    event = last_event(action="users.test")
    assert len(event.actor_label) == 255 and "\x00" not in f"{event.actor_label}{event.details}"
    assert len(event.details["text"]) <= 500 and len(event.details["list"]) == 50


def test_a_lone_surrogate_does_not_break_the_log() -> None:
    record("users.test", actor=OPERATOR, details={"text": "half a pair: \ud83d"})
    assert last_event(action="users.test").details["text"].startswith("half a pair")


def found(**wanted: str) -> list[str]:
    return [event.action for event in find_events(AuditFilter.of(wanted))]


def test_rows_are_found_by_action_person_and_reference(administrator: User) -> None:
    ada = make_person("ada@contoso.example", user_name="ada", display_name="Ada")
    suspend_person(actor=as_person(administrator), person=ada)
    both = ["users.person.suspended", "users.person.added"]
    assert found(action="users.person", person="ADA@contoso.example") == both
    assert found(person="ada") == found(person="Ada") == both
    assert len(found(reference=" aaaa-bbbb-cccc ")) == 1
    assert found(action="users.pers") == []


def test_rows_are_found_by_a_persons_id() -> None:
    ada = make_person("ada@contoso.example")
    assert len(found(person=str(ada.pk))) == 1


def test_the_action_of_somebody_is_found_by_who_acted(administrator: User) -> None:
    suspend_person(actor=as_person(administrator), person=make_person())
    assert found(person=administrator.company_email) == ["users.person.suspended", "users.administrator.added"]
    assert found(actor=administrator.company_email) == ["users.person.suspended"]


def test_the_trigger_is_in_the_database_itself() -> None:
    make_person()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE users_auditevent SET details = '{}'")


@pytest.mark.django_db(transaction=True)
def test_a_refusal_through_two_services_leaves_one_row_that_stays() -> None:
    """The inner one's row is rolled back with what the outer one had begun."""
    actor, person = as_person(make_administrator(AdminRole.READ_ONLY)), make_person()

    @audited("tests.outer")
    def outer(*, actor: Actor, person: User) -> None:
        suspend_person(actor=actor, person=person)

    error = refused(PermissionRefused, outer, actor=actor, person=person)
    assert audit_rows(outcome="refused") == [("tests.outer", "refused", "users.permission_refused")]
    record_refusal("tests.page", actor=actor, error=error)
    assert len(audit_rows(outcome="refused")) == 1
