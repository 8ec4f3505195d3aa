"""The OpenID Foundation's relying-party cases of signing out and of sign-ins that begin at the provider."""

from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse

from idp.models import IdentityProvider
from tests.browsing import Browser, last_event, parameters
from tests.conformance_table import saw
from tests.entra_tenant import PracticeTenant, SignWith
from tests.factories import make_person
from tests.idp.conformance.support import succeeds, table
from users.models import User, UserSession

EVENT = "http://schemas.openid.net/event/backchannel-logout"
BACK = "/oauth/backchannel-logout/oidc"


def sid_of(person: User) -> str:
    """Return the provider's name of a person's one session."""
    return UserSession.objects.get(person=person).upstream_sid


def path_of(address: str) -> str:
    """Return an address of ours as a browser's test client takes it."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


@table(
    ("lie", "code"),
    [
        ("", {}, ""),
        ("-alg-none", {"sign_with": SignWith.NONE}, "idp.logout_token.unsigned"),
        ("-no-event", {"drop": ("events",)}, "idp.logout_token.events_missing"),
        ("-with-nonce", {"claims": {"nonce": "n-0S6_WzA2Mj"}}, "idp.logout_token.nonce"),
        ("-wrong-alg", {"sign_with": SignWith.HS256_CLIENT_SECRET}, "idp.logout_token.algorithm"),
        ("-wrong-aud", {"claims": {"aud": "another-client"}}, "idp.logout_token.audience"),
        ("-wrong-event", {"claims": {"events": {f"{EVENT}-x": {}}}}, "idp.logout_token.event"),
        ("-wrong-iss", {"claims": {"iss": "https://evil.example"}}, "idp.logout_token.issuer"),
    ],
    "oidcc-client-test-rp-backchannel-rpinitlogout",
)
@pytest.mark.spec("OIDC Back-Channel Logout", "2.6")
def test_oidcc_client(
    lie: dict,
    code: str,
    plain_tenant: PracticeTenant,
    plain_provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    """A right token ends the session; a wrong one is answered in JSON, audited, and leaves everybody signed in."""
    succeeds(browser_client.federated_sign_in(), browser_client)
    person = plain_tenant.person(ada.company_email)
    assert person is not None
    with plain_tenant.lying(**lie):
        token = plain_tenant.logout_token(person, sid_of(ada))
    answer = Browser().post(BACK, f"logout_token={token}", content_type="application/x-www-form-urlencoded")
    event = last_event(action="idp.logout.backchannel")
    assert event.error_code == code and token not in str(event.details)
    assert "no-store" in answer["Cache-Control"]
    if code:
        saw(code)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert code in answer.json()["error_description"]
        assert browser_client.is_signed_in
    else:
        assert (answer.status_code, answer.content) == (200, b"")
        assert not browser_client.is_signed_in


@pytest.mark.conformance("oidcc-client-test-rp-frontchannel-opinitlogout")
@pytest.mark.spec("OIDC Front-Channel Logout", "2")
@pytest.mark.parametrize("with_issuer", [True, False])
def test_oidcc_client_rp_frontchannel_opinitlogout(
    with_issuer: bool, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """The provider's sign-out page opens our address in a frame that gets no cookies. Nobody else is signed out."""
    make_person("grace@contoso.example")
    grace = Browser()
    for browser, email in ((browser_client, "ada@contoso.example"), (grace, "grace@contoso.example")):
        assert browser.federated_sign_in(email).status_code == 303
    tenant.frontchannel_logout_uri = provider.frontchannel_logout_uri
    address = tenant.frontchannel_logout_url(sid_of(ada), iss=tenant.issuer if with_issuer else "")
    answer = Browser().get(path_of(address))
    assert (answer.status_code, answer.content) == (200, b"")
    assert (browser_client.is_signed_in, grace.is_signed_in) == (False, True)


@pytest.mark.conformance("oidcc-client-test-rp-frontchannel-rpinitlogout")
@pytest.mark.spec("OIDC Front-Channel Logout", "2")
def test_oidcc_client_rp_frontchannel_rpinitlogout(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """Signing out here leads to the provider, which opens our address in a frame: by then the session is over."""
    assert browser_client.federated_sign_in().status_code == 303
    sid, frame = sid_of(ada), Browser()
    tenant.frontchannel_logout_uri = provider.frontchannel_logout_uri
    location = browser_client.post("/logout/")["Location"]
    assert location.startswith(tenant.end_session_endpoint)
    for _ in range(2):
        answer = frame.get(path_of(tenant.frontchannel_logout_url(sid)))
        assert (answer.status_code, answer.content) == (200, b"")
    assert not browser_client.is_signed_in and not UserSession.objects.filter(person__isnull=False).exists()


def came_back(browser: Browser, location: str) -> HttpResponse:
    """Go to the provider's sign-out and come back to the page that says so."""
    back = browser.at_provider(location)
    assert urlsplit(back).path == "/signed-out/"
    return browser.get(path_of(back))


@table(
    ("lie", "is_confirmed"),
    [
        ("rp-init-logout", {}, True),
        ("rp-init-logout-other-state", {"response": {"state": "another"}}, False),
        ("rp-init-logout-no-state", {"drop_response": ("state",)}, False),
    ],
    "oidcc-client-test-",
)
@pytest.mark.spec("OIDC RP-Initiated Logout", "3")
def test_oidcc_client_rp_init_logout(
    lie: dict,
    is_confirmed: bool,
    tenant: PracticeTenant,
    provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    """The session here ends first; whatever comes back, the page is the same, and nobody else is signed out."""
    other = Browser()
    assert other.federated_sign_in().status_code == browser_client.federated_sign_in().status_code == 303
    location = browser_client.post("/logout/")["Location"]
    assert not browser_client.is_signed_in
    person = tenant.person(ada.company_email)
    assert person is not None and parameters(location)["logout_hint"] == tenant.login_hint_of(person)
    with tenant.lying(**lie):
        answer = came_back(browser_client, location)
    page = answer.content.decode()
    assert answer.status_code == 200 and "You are signed out" in page
    assert ("Contoso Entra is done too" in page) == is_confirmed
    assert other.is_signed_in


@pytest.mark.spec("OIDC RP-Initiated Logout", "3")
@pytest.mark.parametrize("query", ["", "?state=", "?state=x&state=y", "?state=%00%ff", "?error=x"])
def test_the_way_back_signs_nobody_out(
    query: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """Whoever is sent there by a link of somebody else's stays signed in."""
    assert browser_client.federated_sign_in().status_code == 303
    answer = browser_client.get(f"/signed-out/{query}")
    assert answer.status_code == 200 and "is done too" not in answer.content.decode()
    assert browser_client.is_signed_in


def test_a_state_is_good_for_one_way_back_in_its_own_browser(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    location = browser_client.post("/logout/")["Location"]
    back = path_of(browser_client.at_provider(location))
    pages = [browser.get(back).content.decode() for browser in (Browser(), browser_client, browser_client)]
    assert ["is done too" in page for page in pages] == [False, True, False]


@pytest.mark.conformance("oidcc-client-test-3rd-party-init-login")
@pytest.mark.spec("OIDC Core", "4")
def test_oidcc_client_3rd_party_init_login(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """The provider's own page starts the sign-in, and says where it is to lead."""
    address = tenant.third_party_login_url(provider.initiate_login_uri, "ada@contoso.example", "/profile/")
    begin = browser_client.get(path_of(address))
    assert (begin.status_code, urlsplit(begin["Location"]).path) == (302, "/oauth/login/entra/")
    asked = browser_client.get(begin["Location"])["Location"]
    assert parameters(asked)["login_hint"] == "ada@contoso.example"
    answer = browser_client.come_back(browser_client.at_provider(asked))
    assert (answer.status_code, answer["Location"]) == (303, "/profile/")
    assert browser_client.is_signed_in
