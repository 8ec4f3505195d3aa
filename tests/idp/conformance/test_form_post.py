"""Answers that a provider sends as a form (`response_mode=form_post`), which nobody asked it for."""

import re
from html import unescape
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest
from django.conf import settings as django_settings

from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused
from tests.entra_tenant import PracticeTenant
from tests.idp.conformance.support import refuses, stays, succeeds, warm_up
from users.models import User

CALLBACK = "/oauth/callback/entra"


@pytest.mark.conformance("oidcc-client-test-form-post-error")
@pytest.mark.spec("OAuth 2.0 Form Post Response Mode", "2")
def test_oidcc_client_test_form_post_error(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """The form comes from another site, so that the browser sends none of our cookies along: SameSite=Lax."""
    with tenant.lying(authorize_error=65004, response_mode="form_post"):
        form = posted_form(browser_client.page_at_provider(browser_client.begin()))
    assert form["error"] == "access_denied"
    tenant.reset_log()
    stranger = Browser(enforce_csrf_checks=True)
    response = stranger.post(CALLBACK, form)
    refuses(response, stranger, "federation.response_posted")
    assert (response.status_code, tenant.upstream_count()) == (400, 0)


@pytest.mark.parametrize("answer", [{"error": "access_denied", "state": "x"}, {"code": "x", "state": "x"}, {}])
@pytest.mark.spec("OAuth 2.0 Form Post Response Mode", "2")
def test_an_answer_in_a_form_takes_no_cookie_away(
    answer: dict, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """What the answer to a form without cookies would set would take the place of the session there is."""
    browser = warm_up(tenant)
    key = browser.session_cookie
    held, browser.cookies = browser.cookies, SimpleCookie()
    response = browser.post(CALLBACK, answer)
    assert not response.cookies
    browser.cookies = held
    code = "federation.response_posted" if answer else "federation.state_missing"
    stays(response, browser, code)
    assert browser.session_cookie == key


@pytest.mark.spec("OAuth 2.0 Form Post Response Mode", "2")
def test_a_form_from_our_own_site_is_an_answer_like_any_other(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Where provider and Gatehouse share a site, the cookie comes along; then the state decides, and only once."""
    browser = Browser(enforce_csrf_checks=True)
    with tenant.lying(response_mode="form_post"):
        begun = browser.get("/oauth/login/entra/?login_hint=ada@contoso.example")["Location"]
        form = posted_form(browser.page_at_provider(begun))
    twice = f"{CALLBACK}?{urlencode({'state': form['state']})}"
    refuses(browser.post(twice, form), browser, "federation.parameter_duplicated")
    succeeds(browser.post(CALLBACK, form), browser)
    assert browser.cookies[django_settings.SESSION_COOKIE_NAME]["samesite"] == "Lax"
    assert_refused(browser.post(CALLBACK, form), "federation.state_used")
    assert browser.is_signed_in


@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_an_error_in_a_form_from_our_own_site_shows_why(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(authorize_error=65004, response_mode="form_post"):
        form = posted_form(browser_client.page_at_provider(browser_client.begin()))
    refuses(browser_client.post(CALLBACK, form), browser_client, "idp.authorization.refused")


def posted_form(page: str) -> dict[str, str]:
    """Return the fields of the form that a provider's page sends to us."""
    fields = re.findall(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"', page)
    assert fields, page
    return {name: unescape(value) for name, value in fields}
