"""The key set in the life of sign-ins: fetched once, refetched rarely, and kept while the provider is in trouble."""

from threading import Event
from typing import Any

import pytest

from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused, error_code
from tests.entra_tenant import Fault, PracticeTenant, lies
from tests.factories import make_provider
from tests.idp.conformance.support import all_at_once, refuses, succeeds, table, warm_up
from users.models import User


def unknown_key(tenant: PracticeTenant, number: int = 0) -> None:
    """Answer one sign-in with a token that names a key which nobody publishes."""
    with tenant.lying(header={"kid": f"invented-{number}"}):
        assert_refused(Browser().federated_sign_in(), "idp.token.key_unknown")


def keys_that_wait_for(*, tokens: int) -> dict[str, Any]:
    """A lie in which the keys come only when so many sign-ins have got their tokens, and so want them all at once."""
    left, all_there = iter(range(tokens - 1, -1, -1)), Event()

    def hand_out(token: str) -> str:
        if next(left, 0) == 0:
            all_there.set()
        return token

    def publish(keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert all_there.wait(timeout=20)
        return keys

    return {"id_token": hand_out, "jwks": publish}


def test_the_keys_are_fetched_once_for_many_sign_ins(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    for _ in range(5):
        assert Browser().federated_sign_in().status_code == 303
    assert tenant.count("keys") == 1


@pytest.mark.conformance("network-jwks-fails-after-a-good-one")
@table(
    "fault",
    [
        ("down", Fault.DOWN),
        ("resets-mid-body", Fault.RESET_MID_BODY),
        ("html", Fault.HTML),
        ("status-500", Fault.STATUS),
        ("200-mib", Fault.HUGE),
        ("redirect-307", Fault.REDIRECT_307),
    ],
)
@pytest.mark.spec("OIDC Core", "10.1.1")
def test_the_last_good_keys_serve_when_a_fetch_fails(
    fault: Fault, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    tenant.fault("keys", fault)
    unknown_key(tenant)
    # A GET that a kept-alive connection swallowed is sent once more (RFC 9110, section 9.2.2).
    asked = 2 if fault is Fault.DOWN else 1
    assert tenant.count("keys") == asked
    succeeds(browser_client.federated_sign_in(), browser_client)
    assert (tenant.count("keys"), tenant.count("trap")) == (asked, 0)


@table("jwks", [("empty", lies.no_keys), ("no-key-set", lies.not_a_key_set)])
@pytest.mark.spec("RFC 7517", "5")
def test_the_last_good_keys_serve_when_a_fetch_brings_nonsense(
    jwks: object, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    with tenant.lying(jwks=jwks):
        unknown_key(tenant)
        succeeds(browser_client.federated_sign_in(), browser_client)
    assert tenant.count("keys") == 1


@table(
    ("jwks", "code"),
    [("empty", lies.no_keys, "idp.jwks.empty"), ("no-key-set", lies.not_a_key_set, "idp.jwks.malformed")],
)
@pytest.mark.spec("RFC 7517", "5")
def test_a_first_key_set_that_is_none_is_refused(
    jwks: object, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(jwks=jwks):
        refuses(browser_client.federated_sign_in(), browser_client, code)
    succeeds(browser_client.federated_sign_in(), browser_client)


def test_a_failed_first_fetch_is_tried_again_at_the_next_sign_in(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    tenant.fault("keys", Fault.STATUS, status=503, times=1)
    refuses(browser_client.federated_sign_in(), browser_client, "idp.jwks.unavailable")
    succeeds(browser_client.federated_sign_in(), browser_client)
    assert tenant.count("keys") == 2


@pytest.mark.conformance("network-key-rotation")
@pytest.mark.spec("OIDC Core", "10.1.1")
def test_a_rotation_costs_one_fetch_for_all(tenant: PracticeTenant, provider: IdentityProvider, ada: User) -> None:
    warm_up(tenant)
    tenant.rotate_keys(drop_old=True)
    for _ in range(4):
        assert Browser().federated_sign_in().status_code == 303
    assert tenant.count("keys") == 1


@pytest.mark.conformance("network-storm-of-unknown-kid")
def test_a_storm_of_unknown_keys_costs_one_fetch(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    for number in range(8):
        unknown_key(tenant, number)
    assert tenant.count("keys") == 1
    succeeds(browser_client.federated_sign_in(), browser_client)


@pytest.mark.django_db(transaction=True)
def test_a_storm_of_unknown_keys_from_many_threads_costs_one_fetch(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    warm_up(tenant)
    with tenant.lying(header={"kid": "invented"}):
        responses = all_at_once(lambda browser: browser.federated_sign_in(), [Browser() for _ in range(8)])
    assert {response.status_code for response in responses} == {403}
    assert tenant.count("keys") == 1


@pytest.mark.conformance("network-many-threads-on-a-cold-cache")
@pytest.mark.django_db(transaction=True)
def test_many_threads_on_a_cold_cache_share_one_fetch(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    with tenant.lying(**keys_that_wait_for(tokens=12)):
        responses = all_at_once(lambda browser: browser.federated_sign_in(), [Browser() for _ in range(12)])
    assert {response.status_code for response in responses} == {303}
    assert tenant.count("keys") == 1


@pytest.mark.django_db(transaction=True)
def test_many_threads_on_a_cold_cache_share_a_failure(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    """Whoever waited for the fetch gets its error, in an answer of his own; only a late comer asks again."""
    tenant.fault("keys", Fault.STATUS, status=503)
    with tenant.lying(**keys_that_wait_for(tokens=12)):
        responses = all_at_once(lambda browser: browser.federated_sign_in(), [Browser() for _ in range(12)])
    assert {(response.status_code, error_code(response)) for response in responses} == {(502, "idp.jwks.unavailable")}
    assert tenant.count("keys") < 12


@pytest.mark.django_db(transaction=True)
def test_many_threads_after_a_rotation_share_one_fetch(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    warm_up(tenant)
    tenant.rotate_keys(drop_old=True)
    responses = all_at_once(lambda browser: browser.federated_sign_in(), [Browser() for _ in range(12)])
    assert {response.status_code for response in responses} == {303}
    assert tenant.count("keys") == 1


def test_one_providers_keys_do_not_sign_for_another(
    tenant: PracticeTenant, plain_tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """Each key set belongs to its own address; a `kid` of another provider is unknown here."""
    plain_tenant.rotate_keys()
    foreign = plain_tenant.rotate_keys(drop_old=True).kid
    make_provider(plain_tenant, active=False, name="The other one")
    with tenant.lying(header={"kid": foreign}):
        refuses(browser_client.federated_sign_in(), browser_client, "idp.token.key_unknown")
    assert plain_tenant.count("keys") == 0
