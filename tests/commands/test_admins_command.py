"""`manage.py admins`, the way back in; and Django's own commands, which point to it."""

import pytest
from django.test import Client

from tests.commands.running import run
from tests.factories import PASSWORD, make_administrator, make_person
from users.models import AdminRole, SetupToken, User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["read_only", "read-only", "Read Only"])
def test_it_adds_an_administrator_with_a_role(text: str) -> None:
    added = run(
        "admins", "add", "a@contoso.example", "--role", text, "--password-stdin", "--json", stdin=PASSWORD + "\r\n"
    )
    assert (added.status, added.json["admin_role"], added.json["state"]) == (0, "read_only", "active")
    assert User.objects.get().check_password(PASSWORD)
    assert PASSWORD not in added.out + added.err


def test_without_a_role_it_adds_an_administrator_with_billing_who_gets_in(client: Client) -> None:
    run("admins", "add", "--email", "a@contoso.example", "--password-stdin", stdin=PASSWORD)
    assert User.objects.get().admin_role == AdminRole.ADMINISTRATOR_WITH_BILLING
    response = client.post("/admin/login/", {"email": "a@contoso.example", "password": PASSWORD})
    assert response["Location"] == "/admin/"


def test_it_gives_a_known_person_a_role_and_keeps_the_password() -> None:
    person = make_person("a@contoso.example", password=PASSWORD)
    assert run("admins", "add", "a@contoso.example", "--role", "help_desk").status == 0
    person.refresh_from_db()
    assert person.admin_role == "help_desk" and person.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("add",), "users.email_invalid", 2),
        (("add", "new@contoso.example"), "users.password_refused", 2),
        (("add", "new@contoso.example", "--password-stdin"), "users.password_refused", 2),
        (("add", "last@contoso.example"), "users.already_administrator", 3),
        (("set-role", "last@contoso.example", "administrator"), "users.last_billing_administrator", 3),
        (("set-role", "last@contoso.example", "--role", "read-only"), "users.last_billing_administrator", 3),
        (("remove", "last@contoso.example"), "users.last_billing_administrator", 3),
        (("remove", "ada@contoso.example"), "users.not_an_administrator", 3),
        (("set-role", "ada@contoso.example", "read_only"), "users.not_an_administrator", 3),
        (("set-password", "ada@contoso.example"), "users.not_an_administrator", 3),
        (("set-password", "last@contoso.example"), "users.password_refused", 2),
        (("set-password", "nobody"), "users.not_found", 4),
        (("unlock", "ada@contoso.example"), "users.not_an_administrator", 3),
        (("unlock", "nobody"), "users.not_found", 4),
        (("setup-link",), "users.setup_done", 3),
    ],
)
def test_a_refusal_ends_with_its_own_status_and_code(arguments: tuple[str, ...], code: str, status: int) -> None:
    make_administrator(email="last@contoso.example")
    make_person("ada@contoso.example")
    plain, machine = run("admins", *arguments), run("admins", *arguments, "--json")
    assert (plain.status, plain.out, machine.status, machine.out) == (status, "", status, "")
    assert f"[{code}]" in plain.err and machine.error["code"] == code
    assert User.objects.get(admin_role__isnull=False).check_password(PASSWORD)


def test_the_last_billing_administrator_cannot_be_suspended_by_a_command() -> None:
    make_administrator(email="last@contoso.example")
    assert run("users", "suspend", "last@contoso.example", "--json").error["code"] == "users.last_billing_administrator"


@pytest.mark.parametrize(
    "arguments", [("add", "a@contoso.example", "--role", "owner"), ("set-role", "a@contoso.example"), ("remove",)]
)
def test_a_wrong_call_ends_with_a_message(arguments: tuple[str, ...]) -> None:
    ran = run("admins", *arguments)
    assert ran.status == 2 or "Error" in ran.err
    assert ran.status != 0 and "Traceback" not in ran.err


def test_it_changes_a_role_and_a_password_and_removes() -> None:
    make_administrator()
    person = make_administrator(email="a@contoso.example")
    assert run("admins", "set-role", "a@contoso.example", "help-desk", "--json").json["admin_role"] == "help_desk"
    changed = run("admins", "set-password", "a@contoso.example", stdin="another-umbrella-0815\n")
    person.refresh_from_db()
    assert changed.status == 0 and person.check_password("another-umbrella-0815")
    assert "another-umbrella" not in changed.out + changed.err
    assert run("admins", "remove", "a@contoso.example", "--json").json["admin_role"] is None


def test_it_lists_administrators_only() -> None:
    assert "setup-link" in run("admins", "list").out
    make_person()
    make_administrator(email="a@contoso.example")
    listed = run("admins", "list", "--json").json
    assert [(row["company_email"], row["has_password"]) for row in listed] == [("a@contoso.example", True)]
    assert "a@contoso.example" in run("admins", "list").out


def test_it_prints_a_setup_link_that_opens(client: Client) -> None:
    link = run("admins", "setup-link", "--json").json
    assert link["valid_minutes"] == 60
    path = link["url"].removeprefix("http://127.0.0.1:8000")
    assert client.get(path).status_code == 200
    newer = run("admins", "setup-link").out.splitlines()[0].removeprefix("http://127.0.0.1:8000")
    assert (client.get(path).status_code, client.get(newer).status_code) == (410, 200)
    assert SetupToken.objects.count() == 1


@pytest.mark.parametrize(
    ("command", "pointer"), [("createsuperuser", "admins add"), ("changepassword", "admins set-password")]
)
def test_djangos_own_commands_are_no_way_around_called_from_code_either(command: str, pointer: str) -> None:
    refused = run(command)
    assert refused.status != 0 and pointer in refused.err
