"""Everything can be done from the keyboard, in an order that makes sense, and focus is never lost."""

from collections.abc import Sequence

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from idp.models import IdentityProvider
from tests.e2e import steps
from tests.e2e.steps import heading
from tests.entra_tenant import PracticeTenant
from tests.factories import make_provider

FOCUSED = """() => {
  const element = document.activeElement;
  return element.id || element.innerText.trim().replace(/\\s+/g, " ") || element.getAttribute("aria-label");
}"""


def walk(page: Page, keys: int, key: str = "Tab") -> list[str]:
    """Press Tab so many times and return what had the focus after each."""
    stops = []
    for _ in range(keys):
        page.keyboard.press(key)
        stops.append(page.evaluate(FOCUSED))
    return stops


@pytest.fixture
def draft(tenant: PracticeTenant, admin_page: Page) -> IdentityProvider:
    """A stored draft."""
    return make_provider(tenant, active=False)


def assert_stops(page: Page, wanted: Sequence[str]) -> None:
    """Walk on from here and compare the stops."""
    assert walk(page, len(wanted)) == list(wanted)


def test_the_first_stop_is_the_skip_link_and_it_leads_to_the_content(admin_page: Page) -> None:
    admin_page.goto(steps.PROVIDERS)
    admin_page.keyboard.press("Tab")
    skip = admin_page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    admin_page.keyboard.press("Enter")
    expect(admin_page.locator("main")).to_be_focused()
    assert_stops(admin_page, ["Add Identity Provider"])


def test_the_administrators_sign_in_goes_from_top_to_bottom(page: Page) -> None:
    page.goto("/admin/login/")
    expect(page.locator("#id_email")).to_be_focused()
    assert_stops(page, ["id_password", "Show Password", "Sign in", "Forgot your password?", "User Portal"])


def test_the_sign_in_of_people_goes_from_top_to_bottom(page: Page, provider: IdentityProvider) -> None:
    page.goto("/login/")
    expect(page.locator("#id_email")).to_be_focused()
    assert_stops(page, ["Continue", "Continue with Contoso Entra", "Sign in with a password", "Administrators"])


def test_the_add_form_goes_from_top_to_bottom(admin_page: Page) -> None:
    admin_page.goto(f"{steps.PROVIDERS}add/oidc/")
    admin_page.locator("#id_name").focus()
    fields = ["id_url", "id_client_id", "id_client_secret", "Show Client Secret", "id_client_secret_expires_on"]
    assert_stops(admin_page, fields)
    # The parts of a date are stops inside the one field; Chromium draws them.
    admin_page.locator("#id_email_domains").focus()
    assert_stops(admin_page, ["id_recheck_minutes", "Save", "Test connection", "Cancel"])


def test_a_form_in_error_puts_the_focus_on_what_is_wrong(admin_page: Page) -> None:
    admin_page.goto(f"{steps.PROVIDERS}add/entra/")
    steps.fill_in_provider(admin_page, PracticeTenant(), url="not an address")
    admin_page.keyboard.press("Enter")
    summary = admin_page.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    admin_page.keyboard.press("Tab")
    admin_page.keyboard.press("Enter")
    expect(admin_page.locator("#id_url")).to_be_focused()


def test_the_menu_of_kinds_opens_and_closes_by_keyboard(admin_page: Page) -> None:
    admin_page.goto(steps.PROVIDERS)
    menu = admin_page.locator("main summary")
    menu.focus()
    admin_page.keyboard.press("Enter")
    assert_stops(admin_page, ["Entra ID (Azure)", "Google"])
    admin_page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(admin_page.get_by_role("link", name="Google")).to_be_hidden()
    admin_page.keyboard.press("Space")
    walk(admin_page, 4)
    admin_page.keyboard.press("Enter")
    heading(admin_page, "OpenID Connect")


def test_the_impact_dialog_takes_the_focus_and_keeps_it(admin_page: Page, draft: IdentityProvider) -> None:
    admin_page.goto(f"{steps.PROVIDERS}{draft.pk}/activate/")
    expect(admin_page.locator("#impact-title")).to_be_focused()
    inside = "() => document.activeElement === document.body || !!document.activeElement.closest('dialog')"
    for _ in range(12):
        admin_page.keyboard.press("Tab")
        assert admin_page.evaluate(inside)
    admin_page.get_by_label("I understand the impacts above").focus()
    admin_page.keyboard.press("Space")
    assert_stops(admin_page, ["without-rehearsal"])
    admin_page.keyboard.press("Space")
    assert_stops(admin_page, ["Cancel", "Save without enabling", "Yes, Continue"])
    admin_page.keyboard.press("Enter")
    steps.says(admin_page, "Contoso Entra is active")


def test_escape_follows_cancel_back_to_the_filled_form(admin_page: Page, draft: IdentityProvider) -> None:
    admin_page.goto(f"{steps.PROVIDERS}{draft.pk}/activate/")
    expect(admin_page.locator("#impact-title")).to_be_focused()
    admin_page.keyboard.press("Escape")
    admin_page.wait_for_url(f"**/{draft.pk}/edit/")
    expect(admin_page.locator("#id_name")).to_have_value("Contoso Entra")
    expect(admin_page.get_by_role("button", name="Discard draft")).to_be_visible()


def test_escape_leaves_the_delete_dialog(admin_page: Page, draft: IdentityProvider) -> None:
    admin_page.goto(f"{steps.PROVIDERS}{draft.pk}/delete/")
    admin_page.get_by_label("Type Contoso Entra to confirm").fill("Contoso Entra")
    admin_page.keyboard.press("Escape")
    admin_page.wait_for_url(f"**/{draft.pk}/#delete-idp")


@pytest.mark.parametrize("opener", ["Delete IdP", "Activate"])
@pytest.mark.parametrize("way", ["Escape", "Close", "Cancel"])
def test_who_leaves_a_dialog_stands_where_it_was_opened(
    admin_page: Page, draft: IdentityProvider, opener: str, way: str
) -> None:
    IdentityProvider.objects.filter(pk=draft.pk).update(activated_at=timezone.now())
    admin_page.goto(f"{steps.PROVIDERS}{draft.pk}/")
    admin_page.get_by_role("link", name=opener).focus()
    admin_page.keyboard.press("Enter")
    expect(admin_page.locator("#impact-title")).to_be_focused()
    if way == "Escape":
        admin_page.keyboard.press("Escape")
    else:
        admin_page.get_by_role("dialog").get_by_role("link", name=way).click()
    expect(admin_page.get_by_role("link", name=opener)).to_be_focused()
    expect(admin_page.get_by_role("link", name=opener)).to_be_in_viewport()


def test_enter_does_not_delete_before_the_name_is_typed(admin_page: Page, draft: IdentityProvider) -> None:
    admin_page.goto(f"{steps.PROVIDERS}{draft.pk}/delete/")
    box = admin_page.get_by_label("Type Contoso Entra to confirm")
    box.fill("Contoso")
    admin_page.keyboard.press("Enter")
    expect(admin_page.get_by_role("button", name="Yes, Delete")).to_be_disabled()
    assert IdentityProvider.objects.filter(pk=draft.pk).exists()
