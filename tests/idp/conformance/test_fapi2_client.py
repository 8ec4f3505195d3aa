"""The conformance suite's extras of `fapi2-security-profile-final-client-test-…` that need no FAPI."""

import pytest

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant, SignWith
from tests.factories import make_provider
from tests.idp.conformance.support import later, refuses, refuses_everybody, succeeds, table
from users.models import User

FAPI2 = "fapi2-security-profile-final-client-test-"


@table(
    ("lie", "code"),
    [
        ("invalid-expired-exp", {"claims": {"exp": later("iat", -400)}}, "idp.token.expired"),
        ("invalid-missing-exp", {"drop": ("exp",)}, "idp.token.expiry_missing"),
        ("invalid-missing-iss", {"drop": ("iss",)}, "idp.token.issuer"),
        ("invalid-missing-nonce", {"drop": ("nonce",)}, "idp.token.nonce_missing"),
        ("invalid-alternate-alg", {"sign_with": SignWith.ES256}, "idp.token.algorithm"),
        ("invalid-null-alg", {"header": {"alg": "none"}}, "idp.token.unsigned"),
        ("invalid-null-alg/in-capitals", {"header": {"alg": "NonE"}}, "idp.token.unsigned"),
        ("invalid-secondary-aud", {"claims": {"aud": lambda c: [c["aud"], "x"]}}, "idp.token.azp_missing"),
    ],
    FAPI2,
)
@pytest.mark.spec("FAPI 2.0 Security Profile", "5.3.3")
def test_fapi2_client_test(
    lie: dict, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    refuses_everybody(tenant, browser_client, code, lie)


@table(
    "lie",
    [
        ("valid-aud-as-array", {"claims": {"aud": lambda c: [c["aud"]]}}),
        (
            "valid-aud-as-array/with-a-second-and-azp",
            {"claims": {"aud": lambda c: [c["aud"], "x"], "azp": lambda c: c["aud"]}},
        ),
        ("token-type-case-insensitivity", {"token": {"token_type": "bEARER"}}),
    ],
    FAPI2,
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
        ("with-invalid-state-fails", {"response": {"state": "another-state"}}, "federation.state_unknown"),
        ("with-invalid-missing-state-fails", {"drop_response": ("state",)}, "federation.state_missing"),
        ("with-invalid-missing-state-fails/empty", {"response": {"state": ""}}, "federation.state_missing"),
    ],
    f"{FAPI2}ensure-authorization-response-",
)
@pytest.mark.spec("RFC 6749", "10.12")
def test_fapi2_client_test_ensure_authorization_response(
    lie: dict, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    tenant.reset_log()
    refuses_everybody(tenant, browser_client, code, lie)
    assert tenant.count("token") == 1  # the honest one between the two


@table(
    ("lie", "code"),
    [
        ("invalid-authorization-response-iss", {"response": {"iss": "https://evil.example"}}, "issuer_wrong"),
        ("invalid-authorization-response-iss/empty", {"response": {"iss": ""}}, "issuer_wrong"),
        ("remove-authorization-response-iss", {"drop_response": ("iss",)}, "issuer_missing"),
    ],
    FAPI2,
)
@pytest.mark.spec("RFC 9207", "2.4")
def test_fapi2_client_test_where_iss_is_advertised(
    lie: dict, code: str, plain_tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    plain_tenant.response_iss = True
    make_provider(plain_tenant)
    refuses_everybody(plain_tenant, browser_client, f"federation.response_{code}", lie)
    assert plain_tenant.count("token") == 1  # the honest one between the two


@pytest.mark.conformance("response-iss-missing-where-advertised")
@pytest.mark.spec("RFC 9207", "2.4")
def test_no_code_is_exchanged_where_the_advertised_iss_is_missing(
    plain_tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    plain_tenant.response_iss = True
    make_provider(plain_tenant)
    plain_tenant.reset_log()
    with plain_tenant.lying(drop_response=("iss",)):
        refuses(browser_client.federated_sign_in(), browser_client, "federation.response_issuer_missing")
    assert plain_tenant.upstream_count() == 0


@pytest.mark.conformance("response-iss-of-another-issuer")
@pytest.mark.spec("RFC 9207", "2.4")
def test_a_wrong_iss_is_refused_where_none_is_advertised(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    lie = {"response": {"iss": "https://evil.example"}}
    refuses_everybody(tenant, browser_client, "federation.response_issuer_wrong", lie)
