"""SETTINGS > Administrators: the list, invitations by mail, roles with their impact, and removal."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused, error_code, last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.mailbox import html_of, link_in, newest_mail, with_mail_server, without_mail_server
from tests.users.support import audit_rows
from users.admin_invitations import invite_administrator
from users.administrators_list import PAGE_SIZE
from users.models import ActionLink, AdminRole, State, User
from users.permission_words import WORDS
from users.permissions import ROLE_PERMISSIONS, Permission
from users.schedules import cancel_schedule, schedule_state

pytestmark = pytest.mark.django_db

LIST = "/admin/settings/administrators/"
NEW = "a-different-umbrella-0815"
GRACE = "grace@contoso.example"


def page(browser: Browser, path: str = "") -> str:
    response = browser.get(f"{LIST}{path}")
    assert response.status_code == 200
    return " ".join(response.content.decode().replace("<wbr>", "").split())


def invite(browser: Browser, **changes: str) -> str:
    form = {"company_email": GRACE, "display_name": "Grace Hopper", "role": "help_desk", **changes}
    response = browser.post(f"{LIST}invite/", form)
    assert response.status_code == 302, response.content.decode()
    return " ".join(browser.get(response["Location"]).content.decode().split())


def choose(browser: Browser, link: str, password: str = NEW) -> str:
    response = browser.post(link, {"password": password, "password_again": password})
    assert response.status_code == 302, response.content.decode()
    return response["Location"]


# --- the list --------------------------------------------------------------------------------------------------------


def test_the_list_says_who_is_what(admin_browser: Browser, administrator: User) -> None:
    other = make_administrator(AdminRole.READ_ONLY)
    User.objects.filter(pk=make_administrator().pk).update(state=State.SUSPENDED)
    make_person(display_name="Nobody Special")
    invite_administrator(actor=OPERATOR, company_email=GRACE, role=AdminRole.HELP_DESK, display_name="Grace Hopper")
    text = page(admin_browser)
    for said in (administrator.label, other.company_email, "Suspended", "Grace Hopper", "Invited", "Never", "You"):
        assert said in text
    assert "Nobody Special" not in text and 'href="/admin/settings/administrators/"' in text


def test_the_table_of_roles_is_the_permission_table(admin_browser: Browser) -> None:
    assert set(WORDS) == set(Permission) and len(set(WORDS.values())) == len(Permission)
    rows = page(admin_browser).partition("What each role may do")[2].split("<tr>")[2:]
    for permission, row in zip(Permission, rows, strict=True):
        assert WORDS[permission] in row
        said = [cell.partition("</td>")[0] for cell in row.split("<td data-label=")[1:]]
        assert [">yes<" in cell for cell in said] == [permission in ROLE_PERMISSIONS[role] for role in AdminRole]


def test_it_pages_by_email(admin_browser: Browser, administrator: User) -> None:
    template = make_administrator(AdminRole.READ_ONLY)
    rows = [
        User(
            company_email=f"bulk-{number:03}@contoso.example",
            user_name=f"bulk-{number:03}",
            admin_role=AdminRole.READ_ONLY,
            state=State.ACTIVE,
            password=template.password,
        )
        for number in range(PAGE_SIZE)
    ]
    User.objects.bulk_create(rows)
    first = page(admin_browser)
    after = first.partition("?after=")[2].partition('"')[0]
    second = page(admin_browser, f"?after={after}")
    assert first.count("@contoso.example</p>") == PAGE_SIZE and second.count("@contoso.example</p>") == 2
    assert "Nobody comes after this" in page(admin_browser, "?after=zzz")


def test_a_longer_list_asks_the_database_no_more_often(admin_browser: Browser) -> None:
    page(admin_browser)
    with CaptureQueriesContext(connection) as few:
        page(admin_browser)
    for number in range(5):
        make_administrator()
        email = f"invited-{number}@contoso.example"
        invite_administrator(actor=OPERATOR, company_email=email, role=AdminRole.READ_ONLY)
    with CaptureQueriesContext(connection) as many:
        page(admin_browser)
    assert len(many) <= len(few) + 1


def test_who_may_only_look_is_offered_nothing_to_do(administrator: User) -> None:
    browser = Browser()
    browser.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY))
    assert "Invite an" not in page(browser)
    text = page(browser, f"{administrator.pk}/")
    assert "Change role" not in text and "Send a link" not in text and "Remove<" not in text


def test_somebody_without_a_role_has_no_page(admin_browser: Browser) -> None:
    response = admin_browser.get(f"{LIST}{make_person().pk}/")
    assert (response.status_code, error_code(response)) == (409, "users.not_an_administrator")


# --- inviting --------------------------------------------------------------------------------------------------------


def test_somebody_new_is_invited_and_becomes_an_administrator(admin_browser: Browser, administrator: User) -> None:
    text = invite(admin_browser)
    assert "The invitation was mailed to grace@contoso.example. It works once, for 7 days." in text
    person = User.objects.get(company_email=GRACE)
    assert (person.state, person.admin_role, person.has_usable_password()) == (State.STAGED, None, False)
    message = newest_mail(GRACE)
    assert administrator.label in message.body and "Help Desk" in message.body and "7 days" in html_of(message)
    visitor, link = Browser(), link_in(message)
    shown = visitor.get(link).content.decode()
    assert GRACE in shown and "at least 12 characters" in shown
    assert choose(visitor, link) == "/admin/login/"
    assert "Your password is set. Sign in with it." in visitor.get("/admin/login/").content.decode()
    assert not visitor.is_administering
    person.refresh_from_db()
    assert (person.state, person.admin_role) == (State.ACTIVE, AdminRole.HELP_DESK)
    visitor.sign_in_as_administrator(person, NEW)
    assert visitor.is_administering
    assert "Invited" not in page(admin_browser)
    assert [row[0] for row in audit_rows(target_id=str(person.pk), outcome="success")] == [
        "users.administrator.invited",
        "users.mail.sent",
        "users.administrator.invitation_accepted",
        "admin_portal.sign_in.succeeded",
    ]


def test_a_person_of_the_directory_keeps_everything_until_she_accepts(admin_browser: Browser) -> None:
    person = make_person(GRACE, display_name="Grace Brewster", password=PASSWORD)
    invite(admin_browser)
    at_work, visitor = Browser(), Browser()
    at_work.sign_in_with_password(person)
    assert at_work.is_signed_in
    visitor.sign_in_as_administrator(person)
    assert not visitor.is_administering
    choose(visitor, link_in(newest_mail(GRACE)))
    person.refresh_from_db()
    assert (person.admin_role, person.label) == (AdminRole.HELP_DESK, "Grace Brewster")
    assert not at_work.is_signed_in
    visitor.sign_in_as_administrator(person, NEW)
    assert visitor.is_administering


def test_a_federated_person_becomes_an_administrator_with_a_password_of_her_own(
    provider: IdentityProvider, ada: User, administrator: User, browser_client: Browser
) -> None:
    browser_client.sign_in_as_administrator(administrator)
    invite(browser_client, company_email=ada.company_email)
    choose(Browser(), link_in(newest_mail(ada.company_email)))
    visitor = Browser()
    visitor.sign_in_as_administrator(ada, NEW)
    assert visitor.is_administering


def test_an_invited_one_does_not_count_as_the_last_who_can_sign_in(admin_browser: Browser, administrator: User) -> None:
    invite(admin_browser, role="administrator_with_billing")
    response = admin_browser.post(f"{LIST}{administrator.pk}/remove/confirmed/")
    assert (response.status_code, error_code(response)) == (409, "users.last_billing_administrator")
    assert "is the last Administrator With Billing" in page(admin_browser, f"{administrator.pk}/remove/")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"company_email": ""}, "Enter the address"),
        ({"company_email": "ada"}, "Enter an address such as"),
        ({"company_email": "\u212aate@contoso.example"}, "This is not a company email address"),
        ({"role": "owner"}, "Choose one of the roles"),
        ({"display_name": "x" * 151}, "at most 150 characters"),
    ],
)
def test_a_wrong_form_comes_back(admin_browser: Browser, changes: dict[str, str], said: str) -> None:
    form = {"company_email": GRACE, "display_name": "Grace", "role": "help_desk", **changes}
    response = admin_browser.post(f"{LIST}invite/", form)
    assert response.status_code == 422 and said in response.content.decode()
    assert not ActionLink.objects.exists() and not mail.outbox


def test_an_administrator_or_a_suspended_person_is_not_invited(admin_browser: Browser) -> None:
    suspended = make_person(state=State.SUSPENDED)
    for person, said in ((make_administrator(), "is an administrator already"), (suspended, "is not active")):
        form = {"company_email": person.company_email, "role": "read_only"}
        response = admin_browser.post(f"{LIST}invite/", form)
        assert response.status_code == 422 and said in response.content.decode()
    assert audit_rows(action="users.administrator.invited", outcome="refused")


def test_a_name_cannot_forge_a_header(admin_browser: Browser) -> None:
    make_person(GRACE, display_name="Grace <b>Hopper</b>")
    User.objects.filter(company_email=GRACE).update(display_name="Grace\r\nBcc: eve@evil.example\n\n<b>boo</b>")
    invite(admin_browser)
    message = newest_mail(GRACE)
    assert message.recipients() == [GRACE] and "\n" not in message.subject
    assert "Bcc" not in dict(message.message().items()) and "<b>boo</b>" not in html_of(message)


def test_a_dead_mail_server_loses_nothing(admin_browser: Browser, settings: LazySettings) -> None:
    without_mail_server(settings)
    text = invite(admin_browser)
    assert "The invitation could not be mailed." in text and "Send it again" in text and "Not mailed" in text
    event = last_event(action="users.mail.sent")
    assert (event.outcome, event.error_code) == ("refused", "users.mail_not_sent")
    assert event.details["mail"] == "administrator_invitation" and "/invitation/" not in str(event.details)
    with_mail_server(settings)
    person = User.objects.get(company_email=GRACE)
    admin_browser.post(f"{LIST}{person.pk}/invite-again/")
    choose(Browser(), link_in(newest_mail(GRACE)))
    assert last_event(action="users.mail.sent").outcome == "success"


def test_an_invitation_that_ran_out_is_sent_again(admin_browser: Browser) -> None:
    invite(admin_browser)
    old = link_in(newest_mail(GRACE))
    person = User.objects.get(company_email=GRACE)
    ActionLink.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    assert "Invitation ran out" in page(admin_browser)
    assert_refused(Browser().get(old), "users.link_invalid", action="portal.request.refused")
    admin_browser.post(f"{LIST}{person.pk}/invite-again/")
    assert "Invitation ran out" not in page(admin_browser)
    assert choose(Browser(), link_in(newest_mail(GRACE))) == "/admin/login/"
    again = admin_browser.post(f"{LIST}{person.pk}/invite-again/")
    assert (again.status_code, error_code(again)) == (409, "users.not_invited")


def test_a_withdrawn_invitation_is_gone(admin_browser: Browser) -> None:
    invite(admin_browser)
    link, person = link_in(newest_mail(GRACE)), User.objects.get(company_email=GRACE)
    response = admin_browser.post(f"{LIST}{person.pk}/withdraw/", follow=True)
    assert (
        "was withdrawn" in response.content.decode() and "stays in the directory as staged" in response.content.decode()
    )
    assert Browser().get(link).status_code == 410
    assert "Invited" not in page(admin_browser)


def test_a_changed_person_makes_the_invitation_void(admin_browser: Browser) -> None:
    invite(admin_browser)
    User.objects.filter(company_email=GRACE).update(company_email="g@contoso.example")
    assert "Invitation void" in page(admin_browser)


def test_somebody_whose_state_is_to_change_does_not_become_an_administrator(admin_browser: Browser) -> None:
    person = make_person(GRACE)
    in_a_month = timezone.now() + timedelta(days=30)
    invite(admin_browser)
    link = link_in(newest_mail(GRACE))
    schedule_state(actor=OPERATOR, person=person, state=State.SUSPENDED, at=in_a_month)
    assert "Invitation void" in page(admin_browser)
    answer = Browser().post(link, {"password": NEW, "password_again": NEW})
    assert (answer.status_code, error_code(answer)) == (410, "users.link_invalid")
    again = admin_browser.post(f"{LIST}{person.pk}/invite-again/")
    assert (again.status_code, error_code(again)) == (409, "users.person_scheduled")
    ActionLink.objects.all().delete()
    form = {"company_email": GRACE, "role": "read_only"}
    assert "is to be suspended on" in admin_browser.post(f"{LIST}invite/", form).content.decode()
    cancel_schedule(actor=OPERATOR, person=person)
    invite(admin_browser)
    assert choose(Browser(), link_in(newest_mail(GRACE))) == "/admin/login/"


# --- roles -----------------------------------------------------------------------------------------------------------


def test_a_change_of_role_shows_its_impact_first(admin_browser: Browser, administrator: User) -> None:
    other = make_administrator()
    at_work = Browser()
    at_work.sign_in_as_administrator(other)
    assert "What happens at once" not in page(admin_browser, f"{other.pk}/role/")
    text = page(admin_browser, f"{other.pk}/role/?role=administrator")
    lost = text.partition("may no longer do")[2].partition("</ul>")[0]
    assert WORDS[Permission.MANAGE_ADMINISTRATORS] in lost and WORDS[Permission.MANAGE_PEOPLE] not in lost
    assert "1 session of" in text and at_work.is_administering
    admin_browser.post(f"{LIST}{other.pk}/role/set/", {"role": "administrator"})
    other.refresh_from_db()
    assert other.admin_role == AdminRole.ADMINISTRATOR and not at_work.is_administering
    text = page(admin_browser, f"{other.pk}/role/?role=administrator_with_billing")
    assert "may do from now on" in text and "may no longer do" not in text
    assert "That is the role already" in page(admin_browser, f"{other.pk}/role/?role=administrator")
    assert admin_browser.get(f"{LIST}{other.pk}/role/?role=owner").status_code == 200


def test_changing_ones_own_role_signs_out(admin_browser: Browser, administrator: User) -> None:
    make_administrator()
    assert "This is you" in page(admin_browser, f"{administrator.pk}/role/?role=read_only")
    response = admin_browser.post(f"{LIST}{administrator.pk}/role/set/", {"role": "read_only"})
    assert response["Location"] == "/admin/login/"
    assert "Your role was changed. Sign in again." in admin_browser.get("/admin/login/").content.decode()
    assert not admin_browser.is_administering
    admin_browser.sign_in_as_administrator(administrator)
    assert "Invite an" not in page(admin_browser)


def test_the_last_billing_administrator_is_told_why_not(admin_browser: Browser, administrator: User) -> None:
    text = page(admin_browser, f"{administrator.pk}/role/?role=read_only")
    assert "is the last Administrator With Billing" in text and "Yes, change the role" not in text
    response = admin_browser.post(f"{LIST}{administrator.pk}/role/set/", {"role": "read_only"})
    assert_refused(response, "users.last_billing_administrator", action="users.administrator.role_set")
    assert admin_browser.is_administering


# --- removing --------------------------------------------------------------------------------------------------------


def test_removing_shows_what_is_lost_first(admin_browser: Browser) -> None:
    other = make_administrator(AdminRole.ADMINISTRATOR)
    text = page(admin_browser, f"{other.pk}/remove/")
    assert WORDS[Permission.MANAGE_PEOPLE] in text and "the same password works on" in text
    response = admin_browser.post(f"{LIST}{other.pk}/remove/confirmed/", follow=True)
    assert f"{other.label} is not an administrator any more." in response.content.decode()
    other.refresh_from_db()
    assert (other.admin_role, other.state) == (None, State.ACTIVE)


def test_removing_names_the_provider_and_the_invitations(
    provider: IdentityProvider, administrator: User, browser_client: Browser
) -> None:
    browser_client.sign_in_as_administrator(administrator)
    other, office = make_administrator(), Browser()
    office.sign_in_as_administrator(other)
    invite(office)
    text = page(browser_client, f"{other.pk}/remove/")
    assert f"goes through {provider.name}" in text and "1 open invitation that" in text
    browser_client.post(f"{LIST}{other.pk}/remove/confirmed/")
    assert Browser().get(link_in(newest_mail(GRACE))).status_code == 410
    assert "Invitation void" in page(browser_client)


def test_removing_oneself_ends_in_the_sign_in_page(admin_browser: Browser, administrator: User) -> None:
    make_administrator()
    assert "This is you" in page(admin_browser, f"{administrator.pk}/remove/")
    assert admin_browser.post(f"{LIST}{administrator.pk}/remove/confirmed/")["Location"] == "/admin/login/"
    assert "You have no role any more." in admin_browser.get("/admin/login/").content.decode()


# --- passwords and lock-outs of administrators -----------------------------------------------------------------------


def test_a_locked_out_administrator_is_seen_and_unlocked(admin_browser: Browser) -> None:
    other = make_administrator()
    for _ in range(5):
        Browser().sign_in_as_administrator(other, "wrong")
    assert "Locked out" in page(admin_browser)
    assert "5 failed sign-ins lock this account until" in page(admin_browser, f"{other.pk}/")
    admin_browser.post(f"{LIST}{other.pk}/unlock/")
    assert "Locked out" not in page(admin_browser)
    assert Browser().sign_in_as_administrator(other).status_code == 302


def test_a_lock_out_ends_by_itself(admin_browser: Browser) -> None:
    other = make_administrator()
    for _ in range(5):
        Browser().sign_in_as_administrator(other, "wrong")
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert "Locked out" not in page(admin_browser)


def test_a_reset_is_mailed_to_an_administrator(admin_browser: Browser, settings: LazySettings) -> None:
    other = make_administrator()
    response = admin_browser.post(f"{LIST}{other.pk}/send-reset/", follow=True)
    assert "It works once, for 1 hour." in response.content.decode()
    link = link_in(newest_mail(other.company_email))
    assert link.startswith("/admin/password/reset/")
    assert choose(Browser(), link) == "/admin/login/"
    other.refresh_from_db()
    assert other.check_password(NEW)
    User.objects.filter(pk=other.pk).update(state=State.SUSPENDED)
    response = admin_browser.post(f"{LIST}{other.pk}/send-reset/", follow=True)
    assert "is not active" in response.content.decode()
    User.objects.filter(pk=other.pk).update(state=State.ACTIVE)
    without_mail_server(settings)
    response = admin_browser.post(f"{LIST}{other.pk}/send-reset/", follow=True)
    assert "could not be mailed" in response.content.decode()
