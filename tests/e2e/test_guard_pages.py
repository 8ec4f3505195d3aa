"""Enabling on trial in a browser: a pilot and then everybody, confirmed, run out, and taken back by failures."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.e2e.conftest import OpenContext
from tests.e2e.looking import Eye
from tests.e2e.steps import PROVIDERS, field, heading, press, says, sign_in_at_tenant, sign_in_to_admin_portal
from tests.e2e.test_routing_pages import group
from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD, make_person, make_provider
from tests.idp.test_guards import fail
from users.models import User


@pytest.fixture
def draft(tenant: PracticeTenant) -> IdentityProvider:
    """A draft at a practice tenant that asks who signs in."""
    return make_provider(tenant, active=False)


def enable(page: Page, provider: IdentityProvider, *, goes_back: str = "30 minutes", query: str = "") -> None:
    """Go through the dialog that enables a provider."""
    page.goto(f"{PROVIDERS}{provider.pk}/activate/{query}")
    dialog = page.get_by_role("dialog", name=re.compile("people to this identity provider"))
    dialog.get_by_label("Goes back unless confirmed again within").select_option(goes_back)
    confirm(page, dialog)


def confirm(page: Page, dialog: Locator) -> None:
    """Tick what has to be ticked, and press the button."""
    dialog.get_by_label("I understand the impacts above").check()
    dialog.get_by_label("Enable without a rehearsal").check()
    press(page, "Yes, Continue")


def test_a_pilot_is_confirmed_and_extended_to_everybody_with_its_numbers(
    admin_page: Page, draft: IdentityProvider, open_context: OpenContext, eye: Eye
) -> None:
    make_person("alan@contoso.example", display_name="Alan Turing")
    group("Pilot", make_person("ada@contoso.example", display_name="Ada Lovelace"), make_person())
    pilot = "?scope=group&group=Pilot"
    admin_page.goto(f"{PROVIDERS}{draft.pk}/activate/{pilot}")
    eye.look(admin_page, "guard-dialog")
    enable(admin_page, draft, goes_back="1 hour", query=pilot)
    says(admin_page, "On trial")
    eye.look(admin_page, "guard-watching")
    sign_in_at_tenant(open_context().new_page())
    admin_page.reload()
    says(admin_page, "So far 1 person came in, and 0 failed.")
    press(admin_page, "Confirm: it stays")
    says(admin_page, "Contoso Entra is confirmed: people go on signing in with it.")
    admin_page.get_by_role("link", name="Extend to all people").click()
    dialog = admin_page.get_by_role("dialog", name="Send more people to this identity provider?")
    expect(dialog).to_contain_text("1 of 2 people signed in since")
    expect(dialog).to_contain_text("1 active person will sign in with Contoso Entra")
    eye.look(admin_page, "guard-extend")
    confirm(admin_page, dialog)
    says(admin_page, "All people, except administrators, since")
    sign_in_at_tenant(open_context().new_page(), "alan@contoso.example", "Alan Turing")


def test_unconfirmed_federation_goes_back_when_its_time_is_over(
    admin_page: Page, draft: IdentityProvider, administrator: User, open_context: OpenContext, eye: Eye
) -> None:
    make_person("ada@contoso.example", password=PASSWORD, display_name="Ada Lovelace")
    enable(admin_page, draft)
    says(admin_page, "On trial")
    person = open_context().new_page()
    sign_in_at_tenant(person)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        person.goto("/")
        heading(person, "Sign in")
        field(person, "Company email").fill("ada@contoso.example")
        press(person, "Continue")
        heading(person, "Sign in with a password")
        field(person, "Password").fill(PASSWORD)
        press(person, "Sign in")
        heading(person, "Welcome, Ada Lovelace")
        again = open_context().new_page()
        sign_in_to_admin_portal(again, administrator.company_email)
        says(again, "Contoso Entra: federation went back by itself")
        eye.look(again, "guard-home")
        again.goto(f"{PROVIDERS}{draft.pk}/")
        says(again, "nobody had confirmed it, so people sign in as they did before.")
        eye.look(again, "guard-expired")


def test_federation_goes_back_when_too_many_sign_ins_fail(
    admin_page: Page, draft: IdentityProvider, tenant: PracticeTenant, open_context: OpenContext, eye: Eye
) -> None:
    make_person("ada@contoso.example", password=PASSWORD, display_name="Ada Lovelace")
    enable(admin_page, draft)
    says(admin_page, "On trial")
    tenant.auto_sign_in = True
    for name in ("alan", "katherine"):
        fail(Browser(), name)
    tenant.auto_sign_in = None
    admin_page.reload()
    says(admin_page, "So far 0 people came in, and 2 failed.")
    eye.look(admin_page, "guard-failing")
    stranger = open_context().new_page()
    stranger.goto("/login/")
    field(stranger, "Company email").fill("grace@contoso.example")
    press(stranger, "Continue")
    stranger.get_by_role("button", name="Continue as Grace Hopper").click()
    expect(stranger.locator("main")).to_have_attribute("data-error-code", "federation.no_match")
    admin_page.reload()
    says(admin_page, "more than 50 % of sign-ins had failed")
    eye.look(admin_page, "guard-failures")
    person = open_context().new_page()
    person.goto("/login/")
    field(person, "Company email").fill("ada@contoso.example")
    press(person, "Continue")
    heading(person, "Sign in with a password")


def test_what_is_on_trial_is_taken_back_at_once(admin_page: Page, draft: IdentityProvider) -> None:
    make_person("ada@contoso.example")
    enable(admin_page, draft)
    press(admin_page, "Take it back now")
    says(admin_page, "Contoso Entra was taken back: people sign in as they did before.")
    expect(admin_page.get_by_text("On trial")).to_have_count(0)
