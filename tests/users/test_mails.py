"""What every mail is like, and what becomes of one that cannot be sent."""

import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core import mail

from portal.mail_samples import SAMPLES, sample
from tests.commands.running import run
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.mailbox import html_of, newest_mail, wait_for_mail_threads, without_mail_server
from tests.second_factors import give_app
from tests.users.support import as_person, audit_rows
from users import mails
from users.administrators import remove_administrator, set_admin_role
from users.factors import remove_authenticator_app, reset_second_factor
from users.models import AdminRole, User
from users.people import edit_person
from users.second_factor import make_recovery_codes
from users.services import set_person_password

pytestmark = pytest.mark.django_db

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates" / "email"


def test_every_mail_has_a_sample() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.txt")} == set(SAMPLES)
    assert {path.stem for path in TEMPLATES.glob("[!_]*.html")} == {*SAMPLES, "base"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_mail_is_complete_in_both_parts_and_fetches_nothing(name: str) -> None:
    message = sample(name)
    html, text = html_of(message), message.body
    for part in (text, html):
        assert "{{" not in part and "{%" not in part and "None" not in part and "(unknown)" not in part
    assert not re.search(r"<(img|link|script|iframe|object|svg|style|form|input)|url\(|@import|\bon\w+=", html)
    assert set(re.findall(r'(?:src|href)="([^"]+)"', html)) <= set(re.findall(r"https?://\S+", text))
    assert f">{message.subject}</h1>" in html and '<meta name="color-scheme" content="light dark">' in html
    assert "You get this mail because" in text and "You get this mail because" in html
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 130
    assert message.message()["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_mail_is_shown_without_sending_it(name: str, settings: LazySettings) -> None:
    plain, html, machine = (run("mails", "preview", name, *more) for more in ((), ("--html",), ("--json",)))
    assert plain.status == html.status == machine.status == 0
    assert plain.out.startswith(f"Subject: {machine.json['subject']}\n") and html.out.startswith("<!DOCTYPE html>")
    assert not mail.outbox


def test_the_mails_are_listed() -> None:
    assert [row["name"] for row in run("mails", "list", "--json").json] == list(SAMPLES)
    assert run("mails", "preview", "nonsense").status == 2


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@evil.example", "a\x0bb\u2028c\x85d", "\n"])
def test_a_subject_is_one_line(subject: str) -> None:
    context = {"person": User(company_email="ada@contoso.example"), "way": "", "at": None, "address": ""}
    message = mails.compose("password_changed", subject, context, ["ada@contoso.example"])
    assert message.subject.isprintable()
    assert [name for name, _ in message.message().items() if name == "Bcc"] == []


def test_a_file_for_each_mail_and_a_word_where(
    settings: LazySettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    with caplog.at_level("INFO", logger="gatehouse.mail"):
        mails.send(sample("password_reset"))
    (file,) = tmp_path.iterdir()
    url = re.search(r"https?://\S+", sample("password_reset").body)
    assert url and url[0] in file.read_text()
    assert str(tmp_path) in caplog.text and "only-a-sample" not in caplog.text


def test_mail_on_the_terminal_leaves_standard_output_alone(
    settings: LazySettings, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    mails.send(sample("invitation"))
    out, err = capfd.readouterr()
    assert out == "" and "Choose your Gatehouse password" in err


@pytest.mark.django_db(transaction=True)
def test_people_are_told_of_a_password_that_somebody_else_set() -> None:
    person = make_person(password=PASSWORD)
    set_person_password(actor=as_person(make_administrator()), person=person, password="a-different-umbrella-0815")
    message = newest_mail(person.company_email)
    assert "203.0.113.9" not in message.body
    assert "administrators set it" in message.body and "0815" not in message.body + html_of(message)
    assert audit_rows(action="users.mail.sent") == [("users.mail.sent", "success", "")]


@pytest.mark.django_db(transaction=True)
def test_administrators_are_told_of_a_role(administrator: User) -> None:
    other = make_administrator()
    set_admin_role(actor=as_person(administrator), person=other, role=AdminRole.HELP_DESK)
    message = newest_mail(other.company_email)
    assert message.subject == "You are now Help Desk in Gatehouse"
    assert f"{administrator.label} changed your role from Administrator With Billing to Help Desk" in message.body
    remove_administrator(actor=OPERATOR, person=other)
    message = newest_mail(other.company_email)
    assert "not an administrator" in message.subject and "an operator of Gatehouse took your role away" in message.body


@pytest.mark.django_db(transaction=True)
def test_the_former_address_is_told_of_a_new_one(administrator: User) -> None:
    person = make_person("ada@contoso.example", password=PASSWORD)
    edit_person(actor=as_person(administrator), person=person, company_email="eve@contoso.example")
    message = newest_mail("ada@contoso.example")
    assert f"{administrator.label} changed the email" in message.body and "eve@contoso.example" in message.body
    edit_person(actor=OPERATOR, person=person, given_name="Eve")
    wait_for_mail_threads()
    assert len(mail.outbox) == 1, "another change is nothing to tell"


@pytest.mark.django_db(transaction=True)
def test_nobody_is_told_of_an_account_that_she_never_used() -> None:
    edit_person(actor=OPERATOR, person=make_person("ada@contoso.example"), company_email="eve@contoso.example")
    wait_for_mail_threads()
    assert not mail.outbox


@pytest.mark.django_db(transaction=True)
def test_people_are_told_of_every_change_of_their_second_factor() -> None:
    person = make_administrator()
    own = as_person(person)
    give_app(person)
    assert "authenticator app was set up" in newest_mail(person.company_email).body
    make_recovery_codes(actor=own, person=person)
    assert "New recovery codes" in newest_mail(person.company_email).body
    remove_authenticator_app(actor=own, person=person)
    assert "app was removed" in newest_mail(person.company_email).body
    give_app(person)
    reset_second_factor(actor=OPERATOR, person=person)
    assert "administrators took it away" in newest_mail(person.company_email).body
    reset_second_factor(actor=OPERATOR, person=person)
    wait_for_mail_threads()
    assert len(mail.outbox) == 5, "where there was none, nothing was taken away"


@pytest.mark.django_db(transaction=True)
def test_a_notice_that_cannot_be_sent_undoes_nothing(settings: LazySettings) -> None:
    without_mail_server(settings)
    person = make_person(password=PASSWORD)
    set_person_password(actor=OPERATOR, person=person, password="a-different-umbrella-0815")
    wait_for_mail_threads()
    person.refresh_from_db()
    assert person.check_password("a-different-umbrella-0815")
    assert audit_rows(action="users.mail.sent") == [("users.mail.sent", "refused", "users.mail_not_sent")]
