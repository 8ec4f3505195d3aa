"""A provider that is down, in a browser: what people see and do, with and without passwords in its place."""

import re

import pytest
from playwright.sync_api import Page, expect

from idp.health import check_providers
from idp.models import IdentityProvider, RoutingPolicy
from tests.e2e.conftest import OpenContext
from tests.e2e.looking import Eye, Watch
from tests.e2e.steps import PROVIDERS, field, heading, press, says
from tests.entra_tenant import Fault, PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_person, make_provider
from users.models import User
from users.organization_profile import set_support


@pytest.fixture
def entra(tenant: PracticeTenant, administrator: User) -> IdentityProvider:
    """A provider that everybody is sent to, also somebody who had a password here before."""
    make_person("ada@contoso.example", display_name="Ada Lovelace", password=PASSWORD)
    return make_provider(tenant)


def break_down(tenant: PracticeTenant) -> None:
    tenant.fault("discovery", Fault.STATUS, status=503)
    check_providers(OPERATOR)


def give_email(page: Page) -> None:
    page.goto("/login/")
    field(page, "Company email").fill("ada@contoso.example")
    press(page, "Continue")


def test_who_comes_is_told_and_tries_it_anyway(
    tenant: PracticeTenant, entra: IdentityProvider, page: Page, watch: Watch, eye: Eye
) -> None:
    set_support(actor=OPERATOR, email="it@contoso.example", phone="+49 30 1234567")
    break_down(tenant)
    page.goto("/login/")
    says(page, "Contoso Entra has been down since")
    eye.look(page, "down-sign-in")
    give_email(page)
    heading(page, "Contoso Entra is down")
    expect(page.get_by_role("link", name="it@contoso.example")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in with a Gatehouse password")).to_have_count(0)
    eye.look(page, "down")
    tenant.fault("token", Fault.STATUS, status=503)
    press(page, "Try Contoso Entra anyway")
    watch.expected_status = 502
    page.get_by_role("button", name="Continue as Ada Lovelace").click()
    expect(page.locator("main")).to_have_attribute("data-error-code", "idp.token_endpoint.unavailable")
    says(page, "Contoso Entra has been down since")
    eye.look(page, "down-error")


def test_a_password_stands_in_until_it_works_again(
    tenant: PracticeTenant, entra: IdentityProvider, admin_page: Page, open_context: OpenContext, eye: Eye
) -> None:
    policy = RoutingPolicy.objects.get()
    admin_page.goto(f"{PROVIDERS}routing-policies/{policy.pk}/edit/")
    admin_page.get_by_label("Gatehouse passwords while the provider is down").check()
    eye.look(admin_page, "down-policy-form")
    press(admin_page, "Save")
    says(admin_page, "They may use a Gatehouse password that they already have.")
    eye.look(admin_page, "down-policy-allows")
    break_down(tenant)
    admin_page.reload()
    says(admin_page, "Passwords are open now")
    eye.look(admin_page, "down-policy")
    for path, words, name in (
        (f"{PROVIDERS}{entra.pk}/", "until it works again:", "down-provider"),
        (f"{PROVIDERS}who-goes-where/?email=ada@contoso.example", "Gatehouse passwords are open now", "down-list"),
        ("/admin/", "may use their Gatehouse passwords now.", "down-home"),
    ):
        admin_page.goto(path)
        says(admin_page, words)
        eye.look(admin_page, name)
    person = open_context().new_page()
    give_email(person)
    heading(person, "Contoso Entra is down")
    eye.look(person, "down-with-password")
    person.get_by_role("link", name="Sign in with a Gatehouse password").click()
    heading(person, "Sign in with a password")
    expect(field(person, "Company email")).to_have_value("ada@contoso.example")
    eye.look(person, "down-password")
    field(person, "Password").fill("wrong")
    press(person, "Sign in")
    says(person, "That did not work here")
    eye.look(person, "down-password-error")
    field(person, "Password").fill(PASSWORD)
    press(person, "Sign in")
    heading(person, "Welcome, Ada Lovelace")
    says(person, "because Contoso Entra was down")
    eye.look(person, "down-portal")
    person.goto("/security/")
    expect(person.get_by_text(re.compile("Password while Contoso Entra was down"))).to_be_visible()
    eye.look(person, "down-security")
    tenant.clear_faults()
    check_providers(OPERATOR)
    person.goto("/profile/")
    heading(person, "Sign in")
    says(person, "You were signed out because Contoso Entra works again.")
    eye.look(person, "down-over")
