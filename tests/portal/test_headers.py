"""What every answer carries: a strict content policy, no caching of private pages, careful cookies."""

import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.http import HttpResponse

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from users.administrators import issue_setup_link
from users.break_glass import make_link
from users.models import AdminRole, User

pytestmark = pytest.mark.django_db

PROVIDERS = "/admin/directory-integrations/identity-providers/"
PUBLIC = (
    "/login/",
    "/login/password/",
    "/signed-out/",
    "/admin/login/",
    "/nowhere/",
    "/admin/nowhere/",
    "/oauth/login/x/",
)
PUBLIC_TOO = ("/oauth/callback/x", "/admin/set-up/made-up/", "/admin/break-glass/made-up/")
OF_A_PERSON = (
    "/",
    "/profile/",
    "/security/",
    "/confirm/",
    "/security/second-factor/",
    "/security/second-factor/app/",
    "/security/second-factor/passkeys/add/",
    "/security/second-factor/recovery-codes/",
)
OF_AN_ADMINISTRATOR = (
    "/admin/",
    PROVIDERS,
    f"{PROVIDERS}add/entra/",
    f"{PROVIDERS}add/oidc/",
    "/admin/insights/directory/",
    "/admin/confirm/",
    "/admin/account/second-factor/",
    "/admin/account/second-factor/app/",
    "/admin/account/second-factor/passkeys/add/",
    "/admin/account/second-factor/recovery-codes/",
    "/admin/settings/organization/",
)
OF_A_PROVIDER = ("", "edit/", "activate/", "deactivate/", "delete/")


def policy(response: HttpResponse) -> dict[str, list[str]]:
    parts = [part.split() for part in response["Content-Security-Policy"].split(";")]
    return {name: sources for name, *sources in parts}


def check(response: HttpResponse, *, private: bool) -> None:
    """Check what every page has in common."""
    rules = policy(response)
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == ["'self'"]
    assert "unsafe" not in response["Content-Security-Policy"] and "*" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY" and response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert re.fullmatch(r"[0-9A-F]{4}(-[0-9A-F]{4}){2}", response["X-Request-ID"])
    if private:
        assert "no-store" in response["Cache-Control"] and "private" in response["Cache-Control"]
    page = response.content.decode()
    assert "<!DOCTYPE html>" in page
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", page)


@pytest.mark.parametrize("path", [*PUBLIC, *PUBLIC_TOO])
def test_a_public_page_is_strict(path: str, browser_client: Browser) -> None:
    check(browser_client.get(path), private=False)


@pytest.mark.parametrize(
    "path", ["/login/", "/login/password/", "/admin/login/", "/oauth/login/x/", "/admin/set-up/made-up/"]
)
def test_sign_in_pages_are_not_stored(path: str, browser_client: Browser) -> None:
    assert "no-store" in browser_client.get(path)["Cache-Control"]


@pytest.mark.parametrize("path", OF_A_PERSON)
def test_a_persons_page_is_strict_and_not_stored(path: str, browser_client: Browser) -> None:
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    check(browser_client.get(path), private=True)


@pytest.mark.parametrize("path", OF_AN_ADMINISTRATOR)
def test_an_administrators_page_is_strict_and_not_stored(path: str, admin_browser: Browser) -> None:
    check(admin_browser.get(path), private=True)


@pytest.mark.parametrize("path", OF_A_PROVIDER)
def test_a_providers_page_is_strict_and_not_stored(path: str, tenant: PracticeTenant, admin_browser: Browser) -> None:
    provider = make_provider(tenant, active=path == "deactivate/")
    response = admin_browser.get(f"{PROVIDERS}{provider.pk}/{path}")
    check(response, private=True)
    assert tenant.client_secret not in response.content.decode()


def test_a_refused_page_is_strict_and_not_stored(browser_client: Browser) -> None:
    browser_client.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY))
    refused = browser_client.get(f"{PROVIDERS}add/entra/")
    assert refused.status_code == 403 and "no-store" in refused["Cache-Control"]
    check(refused, private=False)


def test_the_set_up_page_is_strict(browser_client: Browser) -> None:
    check(browser_client.get(f"/admin/set-up/{issue_setup_link(actor=OPERATOR)}/"), private=True)


def test_the_pages_of_a_break_glass_link_are_strict(administrator: User, browser_client: Browser) -> None:
    link = make_link(actor=OPERATOR, person=administrator).url.removeprefix(settings.PUBLIC_URL)
    check(browser_client.get(link), private=True)
    check(browser_client.get(browser_client.post(link)["Location"]), private=True)


def test_forms_lead_to_the_provider_only_where_they_must(
    provider: IdentityProvider, tenant: PracticeTenant, ada: User, browser_client: Browser, administrator: User
) -> None:
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(tenant.base_url))
    here, there = {"'self'"}, {"'self'", origin}

    def forms_of(path: str) -> set[str]:
        return set(policy(browser_client.get(path))["form-action"])

    assert (forms_of("/login/"), forms_of("/login/password/"), forms_of("/nowhere/")) == (there, here, here)
    browser_client.sign_in_as_administrator(administrator)
    assert all(forms_of(path) == here for path in (*OF_AN_ADMINISTRATOR, "/admin/login/"))
    assert forms_of(f"{PROVIDERS}{provider.pk}/") == there  # a rehearsal begins there
    browser_client.federated_sign_in()
    assert all(forms_of(path) == there for path in OF_A_PERSON)


def test_without_federation_forms_stay_here(browser_client: Browser) -> None:
    assert policy(browser_client.get("/login/"))["form-action"] == ["'self'"]
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    assert policy(browser_client.get("/"))["form-action"] == ["'self'"]


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(admin_browser: Browser) -> None:
    admin_browser.sign_in_with_password(make_person(password=PASSWORD))
    admin_browser.get("/")
    usual = [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME]
    assert set(admin_browser.cookies) == {*usual, *(settings.ADMIN_COOKIE_NAMES[name] for name in usual)}
    for cookie in admin_browser.cookies.values():
        assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/" and not cookie["domain"]


def test_each_portal_sets_only_its_own_cookies(administrator: User, browser_client: Browser) -> None:
    response = browser_client.sign_in_as_administrator(administrator)
    assert all("admin" in name for name in response.cookies)
    response = Browser().sign_in_with_password(make_person(password=PASSWORD))
    assert response.cookies and not any("admin" in name for name in response.cookies)


def test_visitors_get_no_session_cookie_for_looking(browser_client: Browser) -> None:
    for path in (*PUBLIC, "/healthz"):
        browser_client.get(path)
    assert not [name for name in browser_client.cookies if "session" in name]


def test_an_error_of_our_own_shows_a_reference_and_nothing_else(browser_client: Browser) -> None:
    browser_client.get("/login/", {"next": "x"})
    response = browser_client.get("/nowhere/", HTTP_HOST="evil.example")
    assert response.status_code == 400
    assert "portal.bad_request" in response.content.decode() and "evil.example" not in response.content.decode()
    assert policy(response)["frame-ancestors"] == ["'none'"]
