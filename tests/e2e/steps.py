"""What people do in the portal's pages, in their words."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD

PROVIDERS = "/admin/directory-integrations/identity-providers/"


def press(page: Page, name: str) -> None:
    """Press a button."""
    page.get_by_role("button", name=name, exact=True).click()


def field(page: Page, label: str) -> Locator:
    """Return the field with exactly this label; required ones have an asterisk."""
    return page.get_by_label(re.compile(rf"^{re.escape(label)}\*?$"))


def heading(page: Page, text: str) -> None:
    """Wait until the page with this heading is there."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def says(page: Page, text: str) -> None:
    """Wait until the page shows this text."""
    expect(page.get_by_text(text).first).to_be_visible()


def set_up_first_administrator(page: Page, token: str) -> None:
    """Fill in the page behind the one-time link."""
    page.goto(f"/admin/set-up/{token}/")
    field(page, "Your name").fill("Grace Hopper")
    field(page, "Company email").fill("grace.hopper@contoso.example")
    field(page, "Password").fill(PASSWORD)
    field(page, "Password again").fill(PASSWORD)


def sign_in_to_admin_portal(page: Page, email: str = "grace.hopper@contoso.example", password: str = PASSWORD) -> None:
    """Give email and password at the administrators' page."""
    page.goto("/admin/login/")
    field(page, "Email").fill(email)
    field(page, "Password").fill(password)
    press(page, "Sign in")


def sign_out(page: Page) -> None:
    """Open the menu with one's own name and sign out."""
    page.locator(".person-menu > summary").click()
    page.locator(".person-menu").get_by_role("button", name="Sign out").click()


def choose_entra(page: Page) -> None:
    """Open the menu of kinds and take Entra."""
    page.locator("summary", has_text="Add Identity Provider").click()
    page.get_by_role("link", name="Entra ID (Azure)").click()
    heading(page, "Entra ID (Azure)")


def fill_in_provider(page: Page, tenant: PracticeTenant, *, url: str = "", secret: str = "") -> None:
    """Paste what an administrator brings along from the tenant."""
    field(page, "Identity Provider Name").fill("Contoso Entra")
    field(page, "Entra IdP URL").fill(url or tenant.idp_url)
    field(page, "Client ID").fill(tenant.client_id)
    field(page, "Client Secret").fill(secret or tenant.client_secret)


def sign_in_at_tenant(page: Page, email: str = "ada@contoso.example", name: str = "Ada Lovelace") -> None:
    """Give the company email at the User Portal, and choose oneself at the tenant."""
    page.goto("/login/")
    field(page, "Company email").fill(email)
    press(page, "Continue")
    page.get_by_role("button", name=f"Continue as {name}").click()
    heading(page, f"Welcome, {name}")
