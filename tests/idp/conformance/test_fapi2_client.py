"""The conformance suite's extras of `fapi2-security-profile-final-client-test-…` that need no FAPI."""

import pytest

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant, SignWith
from tests.factories import make_provider
from tests.idp.conformance.support import later, refuses, succeeds, table
from users.models import User


@table(
    ("lie", "code"),
    [
        ("invalid-expired-exp", {"claims": {"exp": later("iat", -400)}}, "idp.token.expired"),
        ("invalid-missing-exp", {"drop": ("exp",)}, "idp.token.expiry_missing"),
        ("invalid-missing-iss", {"drop": ("iss",)}, "idp.token.issuer"),
        ("invalid-missing-nonce", {"drop": ("nonce",)}, "idp.token.nonce_missing"),
        ("invalid-alternate-alg", {"sign_with": SignWith.ES256}, "idp.token.algorithm"),
        ("invalid-null-alg", {"header": {"alg": "none"}}, "idp.token.unsigned"),
        ("invalid-null-alg-in-capitals", {"header": {"alg": "NonE"}}, "idp.token.unsigned"),
        ("invalid-secondary-aud", {"claims": {"aud": lambda c: [c["aud"], "x"]}}, "idp.token.azp_missing"),
    ],
)
@pytest.mark.spec("FAPI 2.0 Security Profile", "5.3.3")
def test_fapi2_client_test(
    lie: dict, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(**lie):
        refuses(browser_client.federated_sign_in(), browser_client, code)


@table(
    "lie",
    [
        ("valid-aud-as-array", {"claims": {"aud": lambda c: [c["aud"]]}}),
        ("valid-secondary-aud-with-azp", {"claims": {"aud": lambda c: [c["aud"], "x"], "azp": lambda c: c["aud"]}}),
        ("token-type-case-insensitivity", {"token": {"token_type": "bEARER"}}),
    ],
)
@pytest.mark.spec("OIDC Core", "2")
def test_fapi2_client_test_survives(
    lie: dict, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(**lie):
        succeeds(browser_client.federated_sign_in(), browser_client)


@table(
    ("lie", "code"),
    [
        ("invalid-state-fails", {"response": {"state": "another-state"}}, "federation.state_unknown"),
        ("invalid-missing-state-fails", {"drop_response": ("state",)}, "federation.state_missing"),
        ("empty-state-fails", {"response": {"state": ""}}, "federation.state_missing"),
    ],
)
@pytest.mark.spec("RFC 6749", "10.12")
def test_fapi2_client_test_ensure_authorization_response_with(
    lie: dict, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    tenant.reset_log()
    with tenant.lying(**lie):
        refuses(browser_client.federated_sign_in(), browser_client, code)
    assert tenant.upstream_count() == 0


@table(
    ("lie", "code"),
    [
        ("invalid-authorization-response-iss", {"response": {"iss": "https://evil.example"}}, "issuer_wrong"),
        ("empty-authorization-response-iss", {"response": {"iss": ""}}, "issuer_wrong"),
        ("remove-authorization-response-iss", {"drop_response": ("iss",)}, "issuer_missing"),
    ],
)
@pytest.mark.spec("RFC 9207", "2.4")
def test_fapi2_client_test_where_iss_is_advertised(
    lie: dict, code: str, plain_tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    plain_tenant.response_iss = True
    make_provider(plain_tenant)
    plain_tenant.reset_log()
    with plain_tenant.lying(**lie):
        refuses(browser_client.federated_sign_in(), browser_client, f"federation.response_{code}")
    assert plain_tenant.upstream_count() == 0
    succeeds(browser_client.federated_sign_in(), browser_client)


@pytest.mark.spec("RFC 9207", "2.4")
def test_a_wrong_iss_is_refused_where_none_is_advertised(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(response={"iss": "https://evil.example"}):
        refuses(browser_client.federated_sign_in(), browser_client, "federation.response_issuer_wrong")
