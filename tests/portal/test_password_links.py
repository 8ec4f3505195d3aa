"""Invitations, forgotten passwords and the links in their mails, as people meet them."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.core import mail
from django.utils import timezone

from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused, last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.mailbox import html_of, link_in, newest_mail, wait_for_mail_threads, without_mail_server
from tests.second_factors import give_app
from tests.users.support import VISITOR, as_person, audit_rows, refused
from users import passwords
from users.errors import PermissionRefused
from users.invitations import send_invitation
from users.link_errors import ResetForNobody
from users.lockout import lockout_of
from users.models import ActionLink, AdminRole, AuditEvent, State, User, UserSession
from users.passwords import send_password_reset

pytestmark = pytest.mark.django_db(transaction=True)

FORGOT, ADMIN_FORGOT = "/password/reset/", "/admin/password/reset/"
NEW = "a-different-umbrella-0815"


def ask(email: str, path: str = FORGOT, browser: Browser | None = None) -> str:
    """Ask for a link, and return the page without what differs from request to request."""
    response = (browser or Browser()).post(path, {"email": email})
    wait_for_mail_threads()
    assert response.status_code == 200, response.content.decode()
    return response.content.decode()


def choose(link: str, password: str = NEW, again: str = "") -> str:
    browser = Browser()
    assert browser.get(link).status_code == 200
    response = browser.post(link, {"password": password, "password_again": again or password})
    return response.get("Location", "") or response.content.decode()


# --- forgotten -------------------------------------------------------------------------------------------------------


def test_a_person_gets_a_link_and_signs_in_with_the_new_password() -> None:
    person, at_work, thief = make_person(password=PASSWORD), Browser(), Browser()
    at_work.sign_in_with_password(person)
    for _ in range(5):
        thief.sign_in_with_password(person, "wrong")
    assert "Forgot your password?" in Browser().get("/login/password/").content.decode()
    assert "Look into your mail" in ask(person.company_email.upper())
    message = newest_mail(person.company_email)
    assert "probably you" in message.body and "1 hour" in html_of(message)
    assert at_work.is_signed_in
    assert choose(link_in(message)) == "/login/"
    assert not UserSession.objects.filter(person=person).exists()
    assert not at_work.is_signed_in
    assert at_work.sign_in_with_password(person, NEW).status_code == 302
    assert at_work.sign_in_with_password(person, PASSWORD).status_code == 401
    notice = newest_mail(person.company_email)
    assert notice.subject == "Your Gatehouse password was changed" and "mailed to you" in notice.body
    assert NEW not in notice.body and "/reset/" not in notice.body
    rows = audit_rows(target_id=str(person.pk), action__startswith="users.password_reset")
    assert [row[0] for row in rows] == ["users.password_reset.requested", "users.password_reset.completed"]
    assert link_in(message).split("/")[-2] not in str(list(AuditEvent.objects.values()))


def test_an_administrator_gets_a_link_to_the_admin_portal_wherever_she_asks(administrator: User) -> None:
    assert "Forgot your password?" in Browser().get("/admin/login/").content.decode()
    for path in (FORGOT, ADMIN_FORGOT):
        ask(administrator.company_email, path)
        link = link_in(newest_mail(administrator.company_email))
        assert link.startswith("/admin/password/reset/")
    assert choose(link) == "/admin/login/"
    browser = Browser()
    browser.sign_in_as_administrator(administrator, NEW)
    assert browser.is_administering


def test_a_person_without_a_password_gets_one_in_the_same_way() -> None:
    person = make_person()
    ask(person.company_email, ADMIN_FORGOT)
    assert choose(link_in(newest_mail(person.company_email))) == "/login/"
    assert Browser().sign_in_with_password(person, NEW).status_code == 302


def test_the_answer_is_the_same_for_everybody(administrator: User) -> None:
    people = [make_person(password=PASSWORD), make_person(state=State.STAGED), make_person(state=State.SUSPENDED)]
    emails = [*(person.company_email for person in people), administrator.company_email, "nobody@contoso.example"]
    pages = {ask(email) for email in emails}
    assert len(pages) == 1
    assert sorted(message.to[0] for message in mail.outbox) == sorted([emails[0], emails[3]])
    refusals = AuditEvent.objects.filter(action="users.password_reset.requested", outcome="refused")
    assert {row.error_code for row in refusals} == {"users.reset_for_nobody"}
    assert sorted(row.details["email"] for row in refusals) == sorted([emails[1], emails[2], emails[4]])


def test_whatever_depends_on_the_person_comes_after_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    person, open_gate = make_person(password=PASSWORD), threading.Event()
    real = passwords.answer_reset_request

    def waits(**arguments: object) -> None:
        open_gate.wait(20)
        real(**arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(passwords, "answer_reset_request", waits)
    response = Browser().post(FORGOT, {"email": person.company_email})
    assert response.status_code == 200 and not mail.outbox
    assert not ActionLink.objects.exists()
    open_gate.set()
    assert newest_mail(person.company_email)


def test_a_look_alike_gets_nothing() -> None:
    make_person("kate@contoso.example", password=PASSWORD)
    assert "Look into your mail" in ask("\u212aate@contoso.example")
    refused(ResetForNobody, passwords.answer_reset_request, actor=VISITOR, email="\u212aate@contoso.example")
    assert not mail.outbox


def test_a_federated_person_is_told_where_the_password_is(provider: IdentityProvider, ada: User) -> None:
    ask(ada.company_email)
    message = newest_mail(ada.company_email)
    assert provider.name in message.subject and provider.name in message.body
    assert link_in(message) == "/login/" and not ActionLink.objects.exists()
    assert last_event(action="users.password_reset.requested").details == {"answer": provider.name}


def test_a_link_from_before_federation_sets_no_password(ada: User, request: pytest.FixtureRequest) -> None:
    ask(ada.company_email)
    link = link_in(newest_mail(ada.company_email))
    request.getfixturevalue("provider")
    response = Browser().get(link)
    assert (response.status_code, "signs in with" in response.content.decode()) == (409, True)
    response = Browser().post(link, {"password": NEW, "password_again": NEW})
    assert_refused(response, "users.password_managed_externally", action="portal.request.refused")
    ada.refresh_from_db()
    assert not ada.has_usable_password()


def test_one_person_is_not_flooded() -> None:
    person = make_person(password=PASSWORD)
    pages = {ask(person.company_email) for _ in range(passwords.PERSON_LIMIT + 2)}
    assert len(pages) == 1 and len(mail.outbox) == passwords.PERSON_LIMIT
    assert last_event(outcome="refused").error_code == "users.reset_mails_exhausted"
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        ask(person.company_email)
    assert len(mail.outbox) == passwords.PERSON_LIMIT + 1


def test_one_address_does_not_ask_without_end(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = []
    office, elsewhere = Browser(REMOTE_ADDR="2001:db8::1"), Browser(REMOTE_ADDR="2001:db8:1::1")
    neighbour = Browser(REMOTE_ADDR="2001:db8::2")
    for number in range(passwords.ADDRESS_LIMIT):
        ask(f"nobody-{number}@contoso.example", browser=office)
    for browser in (office, neighbour):
        response = browser.post(FORGOT, {"email": make_person(password=PASSWORD).company_email})
        assert_refused(response, "users.reset_too_often", action="users.password_reset.requested")
        assert response.status_code == 429
    assert "Look into your mail" in ask("nobody@contoso.example", browser=elsewhere)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        ask("nobody@contoso.example", browser=office)


def test_a_flood_is_folded_in_the_audit_log() -> None:
    for _ in range(passwords.ADDRESS_LIMIT):
        ask("nobody@contoso.example")
    rows = AuditEvent.objects.filter(action="users.password_reset.requested")
    assert rows.count() == 10 and sum(row.occurrences for row in rows) == passwords.ADDRESS_LIMIT


def test_a_dead_mail_server_changes_nothing_for_the_visitor(settings: LazySettings) -> None:
    without_mail_server(settings)
    person = make_person(password=PASSWORD)
    assert ask(person.company_email) == ask("nobody@contoso.example")
    event = last_event(action="users.mail.sent")
    assert event.error_code == "users.mail_not_sent" and event.target_label == person.label


# --- invitations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activate", [True, False])
def test_an_invited_person_chooses_a_password(activate: bool) -> None:
    person = make_person(state=State.STAGED)
    send_invitation(actor=OPERATOR, person=person, activate=activate)
    message = newest_mail(person.company_email)
    assert ("as soon as an administrator activates it" in message.body) != activate
    assert choose(link_in(message)) == "/login/"
    assert Browser().sign_in_with_password(person, NEW).status_code == (302 if activate else 401)
    assert not [each for each in mail.outbox if "was changed" in each.subject]


# --- the page behind a link ------------------------------------------------------------------------------------------


def link_of(person: User) -> str:
    send_password_reset(actor=OPERATOR, person=person)
    return link_in(newest_mail(person.company_email))


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short-1", "", "at least 12 characters"),
        ("\u00a0" * 14, "", "It is blank."),
        ("password1234", "", "too common"),
        ("283746592837465", "", "entirely numeric"),
        ("grace-hopper-1", "", "too similar"),
        (NEW, "another", "The two passwords differ"),
    ],
)
def test_a_password_against_the_rules_comes_back_and_the_link_stays_good(password: str, again: str, said: str) -> None:
    person = make_person(password=PASSWORD, display_name="Grace Hopper")
    link = link_of(person)
    page = choose(link, password, again)
    assert said in page and password not in page
    assert choose(link) == "/login/"


def test_a_mailbox_alone_wipes_out_no_guesses_at_a_second_factor() -> None:
    person, other = make_person(password=PASSWORD), make_person(password=PASSWORD)
    give_app(person)
    for owner in (person, other):
        Browser().sign_in_with_password(owner, "wrong")
        assert choose(link_of(owner)) == "/login/"
    assert lockout_of(person).failures == 1 and lockout_of(other).failures == 0


def test_the_rules_are_shown_before_anything_is_typed() -> None:
    page = Browser().get(link_of(make_person(password=PASSWORD))).content.decode()
    for rule in ("at least 12 characters", "commonly used", "entirely numeric", "too similar"):
        assert rule in page
    assert 'aria-describedby="password-rules"' in page and 'id="password-rules"' in page


def test_opening_a_link_spends_nothing_and_tells_nobody() -> None:
    person = make_person(password=PASSWORD)
    link = link_of(person)
    for _ in range(3):
        response = Browser().get(link)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"] and response["Referrer-Policy"] == "same-origin"
    assert Browser().head(link).status_code == 200
    assert choose(link) == "/login/"
    spent = Browser().get(link)
    assert_refused(spent, "users.link_invalid", action="portal.request.refused")
    assert spent.status_code == 410 and "/password/reset/<slug:token>/" in str(last_event(outcome="refused").details)


def test_a_link_signs_nobody_in() -> None:
    browser, person = Browser(), make_person(password=PASSWORD)
    browser.post(link_of(person), {"password": NEW, "password_again": NEW})
    assert not browser.is_signed_in
    assert "Your password is set. Sign in with it." in browser.get("/login/").content.decode()


def test_the_help_desk_reaches_people_and_no_administrators() -> None:
    desk = as_person(make_administrator(AdminRole.HELP_DESK))
    assert send_password_reset(actor=desk, person=make_person(password=PASSWORD)).is_mailed
    refused(PermissionRefused, send_password_reset, actor=desk, person=make_administrator(AdminRole.READ_ONLY))
    reader = as_person(make_administrator(AdminRole.READ_ONLY))
    refused(PermissionRefused, send_password_reset, actor=reader, person=make_person(password=PASSWORD))
