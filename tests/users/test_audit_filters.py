"""Which rows a filter of the audit log finds, and in which order."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import islice

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import OPERATOR, make_administrator, make_person
from tests.users.support import as_person
from users.audit import Actor, record, record_all, record_refusal
from users.audit_counts import DAY, HOUR, MOST_BUCKETS, count_events
from users.audit_filter import AuditFilter, moment, normal_address
from users.audit_log import actions, find_events, matching
from users.errors import PersonNotFound, SignInFailed
from users.models import AuditEvent, User
from users.networks import text_prefix
from users.services import suspend_person

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def row(action: str = "a.b", **values: object) -> AuditEvent:
    return AuditEvent.objects.create(**{"action": action, "outcome": "success", "actor_label": "x", **values})


def found(**wanted: object) -> list[str]:
    """Return the actions that a filter finds, and check that both ways of asking agree."""
    given = AuditFilter.of(wanted)
    rows = list(find_events(given, batch=2))
    assert [(event.at, event.pk) for event in rows] == sorted(((e.at, e.pk) for e in rows), reverse=True)
    assert {event.pk for event in rows} == set(matching(given).values_list("pk", flat=True))
    assert len({event.pk for event in rows}) == len(rows)
    return [event.action for event in rows]


# --- the value -------------------------------------------------------------------------------------------------------


def test_it_is_empty_where_nothing_is_given() -> None:
    assert not AuditFilter.of({}) and not AuditFilter.of({"action": " ", "unknown": "x", "last": "400d"})
    assert AuditFilter.of({"last": "7d"})


def test_it_survives_the_way_through_an_address() -> None:
    given = AuditFilter.of(
        {"since": NOON, "until": "2026-11-25T13:00+01:00", "action": "IDP.", "person": "Ada", "address": "10.1.2.3/8"}
    )
    assert given.until == NOON + timedelta(days=1) and (given.action, given.address) == ("idp", "10.0.0.0/8")
    assert AuditFilter.of(given.as_query()) == given


def test_a_relative_range_stays_relative_and_yields_to_a_fixed_one() -> None:
    relative = AuditFilter.of({"last": "24h"})
    for later in (NOON, NOON + timedelta(days=100)):
        with time_machine.travel(later, tick=False):
            assert relative.window() == (later - timedelta(hours=24), None)
    assert relative.as_query() == {"last": "24h"}
    assert AuditFilter.of({"last": "24h", "since": NOON}).last == ""


@pytest.mark.parametrize(
    "text", ["2026-11-24T12:00", "2026-11-24 12:00:00", "2026-11-24T13:00+01:00", "2026-11-24T12:00Z"]
)
def test_a_moment_is_utc_where_it_names_no_zone(text: str) -> None:
    assert moment(text) == NOON


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7/24", "203.0.113.0/24"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:203.0.113.7/120", "203.0.113.0/24"),
        ("::ffff:0:0/95", "::fffe:0:0/95"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%eth0/64", "fe80::/64"),
        ("203.0.113.7%eth0", None),
        ("203.0.113", None),
        ("ada", None),
        ("1.2.3.4/99", None),
        ("", None),
    ],
)
def test_an_address_has_a_normal_form(text: str, normal: str | None) -> None:
    assert normal_address(text) == normal


@settings(derandomize=True, deadline=None)
@given(st.ip_addresses(), st.integers(0, 128))
def test_all_addresses_of_a_network_begin_alike(address: object, length: int) -> None:
    network = ip_network(f"{address}/{length % (33 if address.version == 4 else 129)}", strict=False)  # type: ignore[attr-defined]
    assert all(str(one).startswith(text_prefix(network)) for one in (address, network[0], network[-1]))


# --- the rows --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_time_counts_from_and_up_to() -> None:
    for hour in range(4):
        row(f"at.{hour}", at=NOON + timedelta(hours=hour))
    assert found(since=NOON + timedelta(hours=1), until=NOON + timedelta(hours=3)) == ["at.2", "at.1"]
    assert found(since=NOON + timedelta(hours=3)) == ["at.3"]
    assert found(until=NOON) == []
    with time_machine.travel(NOON + timedelta(hours=3, minutes=30), tick=False):
        assert found(last="1h") == ["at.3"]


@pytest.mark.django_db
def test_newest_first_is_by_time_also_where_numbers_say_otherwise() -> None:
    row("second", at=NOON), row("first", at=NOON + timedelta(hours=1)), row("third", at=NOON - timedelta(hours=1))
    row("same.moment", at=NOON)
    assert found() == ["first", "same.moment", "second", "third"]


@pytest.mark.django_db
def test_outcome_code_and_reference() -> None:
    row("done.x", request_id="AAAA"), row("no.x", outcome="refused", error_code="x.y", request_id="AAAA")
    row("no.z", outcome="refused", error_code="x.z")
    assert found(outcome="refused") == ["no.z", "no.x"] and found(outcome="success") == ["done.x"]
    assert found(code="x.y") == found(code=" X.Y ") == ["no.x"] and found(code="x") == []
    assert found(reference="aaaa ") == ["no.x", "done.x"] and found(reference="AAAA", outcome="success") == ["done.x"]


@pytest.mark.parametrize("typed", ["1A2B-3C4D-5E6F", "1a2b3c4d5e6f", "1A2B 3C4D 5E6F", " 1a2b-3c4d5e6f"])
@pytest.mark.django_db
def test_a_reference_is_found_as_people_type_it(typed: str) -> None:
    row("the.one", request_id="1A2B-3C4D-5E6F"), row("another", request_id="1A2B-3C4D-5E60")
    assert found(reference=typed) == ["the.one"]


@pytest.mark.django_db
def test_the_beginning_of_an_action_finds_what_is_under_it() -> None:
    for name in ("idp.provider.added", "idp.providers", "idp.provider", "idpx", "users.idp"):
        row(name)
    assert found(action="idp.provider") == ["idp.provider", "idp.provider.added"]
    assert found(action="IDP.") == ["idp.provider", "idp.providers", "idp.provider.added"]
    assert found(action="nothing") == []
    assert actions() == ["idp.provider", "idp.provider.added", "idp.providers", "idpx", "users.idp"]


@pytest.mark.django_db
def test_a_person_is_found_as_actor_as_target_and_by_the_email_that_was_tried() -> None:
    ada = make_person("ada@contoso.example", user_name="ada", display_name="Ada Lovelace")
    boss = make_administrator()
    suspend_person(actor=as_person(boss), person=ada)
    record("ada.acts", actor=as_person(ada), target=boss)
    record("ada.signs_in", actor=as_person(ada), target=ada)
    visitor = Actor(person=None, label="visitor", client_ip="203.0.113.9")
    record_refusal("tried", actor=visitor, error=SignInFailed(), details={"email": "Ada@contoso.example"})
    record_refusal("other", actor=visitor, error=SignInFailed(), details={"email": "grace@contoso.example"})
    about = ["ada.signs_in", "ada.acts", "users.person.suspended", "users.person.added"]
    assert found(person="ada@contoso.example") == ["tried", *about]
    for name in ("ADA", "Ada Lovelace", str(ada.pk)):
        assert found(person=name) == about
    assert found(person="ada", actor=boss.company_email) == ["users.person.suspended"]
    assert found(actor="ada") == ["ada.signs_in", "ada.acts"]
    assert found(person="ada", action="ada") == ["ada.signs_in", "ada.acts"]
    assert found(person="nobody") == []


@pytest.mark.django_db
def test_a_person_who_is_gone_or_renamed_is_found_by_the_name_in_the_log() -> None:
    ada = make_person("ada@contoso.example", display_name="Ada Byron")
    record("ada.signs_in", actor=as_person(ada), target=ada)
    User.objects.filter(pk=ada.pk).update(display_name="Ada Lovelace")
    assert found(person="Ada Byron") == found(person="Ada Lovelace") == ["ada.signs_in", "users.person.added"]
    ada.delete()
    assert found(person="ada byron") == ["ada.signs_in", "users.person.added"]


@pytest.mark.django_db
def test_an_operator_is_found_by_label_and_so_are_other_targets() -> None:
    record("operators.act", actor=OPERATOR)
    record_all("many", actor=OPERATOR, kind=User, rows=[(make_person().pk, "Annie Easley", {})])
    assert "operators.act" in found(actor=OPERATOR.label) and "many" in found(actor=OPERATOR.label)
    assert found(person="annie easley")[0] == "many"


@pytest.mark.django_db
def test_a_refusal_that_names_a_person_is_found_by_it() -> None:
    record_refusal("looked.for", actor=OPERATOR, error=PersonNotFound(person="Grace@Contoso.example"))
    assert found(person="grace@contoso.example") == ["looked.for"]


@pytest.mark.django_db
def test_addresses_are_found_alone_and_by_network() -> None:
    for number, address in enumerate(
        ("203.0.113.7", "203.0.113.70", "203.0.112.7", "10.9.8.7", "2001:db8::7", "2001:db8:1::7", "2001:dbf::1", None)
    ):
        row(f"from.{number}", client_ip=address)
    assert found(address="203.0.113.7") == found(address="::FFFF:203.0.113.7") == ["from.0"]
    assert found(address="::ffff:203.0.113.0/120") == ["from.1", "from.0"]
    assert found(address="2001:db8::7%eth0") == ["from.4"]
    assert found(address="203.0.113.0/24") == ["from.1", "from.0"]
    assert found(address="203.0.113.0/26") == ["from.0"]
    assert found(address="203.0.112.0/23") == ["from.2", "from.1", "from.0"]
    assert found(address="0.0.0.0/0") == ["from.3", "from.2", "from.1", "from.0"]
    assert found(address="2001:db8::/32") == ["from.5", "from.4"]
    assert found(address="2001:db8::/48") == ["from.4"]
    assert found(address="2001:0db8:0:0:0::7") == ["from.4"]
    assert found(address="::/0") == ["from.6", "from.5", "from.4"]


@pytest.mark.django_db
def test_a_crowded_network_is_found_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("users.networks.FEW", 2)
    for number in range(5):
        row(f"from.{number}", client_ip=f"203.0.113.{number}")
    row("elsewhere", client_ip="203.0.114.1")
    assert found(address="203.0.113.0/24") == [f"from.{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.django_db
def test_a_page_asks_for_no_more_than_it_shows() -> None:
    for number in range(30):
        row(f"n.{number}")
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert len(list(islice(find_events(AuditFilter(), batch=11), 11))) == 11
    assert len(captured.captured_queries) == 1 and "LIMIT 11" in captured.captured_queries[0]["sql"]


@pytest.mark.django_db
def test_after_a_row_that_is_gone_the_list_goes_on_by_number() -> None:
    first, second = row("one"), row("two")
    assert [event.action for event in find_events(AuditFilter(), before=second.pk)] == ["one"]
    assert [event.action for event in find_events(AuditFilter(), before=second.pk + 50)] == ["two", "one"]
    assert list(find_events(AuditFilter(), before=first.pk)) == []


# --- counting --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_last_seven_days_are_counted_unless_a_range_is_given() -> None:
    with time_machine.travel(NOON, tick=False):
        row(at=NOON - timedelta(hours=1)), row(at=NOON - timedelta(days=6, hours=23)), row(at=NOON - timedelta(days=8))
        row(at=NOON - timedelta(hours=2), outcome="refused", error_code="x.y", occurrences=4)
        counts = count_events(AuditFilter())
    assert (counts.since, counts.until, counts.step) == (NOON - timedelta(days=7), NOON, DAY)
    assert (counts.done, counts.refused, counts.is_complete) == (2, 4, True)
    assert [(bucket.done, bucket.refused) for bucket in counts.buckets] == [(1, 0), *[(0, 0)] * 6, (1, 4)]
    assert counts.buckets[0].start == datetime(2026, 11, 17, tzinfo=UTC)


@pytest.mark.django_db
def test_what_has_not_come_yet_is_not_counted() -> None:
    with time_machine.travel(NOON, tick=False):
        row(at=NOON - timedelta(hours=1))
        counts = count_events(AuditFilter(since=NOON - timedelta(hours=2), until=datetime(9999, 12, 31, tzinfo=UTC)))
        assert (counts.until, counts.step, counts.done, counts.span) == (NOON, HOUR, 1, "given")
        counts = count_events(AuditFilter(until=datetime(9999, 12, 31, tzinfo=UTC)))
        assert (counts.since, counts.until, counts.span) == (NOON - timedelta(days=7), NOON, "last")
        counts = count_events(AuditFilter(since=NOON + timedelta(days=1)))
        assert (counts.since, counts.until, counts.done) == (NOON, NOON, 0)


@pytest.mark.django_db
def test_the_week_ends_with_the_newest_event_where_that_is_older() -> None:
    newest = NOON - timedelta(days=40)
    with time_machine.travel(NOON, tick=False):
        row("old.act", at=newest), row("old.act", at=newest - timedelta(days=3)), row("new.act", at=NOON)
        for wanted in (AuditFilter(action="old"), AuditFilter(until=NOON - timedelta(days=20))):
            counts = count_events(wanted)
            assert (counts.done, counts.span) == (2, "newest")
            assert counts.since <= newest < counts.until <= newest + timedelta(seconds=1)
        counts = count_events(AuditFilter(until=newest + timedelta(days=1)))
        assert (counts.done, counts.span, counts.until) == (2, "before", newest + timedelta(days=1))


@pytest.mark.django_db
def test_a_short_range_is_counted_by_hour() -> None:
    row(at=NOON), row(at=NOON + timedelta(minutes=59, seconds=59)), row(at=NOON + timedelta(hours=2))
    counts = count_events(AuditFilter(since=NOON, until=NOON + timedelta(hours=3)))
    assert (counts.step, [bucket.done for bucket in counts.buckets]) == (HOUR, [2, 0, 1])
    assert [bucket.start for bucket in counts.buckets] == [NOON + timedelta(hours=hour) for hour in range(3)]


@pytest.mark.parametrize("days", [0, 0.01, 1, 3, 3.1, 72, 73, 400, 3650, 10_000])
@pytest.mark.django_db
def test_every_range_has_a_number_of_buckets_that_can_be_drawn(days: float) -> None:
    until = NOON + timedelta(minutes=17)
    row(at=until - timedelta(seconds=1)), row(at=until - timedelta(days=days))
    counts = count_events(AuditFilter(since=until - timedelta(days=days), until=until))
    assert 1 <= len(counts.buckets) <= MOST_BUCKETS + 1
    assert counts.buckets[0].start <= counts.since and counts.buckets[-1].start + counts.step >= counts.until
    assert counts.done == (0 if not days else 2 if counts.since == until - timedelta(days=days) else 1)


@pytest.mark.django_db
def test_the_filter_counts_too_and_nothing_twice() -> None:
    ada = make_person("ada@contoso.example")
    record("ada.signs_in", actor=as_person(ada), target=ada)
    record("others.act", actor=OPERATOR)
    assert count_events(AuditFilter(person="ada@contoso.example")).done == 2
    assert count_events(AuditFilter(action="ada")).done == 1
    assert count_events(AuditFilter(outcome="refused")).done == 0


@pytest.mark.django_db
def test_no_more_rows_are_counted_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("users.audit_counts.MOST_ROWS", 3)
    for days in (0, 1, 2, 3):
        row(at=timezone.now() - timedelta(days=days))
    counts = count_events(AuditFilter())
    assert (counts.done, counts.is_complete) == (3, False)
    assert counts.buckets[-1].done == 1  # the newest are counted


@pytest.mark.django_db
def test_the_index_of_each_filter_is_used() -> None:
    plans = {
        "users_audit_at": AuditFilter(since=NOON, until=NOON + DAY),
        "users_audit_action": AuditFilter(action="a.b"),
        "users_audit_address": AuditFilter(address="203.0.113.7"),
        "users_audit_code": AuditFilter(code="x.y"),
        "users_audit_refused": AuditFilter(outcome="refused"),
        "users_audit_request": AuditFilter(reference="AAAA"),
        "users_audit_actor_label": AuditFilter(actor="operator (tests)"),
    }
    row()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # a table of one row would be read as a whole
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
            )
    for index, wanted in plans.items():
        with CaptureQueriesContext(connection) as captured:
            list(find_events(wanted))
        with connection.cursor() as cursor:
            explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
            cursor.execute(f"{explain} {captured.captured_queries[-1]['sql']}".replace("%", "%%"))
            plan = str(cursor.fetchall())
        # With one row PostgreSQL may find another of them as good.
        assert (index if connection.vendor == "sqlite" else "users_audit_") in plan, (index, plan)
