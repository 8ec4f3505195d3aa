"""What people read while something is wrong with the installation: too many requests, no database, a lost key."""

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.db import OperationalError
from playwright.sync_api import Page, expect

from tests.e2e.looking import Eye, Watch
from tests.e2e.steps import field, press, says
from tests.entra_tenant import PracticeTenant
from tests.factories import make_provider

PROVIDERS = "/admin/directory-integrations/identity-providers/"


def test_too_many_requests(page: Page, settings: LazySettings, eye: Eye) -> None:
    settings.RATE_LIMIT_FACTOR = 0.00001
    page.goto("/login/")
    for _ in range(2):
        field(page, "Company email").fill("ada@contoso.example")
        press(page, "Continue")
        if page.locator("main[data-error-code]").count():
            break
        page.goto("/login/")
    expect(page.locator("main")).to_have_attribute("data-error-code", "portal.too_many_requests")
    says(page, "Your administrator finds this in the audit log")
    eye.look(page, "trouble-too-many-requests")


def test_the_database_is_away(page: Page, watch: Watch, monkeypatch: pytest.MonkeyPatch, eye: Eye) -> None:
    def fails() -> None:
        raise OperationalError

    monkeypatch.setattr("portal.user_portal.sign_in.offers", fails)
    watch.expected_status = 503
    page.goto("/login/")
    expect(page.locator("main")).to_have_attribute("data-error-code", "portal.database_unavailable")
    says(page, "Whoever runs Gatehouse finds this in its log")
    eye.look(page, "trouble-database")


def test_a_lost_key_is_said_where_its_secret_would_be(
    admin_page: Page, tenant: PracticeTenant, settings: LazySettings, eye: Eye
) -> None:
    provider = make_provider(tenant)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    for address, name in (("/admin/", "home"), (PROVIDERS, "list"), (f"{PROVIDERS}{provider.pk}/", "provider")):
        admin_page.goto(address)
        says(admin_page, "cannot be read")
        eye.look(admin_page, f"trouble-key-{name}")
    admin_page.goto(f"{PROVIDERS}{provider.pk}/edit/")
    eye.look(admin_page, "trouble-key-edit")
