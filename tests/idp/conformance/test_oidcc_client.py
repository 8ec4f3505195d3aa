"""The OpenID Foundation's relying-party cases `oidcc-client-test-…` (Basic and Config plans), by their own names."""

import base64

import pytest

from idp.models import FederatedIdentity, IdentityProvider
from tests.browsing import Browser, parameters
from tests.entra_tenant import PracticeTenant, SignWith, lies
from tests.entra_tenant.tokens import half_hash
from tests.factories import make_provider
from tests.idp.conformance.support import refuses, refuses_everybody, succeeds, table, warm_up
from users.models import User

OIDCC = "oidcc-client-test-"

REFUSED = [
    ("invalid-iss", {"claims": {"iss": "https://evil.example"}}, "idp.token.issuer"),
    ("invalid-aud", {"claims": {"aud": "another-client"}}, "idp.token.audience"),
    ("missing-aud", {"drop": ("aud",)}, "idp.token.audience_missing"),
    ("missing-sub", {"drop": ("sub",)}, "idp.token.subject_missing"),
    ("missing-iat", {"drop": ("iat",)}, "idp.token.issued_at_missing"),
    ("nonce-invalid", {"claims": {"nonce": "another-nonce"}}, "idp.token.nonce"),
    ("missing-nonce", {"drop": ("nonce",)}, "idp.token.nonce_missing"),
    ("invalid-sig-rs256", {"corrupt_signature": True}, "idp.token.signature"),
    ("invalid-sig-rs256/foreign-key", {"sign_with": SignWith.FOREIGN}, "idp.token.signature"),
    ("invalid-sig-hs256", {"sign_with": SignWith.HS256_CLIENT_SECRET}, "idp.token.algorithm"),
    ("idtoken-sig-none", {"sign_with": SignWith.NONE}, "idp.token.unsigned"),
    ("kid-absent-multiple-jwks", {"drop_header": ("kid",)}, "idp.token.key_ambiguous"),
]
SURVIVED = [
    ("idtoken-sig-rs256", {}),
    ("scope-userinfo-claims", {"drop_userinfo": ("email", "name")}),
    ("userinfo-invalid-sub", {"userinfo": {"sub": "somebody-else", "email": "grace@contoso.example"}}),
    ("userinfo-invalid-sub/missing", {"drop_userinfo": ("sub",)}),
    ("kid-absent-single-jwks", {"drop_header": ("kid",), "jwks": lies.single_key}),
    ("signing-key-rotation-just-before-signing", {"rotate_before_signing": True}),
]


@pytest.mark.conformance("oidcc-client-test")
@pytest.mark.parametrize("flavour", ["tenant", "plain_tenant"])
@pytest.mark.spec("OIDC Core", "3.1")
def test_oidcc_client_test(
    flavour: str, request: pytest.FixtureRequest, administrator: User, ada: User, browser_client: Browser
) -> None:
    """The plain case: code, PKCE, nonce, one token request, and the ID token says who it is."""
    tenant = request.getfixturevalue(flavour)
    make_provider(tenant)
    tenant.reset_log()
    succeeds(browser_client.federated_sign_in(), browser_client)
    assert [r.kind for r in tenant.requests] == ["authorize", "token", "keys"]
    (token,) = [r for r in tenant.requests if r.kind == "token"]
    assert token.params["grant_type"] == "authorization_code"
    assert token.params["code_verifier"]


@table(("lie", "code"), REFUSED, OIDCC)
@pytest.mark.spec("OIDC Core", "3.1.3.7")
def test_oidcc_client_test_is_refused(
    lie: dict, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    refuses_everybody(tenant, browser_client, code, lie)
    assert tenant.count("userinfo") == 0


@table(("lie", "code"), REFUSED, OIDCC)
@pytest.mark.spec("OIDC Core", "3.1.3.7")
def test_oidcc_client_test_at_a_plain_provider(
    lie: dict,
    code: str,
    plain_tenant: PracticeTenant,
    plain_provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    with plain_tenant.lying(**lie):
        refuses(browser_client.federated_sign_in(), browser_client, code)


@table("lie", SURVIVED, OIDCC)
@pytest.mark.spec("OIDC Core", "3.1.3.7")
def test_oidcc_client_test_survives(
    lie: dict, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """The person comes from the ID token alone: nothing is asked of the userinfo endpoint, so that it may lie."""
    with tenant.lying(**lie):
        succeeds(browser_client.federated_sign_in(), browser_client)
    assert tenant.count("userinfo") == 0
    assert FederatedIdentity.objects.get().person == ada


@table("lie", SURVIVED, OIDCC)
@pytest.mark.spec("OIDC Core", "3.1.3.7")
def test_oidcc_client_test_survives_at_a_plain_provider(
    lie: dict, plain_tenant: PracticeTenant, plain_provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with plain_tenant.lying(**lie):
        succeeds(browser_client.federated_sign_in(), browser_client)
    assert plain_tenant.count("userinfo") == 0
    assert FederatedIdentity.objects.get().person == ada


@pytest.mark.conformance("oidcc-client-test-scope-userinfo-claims")
@pytest.mark.spec("OIDC Core", "5.4")
def test_oidcc_client_test_scope_userinfo_claims(
    plain_tenant: PracticeTenant, plain_provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """The scopes are asked for, their claims are used from the ID token, and no others are."""
    location = browser_client.begin()
    assert parameters(location)["scope"].split() == ["openid", "profile", "email"]
    succeeds(browser_client.come_back(browser_client.at_provider(location)), browser_client)
    identity = FederatedIdentity.objects.get()
    assert (identity.email, identity.display_name) == ("ada@contoso.example", "Ada Lovelace")
    assert plain_tenant.count("userinfo") == 0


@table(
    ("lie", "code"),
    [
        ("invalid-sig-es256", {"corrupt_signature": True}, "idp.token.signature"),
        ("invalid-sig-es256/foreign-key", {"sign_with": SignWith.FOREIGN}, "idp.token.signature"),
        ("rs256-at-an-es256-provider", {"sign_with": SignWith.RS256}, "idp.token.algorithm"),
        ("hs256-with-the-public-key", {"sign_with": SignWith.HS256_PUBLIC_KEY}, "idp.token.algorithm"),
    ],
    OIDCC,
)
@pytest.mark.spec("RFC 8725", "3.1")
def test_oidcc_client_test_es256(
    lie: dict, code: str, es256_tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    make_provider(es256_tenant)
    refuses_everybody(es256_tenant, browser_client, code, lie)


@pytest.mark.conformance("oidcc-client-test-client-secret-basic")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.spec("OIDC Core", "9")
def test_oidcc_client_test_client_secret(
    method: str, plain_tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    plain_tenant.token_endpoint_auth_methods = {method}
    make_provider(plain_tenant)
    succeeds(browser_client.federated_sign_in(), browser_client)
    (request,) = [request for request in plain_tenant.requests if request.kind == "token"]
    assert ("client_secret" in request.params) == (method == "client_secret_post")
    assert ("authorization" in request.request.headers) == (method == "client_secret_basic")


@pytest.mark.spec("RFC 6749", "2.3.1")
def test_a_secret_with_special_characters_is_form_encoded_in_http_basic(
    plain_tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    plain_tenant.client_secret = "per%cent:colon+plus/slash&amp~"
    plain_tenant.token_endpoint_auth_methods = {"client_secret_basic"}
    make_provider(plain_tenant)
    succeeds(browser_client.federated_sign_in(), browser_client)
    header = next(r.request.headers["authorization"] for r in plain_tenant.requests if r.kind == "token")
    assert b"per%25cent%3Acolon%2Bplus" in base64.b64decode(header.removeprefix("Basic "))


@pytest.mark.conformance("oidcc-client-test-discovery-openid-config")
@pytest.mark.parametrize("member", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.spec("OIDC Discovery", "4.2")
def test_oidcc_client_test_discovery_openid_config(
    member: str, tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser
) -> None:
    """Each endpoint is the one that the document names, its query included."""
    with tenant.lying(discovery={member: lambda honest: f"{honest[member]}?appid=from-the-document"}):
        make_provider(tenant)
    tenant.reset_log()
    succeeds(browser_client.federated_sign_in(), browser_client)
    kind = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}[member]
    assert [request.params.get("appid") for request in tenant.requests if request.kind == kind] == ["from-the-document"]


@pytest.mark.conformance("oidcc-client-test-discovery-jwks-uri-keys")
@pytest.mark.spec("OIDC Discovery", "3")
def test_oidcc_client_test_discovery_jwks_uri_keys(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """The keys come from the document's `jwks_uri`, at the first sign-in and not before."""
    assert tenant.count("keys") == 0
    succeeds(browser_client.federated_sign_in(), browser_client)
    assert tenant.count("keys") == 1


@pytest.mark.conformance("oidcc-client-test-signing-key-rotation", "network-key-rotation")
@pytest.mark.parametrize("drop_old", [True, False])
@pytest.mark.spec("OIDC Core", "10.1.1")
def test_oidcc_client_test_signing_key_rotation(
    drop_old: bool, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    tenant.rotate_keys(drop_old=drop_old)
    succeeds(browser_client.federated_sign_in(), browser_client)
    assert tenant.count("keys") == 1


@pytest.mark.conformance("oidcc-client-test-signing-key-rotation")
@pytest.mark.spec("OIDC Core", "10.1.1")
def test_oidcc_client_test_signing_key_rotation_without_kid(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """A provider with a single nameless key: only the signature that fails shows the rotation."""
    with tenant.lying(drop_header=("kid",), jwks=lies.single_key):
        warm_up(tenant)
        tenant.rotate_keys(drop_old=True)
        succeeds(browser_client.federated_sign_in(), browser_client)
    assert tenant.count("keys") == 1


@table(
    ("lie", "code"),
    [
        ("invalid-athash", {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}, "access_token_hash"),
        ("invalid-athash/of-another-length", {"claims": {"at_hash": "AAAA"}}, "access_token_hash"),
        ("invalid-athash/a-number", {"claims": {"at_hash": 7}}, "access_token_hash"),
        ("invalid-chash", {"claims": {"c_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}, "code_hash"),
        ("invalid-chash/empty", {"claims": {"c_hash": ""}}, "code_hash"),
        ("invalid-chash/a-list", {"claims": {"c_hash": ["x"]}}, "code_hash"),
    ],
    OIDCC,
)
@pytest.mark.spec("OIDC Core", "3.1.3.6")
def test_oidcc_client_test_hash(
    lie: dict,
    code: str,
    plain_tenant: PracticeTenant,
    plain_provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    """Optional in the code flow, but a wrong one shows that two answers were mixed up."""
    refuses_everybody(plain_tenant, browser_client, f"idp.token.{code}", lie)


@pytest.mark.spec("OIDC Core", "3.3.2.10")
def test_a_right_c_hash_is_accepted(
    plain_tenant: PracticeTenant, plain_provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    with plain_tenant.lying(claims={"c_hash": half_hash(parameters(location)["code"])}):
        succeeds(browser_client.come_back(location), browser_client)


@pytest.mark.parametrize("token", ["id_token", "access_token"])
@pytest.mark.parametrize("with_code", [True, False])
@pytest.mark.conformance("oidcc-client-test-missing-athash", "oidcc-client-test-missing-chash")
@pytest.mark.spec("OIDC Core", "3.3.2.5")
def test_oidcc_client_test_missing_hash_in_a_hybrid_answer(
    with_code: bool,
    token: str,
    plain_tenant: PracticeTenant,
    plain_provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    """An answer as the hybrid flow has it is refused before anybody looks whether its token has both hashes."""
    lie = {"extra_response": ((token, "a.b.c"),), "drop_response": () if with_code else ("code",)}
    plain_tenant.reset_log()
    refuses_everybody(plain_tenant, browser_client, "federation.response_with_token", lie)
    assert plain_tenant.count("token") == 1  # the honest one between the two


@table("lie", [("missing-athash-from-the-token-endpoint", {"drop": ("at_hash",)}), ("right-athash", {})])
@pytest.mark.spec("OIDC Core", "3.1.3.6")
def test_oidcc_client_test_survives_in_the_code_flow(
    lie: dict, plain_tenant: PracticeTenant, plain_provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with plain_tenant.lying(**lie):
        succeeds(browser_client.federated_sign_in(), browser_client)
