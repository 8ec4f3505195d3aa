"""ID tokens beyond the suite's cases: times, audiences, headers, keys, shapes, and what Entra adds."""

import base64

import pytest

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant, SignWith, lies
from tests.entra_tenant.keys import foreign_key
from tests.factories import make_person, make_provider
from tests.idp.conformance.support import later, refuses, refuses_everybody, succeeds, table
from users.models import User

OTHER = "11111111-2222-4333-8444-555555555555"

REFUSED = [
    ("exp-missing", {"drop": ("exp",)}, "expiry_missing"),
    ("exp-a-string", {"claims": {"exp": lambda c: str(c["exp"])}}, "expiry_malformed"),
    ("exp-past-beyond-leeway", {"claims": {"exp": later("iat", -301)}}, "expired"),
    ("nbf-ahead", {"claims": {"nbf": later("iat", 320)}}, "not_before"),
    ("iat-older-than-10-minutes", {"claims": {"iat": later("iat", -602)}}, "too_old"),
    ("iat-ahead-beyond-leeway", {"claims": {"iat": later("iat", 320)}}, "issued_in_future"),
    ("second-aud-without-azp", {"claims": {"aud": lambda c: ["x", c["aud"]]}}, "azp_missing"),
    ("azp-of-another-client", {"claims": {"azp": "another-client"}}, "azp"),
    ("azp-of-another-client/with-two-aud", {"claims": {"aud": lambda c: [c["aud"], "x"], "azp": "x"}}, "azp"),
    ("crit-unknown", {"header": {"crit": ["x"], "x": 1}}, "critical_header"),
    ("crit-unknown/empty", {"header": {"crit": []}}, "critical_header"),
    ("typ-of-an-access-token", {"header": {"typ": "at+jwt"}}, "type"),
    ("typ-of-a-logout-token", {"header": {"typ": "logout+jwt"}}, "type"),
    ("key-for-encryption", {"sign_with": SignWith.ENCRYPTION}, "key_unusable"),
    ("key-for-encryption/all-of-them", {"jwks": lies.encryption_use}, "key_unusable"),
    ("two-keys-with-one-kid", {"jwks": lies.duplicate_kid}, "key_ambiguous"),
    ("kid-unknown", {"header": {"kid": "unknown"}}, "key_unknown"),
    ("kid-no-string", {"header": {"kid": 7}}, "malformed"),
    ("rsa-key-under-2048-bits", {"sign_with": SignWith.SHORT}, "key_too_short"),
    ("alg-outside-the-list", {"sign_with": SignWith.ES256}, "algorithm"),
    ("alg-outside-the-list/es256-in-the-header-of-rs256", {"header": {"alg": "ES256"}}, "algorithm"),
    ("alg-outside-the-list/missing", {"drop_header": ("alg",)}, "algorithm"),
    ("hs256-with-the-public-key", {"sign_with": SignWith.HS256_PUBLIC_KEY}, "algorithm"),
    ("hs256-with-the-client-secret", {"sign_with": SignWith.HS256_CLIENT_SECRET}, "algorithm"),
    ("more-than-16-kib", {"claims": {"padding": "x" * 16384}}, "too_large"),
    ("not-three-segments/two", {"id_token": lies.two_segments}, "malformed"),
    ("not-three-segments/four", {"id_token": lies.four_segments}, "malformed"),
    ("no-base64url", {"id_token": lambda token: token.replace(".", ".!", 1)}, "malformed"),
    ("json-that-is-no-object", {"payload": lies.json_list_payload}, "malformed"),
    ("json-that-is-no-object/no-json", {"payload": b"\xff\xfe"}, "malformed"),
    ("nested-1000-deep", {"payload": lies.nested_payload(1000)}, "malformed"),
    ("nested-1000-deep/in-a-claim", {"claims": {"a": lambda _: _nested(900)}}, "malformed"),
]
SURVIVED = [
    ("exp-past-within-leeway", {"claims": {"exp": later("iat", -200)}}),
    ("nbf-ahead-within-leeway", {"claims": {"nbf": later("iat", 280)}}),
    ("iat-ahead-within-leeway", {"claims": {"iat": later("iat", 280)}}),
    ("iat-back-dated-by-entra", {"claims": {"iat": later("iat", -300), "nbf": later("nbf", -300)}}),
    ("nbf-missing", {"drop": ("nbf",)}),
    ("azp-of-ours", {"claims": {"azp": lambda c: c["aud"]}}),
    ("aud-twice-the-same", {"claims": {"aud": lambda c: [c["aud"], c["aud"]]}}),
    ("jwk-without-alg", {"jwks": lies.without_alg}),
    ("jwk-with-alg", {"jwks": lies.with_alg}),
    ("jwks-with-broken-entries", {"jwks": lies.with_malformed_entries}),
    ("just-under-16-kib", {"claims": {"padding": "x" * 9000}}),
    ("claims-of-odd-types", {"claims": {"name": 7, "sid": ["x"], "login_hint": {}, "in_corp": 1, "given_name": None}}),
]


# With which a token would bring its key along, or say where it is.
HEADERS = ["jku", "jwk", "x5u", "x5c"]


def _nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


@table(("lie", "code"), REFUSED, "id-token-")
@pytest.mark.spec("OIDC Core", "3.1.3.7")
def test_id_token_is_refused(
    lie: dict, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    refuses_everybody(tenant, browser_client, f"idp.token.{code}", lie)


@table("lie", SURVIVED, "id-token-")
@pytest.mark.spec("OIDC Core", "3.1.3.7")
def test_id_token_survives(
    lie: dict, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(**lie):
        succeeds(browser_client.federated_sign_in(), browser_client)


@table(
    ("lie", "code"),
    [
        ("exp-past-beyond-a-minute", {"claims": {"exp": later("iat", -61)}}, "expired"),
        ("iat-ahead-beyond-a-minute", {"claims": {"iat": later("iat", 80)}}, "issued_in_future"),
        ("nbf-ahead-beyond-a-minute", {"claims": {"nbf": later("iat", 80)}}, "not_before"),
    ],
)
@pytest.mark.spec("OIDC Core", "3.1.3.7")
def test_a_plain_provider_gets_a_minute_of_leeway(
    lie: dict,
    code: str,
    plain_tenant: PracticeTenant,
    plain_provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    with plain_tenant.lying(**lie):
        refuses(browser_client.federated_sign_in(), browser_client, f"idp.token.{code}")


def _foreign_header(tenant: PracticeTenant, name: str) -> dict[str, object]:
    """A header that offers a key of its own, or says where one is: the trap serves the foreign key."""
    key = foreign_key()
    offered = {"jwk": key.jwk(), "x5c": [base64.b64encode(key.certificate).decode()]}
    return {name: offered.get(name, tenant.trap_url)}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.conformance(f"id-token-header-{name}-ignored")) for name in HEADERS],
)
@pytest.mark.spec("RFC 8725", "3.10")
def test_a_header_cannot_bring_its_own_key(
    name: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    foreign = _foreign_header(tenant, name)
    with tenant.lying(header=foreign, sign_with=SignWith.FOREIGN):
        refuses(browser_client.federated_sign_in(), browser_client, "idp.token.signature")
    with tenant.lying(header=foreign):
        succeeds(browser_client.federated_sign_in(), browser_client)
    assert tenant.count("trap") == 0


@table(
    ("lie", "code"),
    [
        ("tid-other-than-configured", {"claims": {"tid": OTHER}}, "tenant"),
        ("tid-missing", {"drop": ("tid",)}, "tenant"),
        ("tid-other-than-in-iss", {"claims": {"iss": lambda c: c["iss"].replace(c["tid"], OTHER)}}, "issuer"),
        (
            "tid-and-iss-of-another-tenant",
            {"claims": {"tid": OTHER, "iss": lambda c: c["iss"].replace(c["tid"], OTHER)}},
            "issuer",
        ),
        ("iss-of-v1", {"claims": {"iss": lambda c: f"https://sts.windows.net/{c['tid']}/"}}, "issuer"),
        ("no-oid", {"drop": ("oid",)}, "object_id_missing"),
        ("oid-no-guid", {"claims": {"oid": "ada"}}, "object_id"),
        ("ver-1.0", {"claims": {"ver": "1.0"}}, "version"),
        ("ver-missing", {"drop": ("ver",)}, "version"),
        ("guest-by-acct", {"claims": {"acct": 1}}, "guest"),
        ("guest-by-acct/as-string", {"claims": {"acct": "1"}}, "guest"),
        ("guest-by-idp", {"claims": {"idp": f"https://sts.windows.net/{OTHER}/"}}, "guest"),
        ("guest-by-idp/of-consumers", {"claims": {"idp": "live.com"}}, "guest"),
        ("key-of-another-tenant", {"jwks": lies.other_tenant}, "key_issuer"),
    ],
    "entra-",
)
@pytest.mark.spec("entra.md", "2")
def test_entra_is_refused(
    lie: dict, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    refuses_everybody(tenant, browser_client, f"idp.token.{code}", lie)


@table(
    "lie",
    [
        ("idp-is-the-tenant-itself", {"claims": {"idp": lambda c: f"https://sts.windows.net/{c['tid']}/"}}),
        ("acct-missing", {"drop": ("acct",)}),
        ("tid-and-oid-in-capitals", {"claims": {n: (lambda c, n=n: c[n].upper()) for n in ("tid", "oid")}}),
        (
            "key-of-this-tenant-alone",
            {"jwks": lambda keys: [{k: v for k, v in j.items() if k != "issuer"} for j in keys]},
        ),
    ],
)
@pytest.mark.spec("entra.md", "2")
def test_entra_survives(
    lie: dict, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(**lie):
        succeeds(browser_client.federated_sign_in(), browser_client)


@pytest.mark.conformance("entra-guest-where-guests-are-allowed")
@pytest.mark.spec("entra.md", "2")
def test_a_guest_signs_in_where_the_provider_allows_guests(
    tenant: PracticeTenant, administrator: User, browser_client: Browser
) -> None:
    emmy = tenant.person("emmy@fabrikam.example")
    make_person(emmy.email, external_id=emmy.oid)
    make_provider(tenant, allow_guests=True)
    succeeds(browser_client.federated_sign_in(emmy.email), browser_client)
