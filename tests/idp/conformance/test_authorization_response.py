"""The authorization response: whose state it is, how often it is good, and what an error may do."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.http import HttpResponse
from django.utils import timezone

from idp import activation
from idp.models import FederatedIdentity, IdentityProvider, SpentState
from tests.browsing import Browser, assert_refused, error_code, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_provider
from tests.idp.conformance.support import (
    all_at_once,
    refuses,
    refuses_everybody,
    stays,
    succeeds,
    table,
    twin_of,
    warm_up,
)
from users.models import User

CALLBACK = "/oauth/callback/entra"
HOSTILE = ["error=access_denied", "error=access_denied&state=forged", "error=&code=x&state=forged", "code=x", ""]


@pytest.mark.conformance("response-state-unknown")
@pytest.mark.spec("RFC 6749", "10.12")
def test_an_unknown_state_is_refused(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    tenant.reset_log()
    refuses(browser_client.get(f"{CALLBACK}?code=x&state=unknown"), browser_client, "federation.state_unknown")
    assert tenant.upstream_count() == 0


@pytest.mark.conformance("response-state-used")
@pytest.mark.spec("RFC 9700", "4.7")
def test_a_used_state_is_refused_and_leaves_the_person_signed_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    succeeds(browser_client.come_back(location), browser_client)
    tenant.reset_log()
    assert_refused(browser_client.come_back(location), "federation.state_used")
    assert browser_client.is_signed_in
    assert tenant.upstream_count() == 0


@pytest.mark.spec("RFC 9700", "4.7")
def test_a_state_is_used_up_by_a_refusal(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    with tenant.lying(drop=("sub",)):
        refuses(browser_client.come_back(location), browser_client, "idp.token.subject_missing")
    refuses(browser_client.come_back(location), browser_client, "federation.state_used")


@pytest.mark.spec("RFC 9700", "4.7")
def test_a_state_is_used_up_by_an_error(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(authorize_error=65004):
        location = browser_client.at_provider(browser_client.begin())
    refuses(browser_client.come_back(location), browser_client, "idp.authorization.refused")
    state = parse_qs(urlsplit(location).query)["state"][0]
    refuses(browser_client.get(f"{CALLBACK}?code=x&state={state}"), browser_client, "federation.state_used")


@pytest.mark.conformance("response-state-expired")
@pytest.mark.spec("RFC 9700", "4.7")
def test_an_expired_state_is_refused(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
        refuses(browser_client.come_back(location), browser_client, "federation.state_expired")


@pytest.mark.spec("RFC 9700", "4.7")
def test_a_state_of_almost_ten_minutes_is_good(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    begun = browser_client.begin()
    with time_machine.travel(timezone.now() + timedelta(minutes=9, seconds=50)):
        succeeds(browser_client.come_back(browser_client.at_provider(begun)), browser_client)


@pytest.mark.conformance("response-state-of-another-browser")
@pytest.mark.spec("RFC 9700", "4.7")
def test_another_browsers_state_is_refused_and_stays_good_for_its_owner(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    victim = Browser()
    refuses(victim.come_back(location), victim, "federation.state_unknown")
    victim.begin()
    refuses(victim.come_back(location), victim, "federation.state_unknown")
    succeeds(browser_client.come_back(location), browser_client)


@pytest.mark.conformance("response-state-of-another-provider")
@pytest.mark.spec("RFC 9700", "4.4")
def test_another_providers_state_is_refused(
    tenant: PracticeTenant, plain_tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    other = make_provider(plain_tenant, name="The other one")
    plain_tenant.reset_log()
    response = browser_client.get(f"/oauth/callback/{other.slug}?{urlsplit(location).query}")
    refuses(response, browser_client, "federation.state_other_provider")
    assert plain_tenant.upstream_count() == 0


@pytest.mark.conformance("response-parameters-duplicated")
@pytest.mark.spec("RFC 6749", "3.1")
@pytest.mark.parametrize("name", ["code", "state", "session_state", "error", "error_description", "error_uri", "iss"])
def test_duplicated_parameters_are_refused(
    name: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    tenant.reset_log()
    with tenant.lying(extra_response=((name, "one"), (name, "two"))):
        refuses(browser_client.federated_sign_in(), browser_client, "federation.parameter_duplicated")
    with tenant.lying(repeat_response=("code", "state")):
        refuses(browser_client.federated_sign_in(), browser_client, "federation.parameter_duplicated")
    assert tenant.upstream_count() == 0


@pytest.mark.spec("RFC 6749", "3.1")
def test_a_duplicated_parameter_signs_nobody_out(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    lie = {"repeat_response": ("code", "state")}
    refuses_everybody(tenant, browser_client, "federation.parameter_duplicated", lie)


@pytest.mark.spec("RFC 9700", "4.7")
def test_a_signed_in_person_stays_so_whatever_comes_of_a_further_answer(
    tenant: PracticeTenant, plain_tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Each of these answers is one that somebody else can make her browser open, or that is an accident."""
    browser = warm_up(tenant)
    foreign, own = (door.at_provider(door.begin()) for door in (Browser(), browser))
    stays(browser.get(f"{CALLBACK}?code=x&state=unknown"), browser, "federation.state_unknown")
    stays(browser.get(f"{CALLBACK}?code=x"), browser, "federation.state_missing")
    stays(browser.come_back(foreign), browser, "federation.state_unknown")
    stays(browser.come_back(f"{own}&code=again"), browser, "federation.parameter_duplicated")
    stays(browser.come_back(f"{own}&iss=https://evil.example"), browser, "federation.response_issuer_wrong")
    stays(browser.come_back(own), browser, "federation.state_used")
    late = browser.at_provider(browser.begin())
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
        stays(browser.come_back(late), browser, "federation.state_expired")
    other = make_provider(plain_tenant, active=False, name="The other one")
    response = browser.get(f"/oauth/callback/{other.slug}?{urlsplit(late).query}")
    stays(response, browser, "federation.provider_unavailable")


@pytest.mark.spec("RFC 6749", "4.1.2")
def test_unknown_parameters_are_ignored(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(extra_response=(("future", "1"), ("future", "2"))):
        succeeds(browser_client.federated_sign_in(), browser_client)


@pytest.mark.spec("RFC 6749", "4.1.2")
def test_an_answer_without_code_and_error_is_refused(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    refuses_everybody(tenant, browser_client, "federation.code_missing", {"drop_response": ("code",)})


@pytest.mark.conformance("response-error-without-a-valid-state")
@pytest.mark.parametrize("query", HOSTILE)
@pytest.mark.spec("RFC 9700", "4.7")
def test_an_error_without_a_valid_state_signs_no_federated_person_out(
    query: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    browser = warm_up(tenant)
    key = browser.session_cookie
    code = "federation.state_unknown" if "state=" in query else "federation.state_missing"
    stays(browser.get(f"{CALLBACK}?{query}"), browser, code)
    assert (browser.session_cookie, tenant.upstream_count()) == (key, 0)


@pytest.mark.parametrize("query", HOSTILE)
@pytest.mark.spec("RFC 9700", "4.7")
def test_an_error_without_a_valid_state_signs_no_administrator_out(
    query: str, provider: IdentityProvider, administrator: User, admin_browser: Browser
) -> None:
    """An administrator is outside federation: both her sessions, in either portal, come from a password."""
    admin_browser.sign_in_with_password(administrator)
    assert admin_browser.is_signed_in
    code = "federation.state_unknown" if "state=" in query else "federation.state_missing"
    assert_refused(admin_browser.get(f"{CALLBACK}?{query}"), code)
    assert (admin_browser.is_signed_in, admin_browser.is_administering) == (True, True)


@pytest.mark.parametrize("query", HOSTILE)
@pytest.mark.spec("RFC 9700", "4.7")
def test_an_error_signs_nobody_out_where_no_provider_is_in_use(
    query: str, db: None, administrator: User, browser_client: Browser
) -> None:
    browser_client.sign_in_with_password(administrator)
    assert_refused(browser_client.get(f"{CALLBACK}?{query}"), "federation.provider_unavailable")
    assert browser_client.is_signed_in


@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_an_error_with_a_valid_state_leaves_a_present_session_as_it_is(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    browser = warm_up(tenant)
    with tenant.lying(authorize_error=65004):
        assert_refused(browser.federated_sign_in(), "idp.authorization.refused")
    assert browser.is_signed_in


@table(
    ("number", "words"),
    [
        ("access-denied-shows-why/consent-refused", 65004, "did not finish signing in"),
        ("access-denied-shows-why/not-assigned", 50105, ""),
        ("access-denied-shows-why/conditional-access", 53003, "sign-in policy of your company"),
        ("access-denied-shows-why/temporarily-unavailable", 90033, "temporarily unavailable"),
    ],
    "response-",
)
@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_access_denied_shows_why(
    number: int, words: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(authorize_error=number):
        response = browser_client.federated_sign_in()
    refuses(response, browser_client, "idp.authorization.refused")
    assert words in response.content.decode()
    assert "AADSTS" not in response.content.decode()
    assert last_event(action="portal.sign_in.failed").details["aadsts"] == number


@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_the_providers_own_words_are_not_repeated(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """Whoever makes a link to the callback must not be able to write on our pages."""
    lie = {"error": "access_denied", "error_description": "<b>Call 0900-EVIL</b>", "error_uri": "https://evil.example"}
    with tenant.lying(response=lie, drop_response=("code",)):
        response = browser_client.federated_sign_in()
    refuses(response, browser_client, "idp.authorization.refused")
    assert "EVIL" not in response.content.decode()
    assert "evil.example" not in response.content.decode()


@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_an_error_beside_a_code_is_an_error(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    tenant.reset_log()
    with tenant.lying(response={"error": ""}):
        refuses(browser_client.federated_sign_in(), browser_client, "idp.authorization.refused")
    assert tenant.upstream_count() == 0


@pytest.mark.spec("RFC 9700", "4.2")
def test_no_answer_of_the_callback_tells_others_its_address(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    for response in (browser_client.get(f"{CALLBACK}?code=x&state=y"), browser_client.federated_sign_in()):
        assert response["Referrer-Policy"] in {"no-referrer", "same-origin"}
        assert "no-store" in response["Cache-Control"]


@pytest.mark.conformance("response-four-concurrent-replays")
@pytest.mark.django_db(transaction=True)
@pytest.mark.spec("RFC 9700", "4.7")
def test_of_four_concurrent_replays_one_wins_at_most(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    tenant.reset_log()

    def replay(browser: Browser) -> HttpResponse:
        return browser.come_back(location)

    responses = all_at_once(replay, [twin_of(browser_client) for _ in range(4)])
    refused = [error_code(response) for response in responses if response.status_code != 303]
    assert refused == ["federation.state_used"] * 3
    assert tenant.count("token") == 1
    assert FederatedIdentity.objects.count() == SpentState.objects.count() == 1


@pytest.mark.spec("RFC 9700", "4.7")
def test_two_sign_ins_in_two_tabs_both_succeed(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """The second comes back after the first has changed the session key; either state is still good only once."""
    first, second = (browser_client.at_provider(browser_client.begin()) for _ in range(2))
    for location in (second, first):
        succeeds(browser_client.come_back(location), browser_client)
    for location in (second, first):
        assert_refused(browser_client.come_back(location), "federation.state_used")
