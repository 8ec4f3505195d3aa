"""`manage.py audit list`."""

import pytest

from tests.commands.running import run
from tests.factories import make_person
from users.models import AuditEvent

pytestmark = pytest.mark.django_db

MEMBERS = {
    "id",
    "at",
    "action",
    "outcome",
    "code",
    "actor",
    "actor_id",
    "target_type",
    "target_id",
    "target",
    "client_ip",
    "reference",
    "occurrences",
    "last_at",
    "details",
}


def test_it_lists_rows_newest_first_as_json() -> None:
    ada = make_person("ada@contoso.example", display_name="Ada")
    run("users", "suspend", "ada@contoso.example")
    rows = run("audit", "list", "--json").json
    assert [row["action"] for row in rows] == ["users.person.suspended", "users.person.added"]
    assert all(set(row) == MEMBERS for row in rows)
    assert (rows[0]["target_id"], rows[0]["target"], rows[0]["outcome"]) == (str(ada.pk), "Ada", "success")
    assert rows[0]["details"] == {"from": "active", "sessions_ended": 0}


def test_it_filters_by_action_person_and_reference() -> None:
    make_person("ada@contoso.example")
    make_person("grace@contoso.example")
    reference = run("users", "add", "x", "--json").error["reference"]

    def found(*arguments: str) -> int:
        return len(run("audit", "list", "--json", *arguments).json)

    assert (found(), found("--action", "users"), found("--action", "idp")) == (3, 3, 0)
    assert (found("--person", "ADA@contoso.example"), found("--reference", reference.lower())) == (1, 1)


def test_it_pages_by_id() -> None:
    for _ in range(3):
        make_person()
    first = run("audit", "list", "--limit", "2", "--json").json
    rest = run("audit", "list", "--before", str(first[-1]["id"]), "--json").json
    assert [row["id"] for row in first + rest] == sorted(AuditEvent.objects.values_list("pk", flat=True), reverse=True)
    assert len(run("audit", "list", "--before", "9" * 30, "--json").json) == 3


def test_its_table_says_when_nothing_fits() -> None:
    assert run("audit", "list").out.strip() == "No audit rows fit."
    make_person()
    heading, row = run("audit", "list").out.strip().splitlines()
    assert heading.startswith("AT") and "users.person.added" in row
    assert run("audit").status != 0


def test_a_reference_prints_its_rows_in_full() -> None:
    make_person("ada@contoso.example")
    reference = run("users", "add", "ada@contoso.example", "--json").error["reference"]
    shown = run("audit", "list", "--reference", reference).out
    lines = dict(line.split(maxsplit=1) for line in shown.strip().splitlines())
    assert (lines["code"], lines["reference"], lines["outcome"]) == ("users.email_taken", reference, "refused")
    details = run("audit", "list", "--reference", reference, "--json").json[0]["details"]
    assert {name for name in lines if name.startswith("details.")} == {f"details.{name}" for name in details}
    assert run("audit", "list", "--reference", "XXXX").out.strip() == "No audit rows fit."
