"""Testing and rehearsing a provider, in a browser: the pages in their states, and the new tab."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from idp.models import IdentityProvider
from tests.e2e import steps
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.entra_tenant import PracticeTenant
from tests.factories import make_administrator, make_person, make_provider
from users.models import AdminRole, User


def rehearse_as(page: Page, name: str) -> Page:
    """Press Rehearse a sign-in on the provider's page, and choose an account in the new tab."""
    with page.expect_popup() as opened:
        press(page, "Rehearse a sign-in")
    tab: Page = opened.value
    heading(tab, "Sign in to Contoso")
    tab.get_by_role("button", name=name).click()
    heading(tab, "Rehearsal sign-in")
    return tab


def test_rehearsing_from_the_providers_page(
    admin_page: Page, tenant: PracticeTenant, ada: User, administrator: User, eye: Eye
) -> None:
    make_administrator(AdminRole.READ_ONLY, "hedy@contoso.example")
    provider = make_provider(tenant, active=False)
    admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/")
    says(admin_page, "A real sign-in at Contoso Entra in a new tab.")
    tab = rehearse_as(admin_page, "Ada Lovelace")
    says(tab, "Ada Lovelace would be signed in")
    eye.look(tab, "rehearsal-passed")
    tab.close()
    tab = rehearse_as(admin_page, "Hedy Lamarr")
    says(tab, "is an administrator")
    eye.glance(tab, "rehearsal-administrator")
    tab.close()
    tab = rehearse_as(admin_page, "Claude Shannon")
    says(tab, "Nobody would be signed in")
    eye.look(tab, "rehearsal-nobody")
    press(tab, "Rehearse again")
    heading(tab, "Sign in to Contoso")
    tab.close()
    with tenant.lying(token_error=7000222):
        tab = rehearse_as(admin_page, "Ada Lovelace")
        says(tab, "AADSTS7000222")
        eye.look(tab, "rehearsal-refused-by-microsoft")
        tab.close()
    admin_page.reload()
    admin_page.get_by_text("Microsoft shows an error instead of coming back?").click()
    says(admin_page, "AADSTS50011")
    eye.look(admin_page, "provider-rehearsed")
    admin_page.get_by_role("link", name="Not come back").click()
    says(admin_page, "has not sent anybody back yet")
    eye.glance(admin_page, "rehearsal-not-come-back")


def test_enabling_without_a_rehearsal_is_a_second_confirmation(
    admin_page: Page, tenant: PracticeTenant, ada: User, eye: Eye
) -> None:
    provider = make_provider(tenant, active=False)
    admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/activate/")
    admin_page.get_by_label("I understand the impacts above").check()
    press(admin_page, "Yes, Continue")
    says(admin_page, "you have not rehearsed a sign-in")
    expect(admin_page.get_by_label("I understand the impacts above")).to_be_checked()
    eye.look(admin_page, "impact-not-rehearsed")
    admin_page.get_by_label("Enable without a rehearsal").check()
    press(admin_page, "Yes, Continue")
    says(admin_page, "Contoso Entra is active")


def test_a_form_is_tested_before_it_is_saved(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    admin_page.goto(f"{steps.PROVIDERS}add/entra/")
    steps.fill_in_provider(admin_page, tenant)
    press(admin_page, "Test connection")
    says(admin_page, "Connection test of this form")
    expect(admin_page.locator("#test-result")).to_be_in_viewport()
    expect(field(admin_page, "Identity Provider Name")).to_have_value("Contoso Entra")
    expect(field(admin_page, "Client Secret")).to_have_value("")
    eye.look(admin_page, "add-tested")
    assert not IdentityProvider.objects.exists()
    field(admin_page, "Client Secret").fill(tenant.client_secret)
    press(admin_page, "Save")
    says(admin_page, "I understand the impacts above")
    tenant.date_skew = 120
    tenant.expire_secret()
    provider = IdentityProvider.objects.get()
    admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/edit/")
    press(admin_page, "Test connection")
    says(admin_page, "AADSTS7000222")
    eye.look(admin_page, "edit-tested-and-failing")


def test_a_connection_test_has_an_age(admin_page: Page, tenant: PracticeTenant) -> None:
    provider = make_provider(tenant, active=False)
    make_person()
    admin_page.goto(f"{steps.PROVIDERS}{provider.pk}/")
    press(admin_page, "Test connection")
    says(admin_page, "just now")
    IdentityProvider.objects.update(last_test_at=timezone.now() - timedelta(hours=3))
    admin_page.reload()
    says(admin_page, "3 hours ago")
