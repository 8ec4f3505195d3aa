"""`admins invite`, `users invite`, `users send-reset` and `admins break-glass`: links from a shell."""

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client

from tests.commands.running import Ran, in_shell, run
from tests.factories import PASSWORD, make_administrator, make_person
from tests.mailbox import html_of, link_in, newest_mail, without_mail_server
from users.models import ActionLink, AdminRole, State, User

pytestmark = pytest.mark.django_db

NEW = {"password": "a-different-umbrella-0815", "password_again": "a-different-umbrella-0815"}
ORIGIN = "http://127.0.0.1:8000"


def path_in(ran: Ran) -> str:
    assert ran.status == 0, ran.err
    return ran.out.splitlines()[0].removeprefix(ORIGIN)


def test_it_invites_an_administrator_by_mail_and_prints_the_link(client: Client) -> None:
    ran = run("admins", "invite", "grace@contoso.example", "--role", "help-desk", "--name", "Grace Hopper")
    assert "It works once, within 7 days." in ran.out and "It was mailed to grace@contoso.example." in ran.out
    assert path_in(ran) == link_in(newest_mail("grace@contoso.example"))
    assert client.post(path_in(ran), NEW)["Location"] == "/admin/login/"
    person = User.objects.get()
    assert (person.admin_role, person.label, person.state) == ("help_desk", "Grace Hopper", "active")


def test_without_mail_it_only_prints(client: Client) -> None:
    ran = run("admins", "invite", "grace@contoso.example", "--role", "read_only", "--no-mail", "--json")
    assert ran.json["mailed"] is False and ran.json["person"] == "grace@contoso.example" and not mail.outbox
    assert client.get(ran.json["url"].removeprefix(ORIGIN)).status_code == 200


def test_invitations_are_listed_and_withdrawn(client: Client) -> None:
    make_administrator(email="last@contoso.example")
    link = path_in(run("admins", "invite", "grace@contoso.example", "--role", "help-desk"))
    rows = run("admins", "list", "--json").json
    assert [(row["company_email"], row["admin_role"], row["invitation"]) for row in rows] == [
        ("grace@contoso.example", None, "help_desk, invited"),
        ("last@contoso.example", "administrator_with_billing", ""),
    ]
    assert run("admins", "withdraw-invitation", "grace@contoso.example").status == 0
    assert client.get(link).status_code == 410 and len(run("admins", "list", "--json").json) == 1
    again = run("admins", "withdraw-invitation", "grace@contoso.example", "--json")
    assert (again.status, again.error["code"]) == (3, "users.not_invited")


@pytest.mark.parametrize("activate", [True, False])
def test_it_invites_a_person(activate: bool, client: Client) -> None:
    person = make_person(state=State.STAGED)
    ran = run("users", "invite", person.company_email, *(["--activate"] if activate else []))
    assert client.post(path_in(ran), NEW)["Location"] == "/login/"
    person.refresh_from_db()
    assert person.is_active == activate and person.has_usable_password()


def test_it_sends_a_reset(client: Client) -> None:
    person = make_person(password=PASSWORD)
    ran = run("users", "send-reset", person.user_name, "--json")
    assert ran.json["mailed"] is True and "expires_at" in ran.json
    assert client.get(ran.json["url"].removeprefix(ORIGIN)).status_code == 200


def test_a_dead_mail_server_is_named_and_the_link_works_all_the_same(client: Client, settings: LazySettings) -> None:
    without_mail_server(settings)
    person = make_person(password=PASSWORD)
    ran = run("users", "send-reset", person.company_email, "--json")
    assert (ran.status, ran.error["code"], ran.json["mailed"]) == (5, "users.mail_not_sent", False)
    assert ran.error["reference"] and person.company_email in ran.error["message"]
    assert client.get(ran.json["url"].removeprefix(ORIGIN)).status_code == 200


def test_a_break_glass_link_is_printed_and_only_that_it_was_made_is_mailed(client: Client) -> None:
    billing = make_administrator()
    person = make_administrator(AdminRole.HELP_DESK, "grace@contoso.example")
    ran = run("admins", "break-glass", "GRACE@contoso.example")
    assert f"It works once, within 15 minutes, and signs in {person.company_email}." in ran.out
    assert f"was mailed to {billing.company_email}, {person.company_email}." in ran.out
    (message,) = mail.outbox
    assert path_in(ran) not in message.body + html_of(message) + ran.err  # type: ignore[arg-type]
    assert client.post(path_in(ran))["Location"] == "/admin/account/password/new/"
    assert client.get("/admin/").status_code == 200


def test_a_newer_break_glass_link_is_the_only_one_also_for_machines(client: Client) -> None:
    person = make_administrator()
    first, second = (run("admins", "break-glass", person.user_name, "--json").json for _ in range(2))
    assert (second["person"], second["mailed"], second["mail_to"]) == (
        person.company_email,
        True,
        [person.company_email],
    )
    assert "expires_at" in second
    assert [client.get(each["url"].removeprefix(ORIGIN)).status_code for each in (first, second)] == [410, 200]


def test_a_break_glass_link_needs_no_mail_server(client: Client, settings: LazySettings) -> None:
    without_mail_server(settings)
    person = make_administrator()
    plain, machine = (run("admins", "break-glass", person.company_email, *more) for more in ((), ("--json",)))
    assert plain.status == machine.status == 5 and "[users.break_glass_not_mailed]" in plain.err
    assert "/admin/break-glass/" in plain.out and "was mailed" not in plain.out and "/admin/" not in plain.err
    assert machine.error["code"] == "users.break_glass_not_mailed" and machine.json["mailed"] is False
    assert client.post(machine.json["url"].removeprefix(ORIGIN)).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_in_a_shell_a_mail_on_the_terminal_leaves_the_link_alone() -> None:
    person = make_administrator()
    ran = in_shell("admins", "break-glass", person.company_email, "--json", EMAIL_URL="consolemail://")
    assert ran.status == 0 and ran.json["url"].startswith(f"{ORIGIN}/admin/break-glass/")
    assert "was made on" in ran.err and ran.json["url"].split("/")[-2] not in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("admins", "break-glass", "ada@contoso.example"), "users.no_break_glass", 3),
        (("admins", "break-glass", "nobody@contoso.example"), "users.not_found", 4),
        (("admins", "invite", "last@contoso.example", "--role", "read_only"), "users.already_administrator", 3),
        (("admins", "invite", "nonsense", "--role", "read_only"), "users.email_invalid", 2),
        (("users", "invite", "last@contoso.example"), "users.invitation_of_administrator", 3),
        (("users", "invite", "nobody"), "users.not_found", 4),
        (("users", "invite", "ada@contoso.example"), "users.has_password", 3),
        (("users", "send-reset", "staged@contoso.example"), "users.person_not_active", 3),
    ],
)
def test_refusals(arguments: tuple[str, ...], code: str, status: int) -> None:
    make_administrator(email="last@contoso.example")
    make_person("ada@contoso.example", password=PASSWORD)
    make_person("staged@contoso.example", state=State.STAGED)
    ran = run(*arguments, "--json")
    assert (ran.status, ran.error["code"], ran.out) == (status, code, "")
    assert not mail.outbox and not ActionLink.objects.exists()
