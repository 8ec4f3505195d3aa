"""Every logout token that has to be refused (OpenID Connect Back-Channel Logout 1.0, reference/rp-conformance.md)."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.protocol.id_token import IdTokenPolicy, verify
from idp.protocol.logout_token import EVENT, LogoutTokenPolicy, verify_logout_token
from tests.idp.protocol.support import (
    CLIENT_ID,
    ISSUER,
    NONCE,
    NOW,
    OBJECT_ID,
    OTHER_TENANT,
    TENANT,
    KeyServer,
    b64,
    claims_for,
    jwk_of,
    refused,
    sign,
)
from users.errors import DirectoryError


def logout_claims(**changes):
    """The claims of a good logout token; a change to `...` removes the claim."""
    claims = {
        "iss": ISSUER, "aud": CLIENT_ID, "iat": NOW, "exp": NOW + 120, "jti": "one-use", "sub": "pairwise-subject",
        "sid": "a-session", "events": {EVENT: {}},
    } | changes  # fmt: skip
    return {name: value for name, value in claims.items() if value is not ...}


def logout(key, *, typ="logout+jwt", **changes):
    options = {name: changes.pop(name) for name in ("kid", "algorithm", "crit", "jku", "alg") if name in changes}
    return sign(key, logout_claims(**changes), typ=typ, **options)


class Provider(KeyServer):
    def take(self, token, **policy):
        values = {
            "issuer": ISSUER, "client_id": CLIENT_ID, "algorithms": frozenset({"RS256"}), "jwks_uri": self.jwks_uri,
        } | policy  # fmt: skip
        return verify_logout_token(token, policy=LogoutTokenPolicy(**values), keys=self.keys, now=NOW)


@pytest.fixture
def provider(peer, rsa_key):
    return Provider(peer, jwk_of(rsa_key, "k1"))


@pytest.mark.spec("Back-Channel Logout", "2.4")
def test_it_says_which_sessions_end(provider, rsa_key):
    claims = provider.take(logout(rsa_key))
    assert (claims.issuer, claims.subject, claims.sid) == (ISSUER, "pairwise-subject", "a-session")
    assert (claims.jti, claims.issued_at, claims.expires_at) == ("one-use", NOW, NOW + 120)
    assert claims.federated_subject == "pairwise-subject"
    assert "a-session" not in repr(claims)


@pytest.mark.parametrize("typ", ["logout+jwt", "Logout+JWT", "application/logout+jwt", "JWT", None])
def test_it_takes_the_types_that_providers_send(provider, rsa_key, typ):
    assert provider.take(logout(rsa_key, typ=typ))


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ...}, {"sid": ...}, {"sub": ""}, {"aud": [CLIENT_ID]}, {"aud": ["other", CLIENT_ID]},
        {"exp": NOW - 59}, {"iat": NOW + 60}, {"iat": NOW - 600}, {"nbf": NOW}, {"events": {EVENT: {"x": 1}, "y": {}}},
    ],
)  # fmt: skip
def test_it_does_not_refuse_too_much(provider, rsa_key, changes):
    claims = provider.take(logout(rsa_key, **changes))
    assert claims.subject or claims.sid


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("issuer", {"iss": ...}), ("issuer", {"iss": ISSUER + "/"}),
        ("audience_missing", {"aud": ...}), ("audience", {"aud": "other"}), ("audience", {"aud": {"a": CLIENT_ID}}),
        ("issued_at_missing", {"iat": ...}), ("issued_at_malformed", {"iat": "now"}), ("too_old", {"iat": NOW - 601}),
        ("issued_in_future", {"iat": NOW + 61}), ("expiry_missing", {"exp": ...}), ("expiry_malformed", {"exp": "x"}),
        ("expired", {"exp": NOW - 60}), ("not_before", {"nbf": NOW + 61}), ("not_before_malformed", {"nbf": []}),
        ("events_missing", {"events": ...}), ("events_missing", {"events": None}),
        ("events_malformed", {"events": [EVENT]}), ("events_malformed", {"events": EVENT}),
        ("events_malformed", {"events": {EVENT: None}}), ("events_malformed", {"events": {EVENT: True}}),
        ("event", {"events": {}}), ("event", {"events": {EVENT + "x": {}}}),
        ("nonce", {"nonce": NONCE}), ("nonce", {"nonce": ""}), ("nonce", {"nonce": None}),
        ("who_missing", {"sub": ..., "sid": ...}), ("who_missing", {"sub": "", "sid": None}),
        ("who_malformed", {"sub": 7}), ("who_malformed", {"sid": ["a"]}), ("who_malformed", {"sid": "x" * 256}),
        ("who_malformed", {"sub": "a\x00"}), ("who_malformed", {"sub": "  "}),
        ("id_missing", {"jti": ...}), ("id_missing", {"jti": ""}), ("id_missing", {"jti": 7}),
        ("id_missing", {"jti": "x" * 256}),
    ],
)  # fmt: skip
@pytest.mark.spec("Back-Channel Logout", "2.6")
def test_it_refuses_these_claims(provider, rsa_key, code, changes):
    with refused(f"idp.logout_token.{code}") as caught:
        provider.take(logout(rsa_key, **changes))
    assert caught.value.http_status == 400


@pytest.mark.parametrize("alg", ["none", "NONE"])
def test_it_refuses_unsigned_tokens(provider, alg):
    with refused("idp.logout_token.unsigned"):
        provider.take(f"{b64(json.dumps({'alg': alg}).encode())}.{b64(json.dumps(logout_claims()).encode())}.")


def test_it_refuses_hmac_and_what_was_not_agreed(provider, rsa_key):
    secret = json.dumps(provider.jwks[0]).encode()
    for key, algorithm in ((secret, "HS256"), (rsa_key, "RS384"), (rsa_key, "PS256")):
        with refused("idp.logout_token.algorithm"):
            provider.take(logout(key, algorithm=algorithm), algorithms=frozenset({"RS256", "HS256"}))


def test_it_takes_an_agreed_algorithm(peer, ec_key):
    provider = Provider(peer, jwk_of(ec_key, "k1"))
    assert provider.take(logout(ec_key, algorithm="ES256"), algorithms=frozenset({"ES256"}))


def test_it_refuses_a_foreign_signature_and_fetches_no_key_that_the_token_names(peer, provider, other_rsa_key):
    trap = peer({"keys": [jwk_of(other_rsa_key, "k1")]})
    with refused("idp.logout_token.signature"):
        provider.take(logout(other_rsa_key, jku=trap.origin))
    assert trap.requests == []


def test_it_refuses_a_key_that_the_provider_does_not_publish(provider, other_rsa_key):
    with refused("idp.logout_token.key") as caught:
        provider.take(logout(other_rsa_key, kid="k9"))
    assert caught.value.context == {"reason": "idp.token.key_unknown"}


def test_it_refuses_critical_extensions(provider, rsa_key):
    with refused("idp.logout_token.critical_header"):
        provider.take(logout(rsa_key, crit=["exp"]))


@pytest.mark.parametrize("typ", ["at+jwt", "secevent+jwt", "", 7, "id_token"])
def test_it_refuses_tokens_of_another_type(provider, rsa_key, typ):
    with refused("idp.logout_token.type"):
        provider.take(logout(rsa_key, typ=typ))


def test_it_refuses_large_tokens(provider, rsa_key):
    with refused("idp.logout_token.too_large"):
        provider.take(logout(rsa_key, padding="x" * 20000))


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "..", "a.b.c.d", "é.b.c", "{}.e30.e30"])
def test_it_refuses_what_is_no_token(provider, text):
    with refused("idp.logout_token.malformed"):
        provider.take(text)


@pytest.mark.parametrize("changes", [{"nonce": ...}, {"nonce": ..., "sid": "a-session", "jti": "x"}])
def test_an_id_token_is_no_logout_token(provider, rsa_key, changes):
    with refused("idp.logout_token.events_missing"):
        provider.take(sign(rsa_key, claims_for(**changes)))


def test_a_logout_token_is_no_id_token(provider, rsa_key):
    policy = IdTokenPolicy(ISSUER, CLIENT_ID, NONCE, frozenset({"RS256"}), provider.jwks_uri)
    for token in (logout(rsa_key), logout(rsa_key, typ="JWT")):
        with pytest.raises(DirectoryError):
            verify(token, policy=policy, keys=provider.keys, now=NOW)


def test_an_entra_shaped_token_names_tenant_and_object(provider, rsa_key):
    token = logout(rsa_key, tid=TENANT.upper(), oid=OBJECT_ID.upper())
    assert provider.take(token, tenant_id=TENANT).federated_subject == f"{TENANT}.{OBJECT_ID}"
    # Of another kind of provider these claims are no identity.
    assert provider.take(token).federated_subject == "pairwise-subject"
    assert provider.take(logout(rsa_key, tid=TENANT, oid=7), tenant_id=TENANT).object_id == ""


@pytest.mark.parametrize("tid", [OTHER_TENANT, 7])
def test_another_tenant_ends_nobodys_session(provider, rsa_key, tid):
    with refused("idp.logout_token.tenant"):
        provider.take(logout(rsa_key, tid=tid, oid=OBJECT_ID), tenant_id=TENANT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(
    max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=st.dictionaries(st.sampled_from([*logout_claims(), "nonce", "tid", "oid", "nbf"]), JSON, max_size=3))
def test_any_signed_claims_are_taken_or_refused_with_a_code(provider, rsa_key, changes):
    try:
        claims = provider.take(logout(rsa_key, **changes), tenant_id=TENANT)
    except DirectoryError as refusal:
        assert refusal.code.startswith("idp.logout_token.")
    else:
        assert claims.jti and (claims.subject or claims.sid)
