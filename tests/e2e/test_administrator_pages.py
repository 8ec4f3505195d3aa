"""Administrators, mailed links and passwords in a real browser: from the invitation to the first sign-in."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone
from playwright.sync_api import Page, expect

from portal.mail_samples import SAMPLES, sample
from tests.browsing import Browser
from tests.e2e import steps
from tests.e2e.conftest import OpenContext, take_cookies
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from tests.mailbox import html_of, link_in, newest_mail, with_mail_server, without_mail_server
from users.admin_invitations import invite_administrator
from users.invitations import send_invitation
from users.models import ActionLink, AdminRole, State, User
from users.passwords import send_password_reset

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/settings/administrators/"
NEW = "a-different-umbrella-0815"
GRACE = "grace.hopper@contoso.example"


def choose(page: Page, button: str, password: str = NEW) -> None:
    field(page, "Password").fill(password)
    field(page, "Password again").fill(password)
    press(page, button)


def test_an_invitation_from_the_button_to_the_first_sign_in(
    admin_page: Page, open_context: OpenContext, settings: LazySettings, eye: Eye
) -> None:
    admin_page.goto("/admin/")
    admin_page.locator("#sidebar").get_by_role("link", name="Administrators").click()
    heading(admin_page, "Administrators")
    admin_page.get_by_role("link", name="Invite an administrator").click()
    eye.look(admin_page, "administrators-invite")
    press(admin_page, "Send the invitation")
    field(admin_page, "Company email").fill(GRACE)
    field(admin_page, "Name").fill("Grace Hopper")
    field(admin_page, "Role").select_option("Help Desk")
    without_mail_server(settings)
    press(admin_page, "Send the invitation")
    says(admin_page, "The invitation could not be mailed.")
    eye.look(admin_page, "administrators-invited-mail-failed")
    with_mail_server(settings)
    press(admin_page, "Send it again")
    says(admin_page, f"The invitation was mailed to {GRACE}.")
    eye.look(admin_page, "administrators-invited")
    page = open_context().new_page()
    page.goto(link_in(newest_mail(GRACE)))
    heading(page, "Become an administrator")
    eye.look(page, "admin-invitation")
    choose(page, "Accept the invitation", "short")
    says(page, "This password is not accepted")
    eye.look(page, "admin-invitation-in-error")
    choose(page, "Accept the invitation")
    heading(page, "Administrator sign-in")
    says(page, "Your password is set. Sign in with it.")
    steps.sign_in_to_admin_portal(page, GRACE, NEW)
    heading(page, "Home")


def test_the_list_in_its_states(admin_page: Page, eye: Eye) -> None:
    admin_page.goto(LIST)
    eye.look(admin_page, "administrators-one")
    for role in AdminRole:
        make_administrator(role)
    User.objects.filter(pk=make_administrator(AdminRole.HELP_DESK).pk).update(state=State.SUSPENDED)
    locked = make_administrator(email="rebecca.featherstonehaugh-cholmondeley@europe.contoso.example")
    for _ in range(5):
        Browser().sign_in_as_administrator(locked, "wrong")
    for name in ("grace", "annie", "claude"):
        email = f"{name}@contoso.example"
        mail = name != "claude"
        invite_administrator(
            actor=OPERATOR, company_email=email, role=AdminRole.READ_ONLY, display_name=name.title(), mail=mail
        )
    late = ActionLink.objects.filter(person__company_email="annie@contoso.example")
    late.update(expires_at=timezone.now() - timedelta(hours=1))
    admin_page.goto(LIST)
    eye.look(admin_page, "administrators-full")
    admin_page.get_by_role("link", name="Annie").click()
    says(admin_page, "Nobody accepted it in time")
    eye.glance(admin_page, "administrators-ran-out")
    admin_page.goto(f"{LIST}{locked.pk}/")
    says(admin_page, "Locked out")
    eye.look(admin_page, "administrators-locked-out")
    press(admin_page, "Unlock")
    says(admin_page, "can sign in again")


def test_another_role_and_none(admin_page: Page, administrator: User, eye: Eye) -> None:
    other = make_administrator()
    Browser().sign_in_as_administrator(other)
    admin_page.goto(f"{LIST}{other.pk}/")
    eye.look(admin_page, "administrators-show")
    admin_page.get_by_role("link", name="Change role").click()
    eye.glance(admin_page, "administrators-role-before")
    field(admin_page, "New role").select_option("Help Desk")
    press(admin_page, "Show what changes")
    eye.look(admin_page, "administrators-role")
    press(admin_page, "Yes, change the role")
    says(admin_page, "is now Help Desk.")
    admin_page.goto(f"{LIST}{other.pk}/remove/")
    eye.look(admin_page, "administrators-remove")
    press(admin_page, "Yes, remove")
    says(admin_page, "is not an administrator any more.")
    admin_page.goto(f"{LIST}{administrator.pk}/")
    says(admin_page, "This is you")
    admin_page.goto(f"{LIST}{administrator.pk}/remove/")
    says(admin_page, "is the last Administrator With Billing")
    eye.look(admin_page, "administrators-remove-last")
    make_administrator()
    admin_page.goto(f"{LIST}{administrator.pk}/role/?role=read_only")
    eye.look(admin_page, "administrators-role-own")
    press(admin_page, "Yes, change the role")
    says(admin_page, "Your role was changed. Sign in again.")


def test_a_forgotten_password(page: Page, eye: Eye) -> None:
    person = make_person("local@contoso.example", display_name="Local Colleague", password=PASSWORD)
    page.goto("/login/")
    field(page, "Company email").fill(person.company_email)
    press(page, "Continue")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(field(page, "Company email")).to_have_value(person.company_email)
    eye.look(page, "forgot-password")
    press(page, "Send the link")
    heading(page, "Look into your mail")
    eye.look(page, "forgot-password-sent")
    link = link_in(newest_mail(person.company_email))
    page.goto(link)
    eye.look(page, "reset-password")
    choose(page, "Set the password")
    heading(page, "Sign in")
    says(page, "Your password is set. Sign in with it.")
    page.goto(link)
    heading(page, "This link is not valid any more.")
    eye.look(page, "link-spent")
    page.goto("/admin/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    eye.glance(page, "admin-forgot-password")


def test_an_invited_person_and_an_administrators_reset(page: Page, administrator: User, eye: Eye) -> None:
    person = make_person("staged@contoso.example", display_name="Annie Easley", state=State.STAGED)
    send_invitation(actor=OPERATOR, person=person, activate=True)
    page.goto(link_in(newest_mail(person.company_email)))
    eye.look(page, "invitation")
    send_password_reset(actor=OPERATOR, person=administrator)
    page.goto(link_in(newest_mail(administrator.company_email)))
    eye.glance(page, "admin-reset-password")


def test_changing_ones_own_password(
    page: Page, admin_page: Page, open_context: OpenContext, tenant: PracticeTenant, eye: Eye
) -> None:
    admin_page.goto("/admin/account/password/")
    eye.look(admin_page, "admin-own-password")
    person = make_person("local@contoso.example", display_name="Local Colleague", password=PASSWORD)
    mine, client = open_context().new_page(), Browser()
    client.sign_in_with_password(person)
    take_cookies(mine, client)
    mine.goto("/security/")
    eye.look(mine, "user-security-with-change")
    mine.get_by_role("link", name="Change it").click()
    eye.look(mine, "user-own-password")
    field(mine, "Present password").fill("wrong")
    field(mine, "New password").fill(NEW)
    field(mine, "New password again").fill(NEW)
    press(mine, "Change the password")
    says(mine, "This is not your present password.")
    eye.look(mine, "user-own-password-in-error")
    field(mine, "Present password").fill(PASSWORD)
    field(mine, "New password").fill(NEW)
    field(mine, "New password again").fill(NEW)
    press(mine, "Change the password")
    says(mine, "Your password was changed.")


def test_a_federated_persons_password_is_not_hers_to_change(
    page: Page, tenant: PracticeTenant, administrator: User, ada: User, eye: Eye
) -> None:
    make_provider(tenant)
    tenant.auto_sign_in = True
    client = Browser()
    client.federated_sign_in()
    take_cookies(page, client)
    page.goto("/security/password/")
    says(page, "Your password is kept by Contoso Entra")
    eye.look(page, "user-own-password-federated")


@pytest.mark.parametrize("name", SAMPLES)
def test_mails_are_pleasant_in_light_and_dark(page: Page, name: str, eye: Eye) -> None:
    page.set_content(html_of(sample(name)))
    eye.shoot(page, f"mail-{name}")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
