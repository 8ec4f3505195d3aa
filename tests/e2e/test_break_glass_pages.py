"""The break-glass link in a real browser: from the shell to a new password and a new second factor."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.commands.running import run
from tests.e2e import steps
from tests.e2e.conftest import OpenContext
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.e2e.test_second_factor_pages import seed_of
from tests.factories import make_administrator
from tests.second_factors import ACCOUNT, give_app
from users.models import AuthenticatorApp, User

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "a-different-umbrella-0815"


def link_for(person: User) -> str:
    """Have a link made at a shell."""
    ran = run("admins", "break-glass", person.company_email)
    assert ran.status == 0, ran.err
    return ran.out.splitlines()[0]


def choose(page: Page, password: str) -> None:
    field(page, "Password").fill(password)
    field(page, "Password again").fill(password)
    press(page, "Set the password")


def test_from_the_shell_to_a_new_password_and_a_new_app(page: Page, administrator: User, eye: Eye) -> None:
    give_app(administrator)
    link = link_for(administrator)
    page.goto(link)
    heading(page, "Break-glass sign-in")
    says(page, administrator.company_email)
    eye.look(page, "break-glass")
    press(page, "Sign in to the Admin Portal")
    heading(page, "Choose a new password")
    eye.look(page, "break-glass-password")
    choose(page, "short")
    says(page, "This password is not accepted")
    eye.look(page, "break-glass-password-in-error")
    choose(page, NEW)
    heading(page, "Second factor")
    says(page, "Did you lose it?")
    eye.look(page, "break-glass-factor")
    page.get_by_role("link", name="Move to another app").click()
    app = seed_of(page)
    field(page, "Code from the app").fill(app.code())
    press(page, "Finish")
    says(page, "Your authenticator app is set up.")
    page.goto("/admin/account/sessions/")
    says(page, "Break-glass link")
    eye.look(page, "break-glass-sessions")
    page.goto("/admin/insights/directory/")
    expect(page.get_by_role("link", name="Break-glass link used")).to_be_visible()
    eye.glance(page, "break-glass-directory")
    steps.sign_out(page)
    page.goto(link)
    heading(page, "This link is not valid any more.")
    eye.look(page, "break-glass-spent")
    AuthenticatorApp.objects.update(last_counter=0)
    steps.sign_in_to_admin_portal(page, administrator.company_email, NEW)
    field(page, "Code").fill(app.code())
    press(page, "Sign in")
    heading(page, "Home")


def test_without_javascript_and_too_late(open_context: OpenContext, administrator: User, eye: Eye) -> None:
    page = open_context(java_script_enabled=False).new_page()
    administrator.set_unusable_password()
    administrator.save()
    give_app(administrator)
    page.goto(link_for(administrator))
    press(page, "Sign in to the Admin Portal")
    heading(page, "Choose a new password")
    eye.shoot(page, "break-glass-password-no-javascript")
    page.get_by_role("link", name="Not now").click()
    heading(page, "Second factor")
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        page.get_by_role("link", name="Move to another app").click()
        heading(page, "Confirm that it is you")
        says(page, "What if you lost it?")
        eye.shoot(page, "break-glass-confirm")
        page.goto("/admin/account/password/new/")
        says(page, "It is more than ten minutes since the break-glass link was used")
        eye.shoot(page, "break-glass-too-late")


def test_an_administrator_with_a_long_name(page: Page, eye: Eye) -> None:
    person = make_administrator(email="rebecca.featherstonehaugh-cholmondeley@europe.contoso.example")
    User.objects.filter(pk=person.pk).update(display_name=f"Rebecca{' Featherstonehaugh-Cholmondeley' * 3}")
    page.goto(link_for(person))
    heading(page, "Break-glass sign-in")
    eye.look(page, "break-glass-long-name")
    page.goto(f"{ACCOUNT['admin']}")
    heading(page, "Administrator sign-in")
