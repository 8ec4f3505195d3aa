"""Administrators, passwords, second factors and one's own pages in a browser that runs no script."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browsing import Browser
from tests.e2e import steps
from tests.e2e.conftest import OpenContext, take_cookies
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.factories import PASSWORD, make_administrator, make_person
from tests.mailbox import link_in, newest_mail
from tests.second_factors import App
from users.models import AdminRole, AuthenticatorApp, Organization, User

LIST = "/admin/settings/administrators/"
NEW = "a-different-umbrella-0815"
GRACE = "grace.hopper@contoso.example"


@pytest.fixture
def visitor_page(open_context: OpenContext) -> Page:
    """A page without JavaScript in which nobody is signed in."""
    return open_context(java_script_enabled=False).new_page()


def choose(page: Page, button: str) -> None:
    """Choose a password behind a mailed link."""
    field(page, "Password").fill(NEW)
    field(page, "Password again").fill(NEW)
    press(page, button)


def test_an_invitation_another_role_and_none(plain_page: Page, visitor_page: Page) -> None:
    page = plain_page
    page.goto(LIST)
    page.get_by_role("link", name="Invite an administrator").click()
    field(page, "Company email").fill(GRACE)
    field(page, "Role").select_option("Help Desk")
    press(page, "Send the invitation")
    says(page, f"The invitation was mailed to {GRACE}.")
    visitor_page.goto(link_in(newest_mail(GRACE)))
    choose(visitor_page, "Accept the invitation")
    steps.sign_in_to_admin_portal(visitor_page, GRACE, NEW)
    heading(visitor_page, "Home")
    grace = User.objects.get(company_email=GRACE)
    page.goto(f"{LIST}{grace.pk}/")
    page.get_by_role("link", name="Change role").click()
    field(page, "New role").select_option("Read Only")
    press(page, "Show what changes")
    press(page, "Yes, change the role")
    says(page, "is now Read Only.")
    page.goto(f"{LIST}{grace.pk}/")
    page.get_by_role("link", name="Remove", exact=True).click()
    press(page, "Yes, remove")
    says(page, "is not an administrator any more.")
    grace.refresh_from_db()
    assert grace.admin_role is None


def test_a_second_factor_from_the_rule_to_the_next_sign_in(visitor_page: Page, administrator: User, eye: Eye) -> None:
    page = visitor_page
    steps.sign_in_to_admin_portal(page, administrator.company_email)
    page.goto("/admin/settings/organization/")
    press(page, "Require a second factor")
    assert Organization.current().second_factor_required
    page.goto("/admin/account/second-factor/app/")
    app = App(page.locator("#secret").inner_text().replace(" ", ""))
    field(page, "Code from the app").fill(app.code())
    press(page, "Finish")
    heading(page, "Your recovery codes")
    eye.shoot(page, "no-javascript-recovery-codes")
    first, second = page.locator(".code-list ul").inner_text().split()[:2]
    AuthenticatorApp.objects.update(last_counter=0)
    for code in (app.code(), first):
        page.context.clear_cookies()
        steps.sign_in_to_admin_portal(page, administrator.company_email)
        heading(page, "One more step")
        expect(page.get_by_role("button", name="Use a passkey")).to_have_count(0)
        field(page, "Code").fill(code)
        press(page, "Sign in")
        heading(page, "Home")
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        page.goto("/admin/account/second-factor/recovery-codes/")
        heading(page, "Confirm that it is you")
        field(page, "Password").fill(PASSWORD)
        field(page, "Code").fill(second)
        press(page, "Confirm")
        press(page, "Make new recovery codes")
        heading(page, "Your recovery codes")


def test_a_forgotten_password_and_ones_own_pages(visitor_page: Page, eye: Eye) -> None:
    person = make_person("local@contoso.example", display_name="Local Colleague", password=PASSWORD)
    page = visitor_page
    page.goto("/login/")
    field(page, "Company email").fill(person.company_email)
    press(page, "Continue")
    page.get_by_role("link", name="Forgot your password?").click()
    press(page, "Send the link")
    page.goto(link_in(newest_mail(person.company_email)))
    choose(page, "Set the password")
    field(page, "Company email").fill(person.company_email)
    press(page, "Continue")
    field(page, "Password").fill(NEW)
    press(page, "Sign in")
    heading(page, "Welcome, Local Colleague")
    page.goto("/profile/edit/")
    field(page, "Phone").fill("+44 20 7946 0958")
    press(page, "Save")
    says(page, "Your profile was saved.")
    page.goto("/security/")
    eye.shoot(page, "no-javascript-security")
    page.get_by_role("link", name="Change it").click()
    field(page, "Present password").fill(NEW)
    field(page, "New password").fill(PASSWORD)
    field(page, "New password again").fill(PASSWORD)
    press(page, "Change the password")
    says(page, "Your password was changed.")
    Browser().sign_in_with_password(person)
    page.goto("/security/")
    press(page, "End all others")
    says(page, "1 other session ended.")


def test_what_the_help_desk_sees(visitor_page: Page) -> None:
    person = make_person("ada@contoso.example", display_name="Ada Lovelace", password=PASSWORD)
    for _ in range(5):
        Browser().sign_in_with_password(person, "wrong")
    client = Browser()
    client.sign_in_as_administrator(make_administrator(AdminRole.HELP_DESK))
    take_cookies(visitor_page, client)
    visitor_page.goto(f"/admin/user-management/users/{person.pk}/sign-in/")
    press(visitor_page, "Unlock")
    says(visitor_page, "5 failed sign-ins forgotten.")
