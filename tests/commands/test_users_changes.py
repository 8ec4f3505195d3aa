"""`manage.py users edit | delete | schedule | unschedule`, and the reason of a state."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.commands.running import run
from tests.factories import make_administrator, make_person
from users.models import User

pytestmark = pytest.mark.django_db


def test_it_changes_what_is_given_and_nothing_else() -> None:
    person = make_person("ada@contoso.example", display_name="Ada", title="Countess")
    edited = run("users", "edit", "ada", "--company-email", "b@contoso.example", "--department", "Engines", "--json")
    assert (edited.status, edited.json["company_email"], edited.json["department"]) == (
        0,
        "b@contoso.example",
        "Engines",
    )
    assert (edited.json["title"], edited.json["display_name"]) == ("Countess", "Ada")
    assert run("users", "edit", str(person.pk), "--title", "", "--json").json["title"] == ""


def test_it_adds_a_person_with_title_and_phone() -> None:
    run("users", "add", "ada@contoso.example", "--title", "Countess", "--phone-number", "+44 20 7946 0958")
    shown = run("users", "show", "ada", "--json").json
    assert (shown["title"], shown["phone_number"], shown["groups"]) == ("Countess", "+44 20 7946 0958", [])


def test_it_keeps_the_reason_of_a_state() -> None:
    make_person("ada@contoso.example")
    assert run("users", "suspend", "ada", "--reason", "Lost laptop", "--json").json["state_reason"] == "Lost laptop"
    assert run("users", "activate", "ada", "--reason", "Found", "--json").json["state_reason"] == "Found"


def test_it_schedules_and_cancels() -> None:
    make_person("ada@contoso.example")
    year = timezone.now().year + 1
    ran = run("users", "schedule", "ada", "suspended", f"{year}-01-31T18:00", "--reason", "Contract ends", "--json")
    assert (ran.json["scheduled_state"], ran.json["scheduled_at"]) == ("suspended", f"{year}-01-31T18:00:00+00:00")
    assert run("users", "schedule", "ada", "suspended", f"{year}-01-31T18:00+02:00").status == 0
    assert User.objects.get().scheduled_at == datetime(year, 1, 31, 16, tzinfo=UTC)
    assert run("users", "unschedule", "ada", "--json").json["scheduled_state"] is None


def test_housekeeping_applies_what_is_due() -> None:
    person = make_person("ada@contoso.example")
    User.objects.filter(pk=person.pk).update(
        scheduled_state="suspended", scheduled_at=timezone.now() - timedelta(minutes=1)
    )
    assert run("users", "show", "ada", "--json").json["state"] == "suspended"
    assert run("housekeeping").out.startswith("scheduled states: 0 activated, 1 suspended\n")
    person.refresh_from_db()
    assert person.state == "suspended"


def test_it_deletes_whom_it_is_told_to() -> None:
    make_person("ada@contoso.example")
    ran = run("users", "delete", "ada", "--yes-delete", "ada@contoso.example", "--json")
    assert (ran.status, ran.json["deleted"], ran.json["company_email"]) == (0, True, "ada@contoso.example")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("edit", "nobody"), "users.not_found", 4),
        (("edit", "ada", "--company-email", "no"), "users.email_invalid", 2),
        (("edit", "ada", "--phone-number", "no"), "users.phone_number_invalid", 2),
        (("edit", "ada", "--user-name", "grace"), "users.user_name_taken", 3),
        (("suspend", "ada", "--reason", "x" * 201), "users.name_invalid", 2),
        (("schedule", "ada", "suspended", "2020-01-01T00:00"), "users.schedule_in_past", 2),
        (("schedule", "ada", "suspended", "9999-12-31T00:00"), "users.schedule_too_far", 2),
        (("schedule", "ada", "active", "2020-01-01"), "users.schedule_in_past", 2),
        (("schedule", "boss", "suspended", "9999-12-31T00:00"), "users.schedule_for_administrator", 3),
        (("unschedule", "ada"), "users.nothing_scheduled", 3),
        (("delete", "ada"), "users.deletion_not_confirmed", 2),
        (("delete", "boss", "--yes-delete", "boss@contoso.example"), "users.last_billing_administrator", 3),
    ],
)
def test_a_refusal_ends_with_its_own_status_and_code(arguments: tuple[str, ...], code: str, status: int) -> None:
    make_person("ada@contoso.example")
    make_person("grace@contoso.example")
    make_administrator(email="boss@contoso.example")
    ran = run("users", *arguments, "--json")
    assert (ran.status, ran.out, ran.error["code"]) == (status, "", code)
    assert User.objects.count() == 3


@pytest.mark.parametrize(
    "arguments",
    [("schedule", "ada", "staged", "2030-01-01"), ("schedule", "ada", "active", "soon"), ("schedule", "ada")],
)
def test_a_wrong_call_ends_with_status_2(arguments: tuple[str, ...]) -> None:
    assert run("users", *arguments).status == 2
