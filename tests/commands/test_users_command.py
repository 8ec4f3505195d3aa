"""`manage.py users`."""

from uuid import UUID

import pytest
from django.test import Client

from idp.models import IdentityProvider
from tests.browsing import last_event
from tests.commands.running import run
from tests.factories import PASSWORD, make_administrator, make_person
from users.models import State, User

pytestmark = pytest.mark.django_db

MEMBERS = {
    "id",
    "user_name",
    "company_email",
    "display_name",
    "state",
    "admin_role",
    "external_id",
    "has_password",
    "created_at",
}


def test_it_adds_a_person_and_prints_her_as_json() -> None:
    added = run("users", "add", "Ada@Contoso.example", "--display-name", "Ada Lovelace", "--json")
    person = User.objects.get()
    assert (added.status, added.err, set(added.json)) == (0, "", MEMBERS)
    assert UUID(added.json["id"]) == person.pk
    assert {name: added.json[name] for name in ("user_name", "company_email", "state", "has_password")} == {
        "user_name": "ada",
        "company_email": "ada@contoso.example",
        "state": "staged",
        "has_password": False,
    }


def test_it_adds_a_person_with_everything() -> None:
    names = ("--given-name", "Ada", "--family-name", "Lovelace", "--user-name", "lovelace", "--external-id", "object-1")
    run("users", "add", "--email", "ada@contoso.example", "--state", "active", *names)
    person = User.objects.get()
    assert (person.label, person.user_name, person.external_id, person.state) == (
        "Ada Lovelace",
        "lovelace",
        "object-1",
        State.ACTIVE,
    )


def test_it_takes_a_password_from_standard_input_only() -> None:
    added = run("users", "add", "ada@contoso.example", "--password-stdin", "--json", stdin=f"{PASSWORD}\n")
    assert added.json["has_password"] is True
    assert User.objects.get().check_password(PASSWORD)
    assert PASSWORD not in added.out + added.err
    assert run("users", "add", "b@contoso.example", "--password", PASSWORD).status != 0


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("add",), "users.email_invalid", 2),
        (("add", "no email"), "users.email_invalid", 2),
        (("add", "ADA@contoso.example"), "users.email_taken", 3),
        (("add", "b@contoso.example", "--user-name", "Lovelace"), "users.user_name_taken", 3),
        (("add", "b@contoso.example", "--user-name", "no name"), "users.user_name_invalid", 2),
        (("add", "b@contoso.example", "--external-id", "object-1"), "users.external_id_taken", 3),
        (("add", "b@contoso.example", "--display-name", "a\x1b[2Jb"), "users.name_invalid", 2),
        (("add", "b@contoso.example", "--password-stdin"), "users.password_refused", 2),
        (("show", "nobody"), "users.not_found", 4),
        (("activate", "nobody"), "users.not_found", 4),
        (("suspend", "nobody"), "users.not_found", 4),
        (("unlock", "nobody"), "users.not_found", 4),
        (("set-password", "nobody"), "users.not_found", 4),
        (("set-password", "lovelace"), "users.password_refused", 2),
        (("set-external-id", "nobody", "object-2"), "users.not_found", 4),
        (("set-external-id", "lovelace", "a\x1bb"), "users.name_invalid", 2),
    ],
)
def test_a_refusal_ends_with_its_own_status_and_code(arguments: tuple[str, ...], code: str, status: int) -> None:
    make_person("ada@contoso.example", user_name="lovelace", external_id="object-1")
    plain, machine = run("users", *arguments), run("users", *arguments, "--json")
    assert (plain.status, plain.out, machine.status, machine.out) == (status, "", status, "")
    assert f"[{code}]" in plain.err
    assert machine.error["code"] == code and machine.error["message"] and machine.error["hint"]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "arguments", [(), ("fly",), ("add", "--state", "dreaming"), ("list", "--limit", "many"), ("show",)]
)
def test_a_wrong_call_ends_with_a_message_and_not_with_success(arguments: tuple[str, ...]) -> None:
    ran = run("users", *arguments)
    assert ran.status != 0 and ran.err and "Traceback" not in ran.err


def test_a_refusals_reference_is_in_the_audit_log() -> None:
    make_person("ada@contoso.example")
    reference = run("users", "add", "ada@contoso.example", "--json").error["reference"]
    event = last_event(request_id=reference)
    assert (event.action, event.error_code) == ("users.person.added", "users.email_taken")
    assert event.actor_label.startswith("operator (")


def test_it_lists_people_by_email_and_state() -> None:
    assert run("users", "list").out.strip() == "There are no people yet."
    assert run("users", "list", "--json").json == []
    make_person("b@contoso.example")
    make_person("a@contoso.example", state=State.STAGED)
    assert [row["company_email"] for row in run("users", "list", "--json").json] == [
        "a@contoso.example",
        "b@contoso.example",
    ]
    assert [row["state"] for row in run("users", "list", "--state", "staged", "--json").json] == ["staged"]
    cut = run("users", "list", "--limit", "1", "--json")
    assert len(cut.json) == 1 and cut.err.startswith("There are more people: --limit 1 cut the list.")
    assert run("users", "list").err == ""


def test_its_table_has_a_line_for_each_person_whatever_the_names_hold() -> None:
    person = make_person("a@contoso.example", display_name="Ada")
    User.objects.filter(pk=person.pk).update(
        display_name="A\nda\x1b[2J"
    )  # as an import past the services could leave it
    lines = run("users", "list").out.strip().splitlines()
    assert len(lines) == 2 and lines[0].split() == ["COMPANY_EMAIL", "DISPLAY_NAME", "STATE", "ADMIN_ROLE"]
    assert "\x1b" not in lines[1]


def test_it_shows_activates_and_suspends_by_email_user_name_or_id() -> None:
    person = make_person("ada@contoso.example", user_name="lovelace", state=State.STAGED)
    assert run("users", "activate", "ADA@contoso.example", "--json").json["state"] == "active"
    assert run("users", "suspend", "lovelace", "--json").json["state"] == "suspended"
    assert run("users", "show", str(person.pk), "--json").json["state"] == "suspended"
    assert "ada@contoso.example" in run("users", "show", "lovelace").out
    assert last_event(action="users.person.suspended").target_id == str(person.pk)


def test_it_sets_a_password_from_standard_input() -> None:
    person = make_person("ada@contoso.example")
    changed = run("users", "set-password", "ada@contoso.example", "--json", stdin=f"{PASSWORD}\n")
    person.refresh_from_db()
    assert (changed.status, changed.json["has_password"], person.check_password(PASSWORD)) == (0, True, True)
    assert PASSWORD not in changed.out + changed.err
    assert last_event(action="users.person.password_set").target_id == str(person.pk)


def test_a_federated_person_gets_no_password(provider: IdentityProvider) -> None:
    make_person("grace@contoso.example")
    refused = run("users", "set-password", "grace@contoso.example", "--json", stdin=PASSWORD)
    assert refused.status != 0 and refused.error["code"] == "users.password_managed_externally"


def test_it_sets_and_clears_an_external_id() -> None:
    make_person("grace@contoso.example", external_id="object-2")
    make_person("ada@contoso.example")
    object_id = "1B4E28BA-2FA1-11D2-883F-0016D3CCA427"
    changed = run("users", "set-external-id", "ada@contoso.example", object_id, "--json")
    assert (changed.status, changed.json["external_id"]) == (0, object_id.lower())
    taken = run("users", "set-external-id", "ada@contoso.example", "object-2", "--json")
    assert (taken.status, taken.error["code"]) == (3, "users.external_id_taken")
    assert run("users", "set-external-id", "ada@contoso.example", "", "--json").json["external_id"] is None


@pytest.mark.parametrize("command", ["users", "admins"])
def test_it_unlocks(command: str, client: Client) -> None:
    make_administrator(email="a@contoso.example")
    for _ in range(5):
        client.post("/admin/login/", {"email": "a@contoso.example", "password": "wrong-wrong-wrong"})
    unlocked = run(command, "unlock", "a@contoso.example", "--json")
    assert (unlocked.status, unlocked.json["failures_forgotten"]) == (0, 5)
    response = client.post("/admin/login/", {"email": "a@contoso.example", "password": PASSWORD})
    assert response.status_code == 302
