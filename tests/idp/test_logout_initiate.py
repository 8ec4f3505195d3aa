"""Sign-ins that begin at the provider: where they may lead, and who may begin one."""

from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.http import HttpResponse

from idp import activation
from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused, parameters
from tests.factories import OPERATOR
from users.models import User

URL = "/oauth/initiate/entra"


def begin(browser: Browser, provider: IdentityProvider, **given: str) -> HttpResponse:
    return browser.get(URL, {"iss": provider.issuer, **given})


@pytest.mark.spec("OIDC Core", "4")
@pytest.mark.parametrize(
    ("target", "lands"),
    [
        ("/profile/", "/profile/"),
        (f"{settings.PUBLIC_URL}/security/", "/security/"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        (f"{settings.PUBLIC_URL}.evil.example/", "/"),
        (f"{settings.PUBLIC_URL}//evil.example", "/"),
        (f"{settings.PUBLIC_URL}@evil.example/", "/"),
        ("\\\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_it_leads_to_a_page_of_ours_alone(
    target: str, lands: str, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    answer = begin(browser_client, provider, login_hint="ada@contoso.example", target_link_uri=target)
    assert answer.status_code == 302 and answer["Location"].startswith("/oauth/login/entra/")
    asked = browser_client.get(answer["Location"])["Location"]
    assert browser_client.come_back(browser_client.at_provider(asked))["Location"] == lands


@pytest.mark.spec("OIDC Core", "4")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("iss=https://evil.example", "federation.initiate_issuer_wrong"),
        ("login_hint=ada@contoso.example", "federation.initiate_issuer_wrong"),
        ("iss=", "federation.initiate_issuer_wrong"),
        ("iss={issuer}&iss={issuer}", "federation.parameter_duplicated"),
        ("iss={issuer}&login_hint=a&login_hint=b", "federation.parameter_duplicated"),
    ],
)
def test_who_is_not_the_provider_begins_nothing(
    query: str, code: str, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    key = browser_client.session_cookie
    answer = browser_client.get(f"{URL}?{query.format(issuer=quote(provider.issuer))}")
    assert_refused(answer, code)
    assert browser_client.session_cookie == key and browser_client.is_signed_in


@pytest.mark.parametrize("slug", ["entra", "okta"])
def test_a_provider_that_is_not_in_use_begins_nothing(slug: str, provider: IdentityProvider) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    answer = Browser().get(f"/oauth/initiate/{slug}", {"iss": provider.issuer})
    assert_refused(answer, "federation.provider_unavailable")


@pytest.mark.spec("OIDC Core", "4")
def test_a_form_of_the_providers_page_is_asked_for_again_with_our_cookies(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """A form of another site comes without our cookies: beginning right then would replace the session there is."""
    browser_client.federated_sign_in()
    stranger = Browser(enforce_csrf_checks=True)
    form = {"iss": provider.issuer, "login_hint": "ada@contoso.example", "target_link_uri": "/profile/", "x": "y"}
    answer = stranger.post(URL, form)
    assert answer.status_code == 303 and not answer.cookies
    parts = urlsplit(answer["Location"])
    assert parts.path == URL and parameters(answer["Location"]) == {k: v for k, v in form.items() if k != "x"}
    asked = browser_client.get(browser_client.get(answer["Location"])["Location"])
    assert browser_client.is_signed_in  # until somebody has signed in anew
    assert browser_client.come_back(browser_client.at_provider(asked["Location"]))["Location"] == "/profile/"


def test_a_form_that_contradicts_itself_is_refused_all_the_same(provider: IdentityProvider) -> None:
    browser = Browser()
    answer = browser.post(URL, {"iss": [provider.issuer, "https://evil.example"]})
    assert_refused(browser.get(answer["Location"]), "federation.parameter_duplicated")


def test_long_values_are_cut(provider: IdentityProvider) -> None:
    browser = Browser()
    answer = browser.post(URL, {"iss": provider.issuer, "login_hint": "x" * 60_000})
    assert len(answer["Location"]) < 7_000
    assert len(parameters(browser.get(answer["Location"])["Location"])["login_hint"]) == 254
