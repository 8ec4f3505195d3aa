"""Every ID token that has to be refused, and those that must not be (reference/rp-conformance.md)."""

import base64
import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.protocol.id_token import EntraTokenPolicy, IdTokenPolicy, verify
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


class Provider(KeyServer):
    """A provider with keys of its own; `verify` is what Gatehouse does with its tokens."""

    def verify(self, token, *, access_token=None, **policy):
        options = {
            "issuer": ISSUER, "client_id": CLIENT_ID, "nonce": NONCE, "algorithms": frozenset({"RS256"}),
            "jwks_uri": self.jwks_uri, "entra": EntraTokenPolicy(TENANT),
        } | policy  # fmt: skip
        return verify(token, policy=IdTokenPolicy(**options), keys=self.keys, now=NOW, access_token=access_token)


@pytest.fixture
def entra(peer, rsa_key):
    shared = "https://login.microsoftonline.com/{tenantid}/v2.0"
    return Provider(peer, jwk_of(rsa_key, "k1", use="sig", issuer=shared))


def test_it_accepts_a_good_token(entra, rsa_key):
    claims = entra.verify(sign(rsa_key, claims_for()))
    assert (claims.issuer, claims.subject, claims.audience) == (ISSUER, "pairwise-subject", (CLIENT_ID,))
    assert (claims.issued_at, claims.expires_at) == (NOW, NOW + 3900)
    assert claims.federated_subject == f"{TENANT}.{OBJECT_ID}"
    assert (claims.name, claims.email, claims.is_guest) == ("Ada Lovelace", "ada@contoso.com", False)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [CLIENT_ID]}, {"aud": [CLIENT_ID, CLIENT_ID]}, {"azp": CLIENT_ID}, {"nbf": ...}, {"name": ["x"]},
        {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID}, {"exp": NOW - 59}, {"nbf": NOW + 60}, {"iat": NOW + 60},
        {"iat": NOW - 600}, {"exp": NOW + 60.5}, {"acct": 0}, {"idp": ISSUER}, {"tid": TENANT.upper()},
        {"idp": f"https://sts.windows.net/{TENANT}/"}, {"oid": OBJECT_ID.upper()}, {"email": None}, {"at_hash": "x"},
    ],
)  # fmt: skip
def test_it_does_not_refuse_too_much(entra, rsa_key, changes):
    claims = entra.verify(sign(rsa_key, claims_for(**changes)))
    assert claims.federated_subject == f"{TENANT}.{OBJECT_ID}"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("issuer", {"iss": ...}), ("issuer", {"iss": ISSUER + "/"}), ("issuer", {"iss": [ISSUER]}),
        ("audience_missing", {"aud": ...}), ("audience_missing", {"aud": []}), ("audience", {"aud": "other"}),
        ("audience", {"aud": {"a": CLIENT_ID}}), ("audience", {"aud": [CLIENT_ID, 7]}), ("audience", {"aud": 7}),
        ("azp_missing", {"aud": [CLIENT_ID, "other"]}), ("azp", {"azp": "other"}), ("azp", {"azp": [CLIENT_ID]}),
        ("azp", {"aud": [CLIENT_ID, "other"], "azp": "other"}),
        ("expiry_missing", {"exp": ...}), ("expiry_malformed", {"exp": str(NOW + 60)}),
        ("expiry_malformed", {"exp": True}), ("expiry_malformed", {"exp": 1e300}),
        ("expiry_malformed", {"exp": 10**400}), ("expiry_malformed", {"exp": [NOW]}),
        ("expired", {"exp": NOW - 60}), ("expired", {"exp": 0}), ("expired", {"exp": -1}),
        ("not_before", {"nbf": NOW + 61}), ("not_before_malformed", {"nbf": "soon"}),
        ("issued_at_missing", {"iat": ...}), ("issued_at_malformed", {"iat": False}),
        ("issued_in_future", {"iat": NOW + 61}), ("too_old", {"iat": NOW - 601}), ("too_old", {"iat": 0}),
        ("nonce_missing", {"nonce": ...}), ("nonce_missing", {"nonce": ""}), ("nonce", {"nonce": NONCE + "x"}),
        ("nonce", {"nonce": [NONCE]}), ("nonce", {"nonce": "é"}),
        ("subject_missing", {"sub": ...}), ("subject_missing", {"sub": ""}), ("subject", {"sub": "  "}),
        ("subject", {"sub": 7}), ("subject", {"sub": "x" * 256}), ("subject", {"sub": "a\x00b"}),
        ("version", {"ver": "1.0"}), ("version", {"ver": ...}), ("tenant", {"tid": ...}),
        ("tenant", {"tid": OTHER_TENANT}), ("tenant", {"tid": [TENANT]}),
        ("object_id_missing", {"oid": ...}), ("object_id_missing", {"oid": ""}), ("object_id", {"oid": "ada"}),
        ("object_id", {"oid": [OBJECT_ID]}), ("guest", {"acct": 1}), ("guest", {"acct": "1"}), ("guest", {"acct": [0]}),
        ("guest", {"idp": f"https://sts.windows.net/{OTHER_TENANT}/"}), ("guest", {"idp": "live.com"}),
    ],
)  # fmt: skip
@pytest.mark.spec("OIDC Core", "3.1.3.7")
def test_it_refuses_these_claims(entra, rsa_key, code, changes):
    with refused(f"idp.token.{code}") as caught:
        entra.verify(sign(rsa_key, claims_for(**changes)))
    assert (caught.value.http_status, caught.value.exit_status) == (403, 3)
    assert NONCE not in f"{caught.value.message}{caught.value.hint}{caught.value.context}"


def test_entra_may_be_given_more_leeway(entra, rsa_key):
    assert entra.verify(sign(rsa_key, claims_for(exp=NOW - 299, nbf=NOW + 300)), leeway=300)


def test_a_sign_in_without_nonce_accepts_none(entra, rsa_key):
    with refused("idp.token.nonce_missing"):
        entra.verify(sign(rsa_key, claims_for(nonce="")), nonce="")


def test_guests_sign_in_where_the_provider_allows_them(entra, rsa_key):
    token = sign(rsa_key, claims_for(acct=1))
    assert entra.verify(token, entra=EntraTokenPolicy(TENANT, allow_guests=True)).is_guest


def test_it_refuses_a_tenant_that_the_issuer_contradicts(entra, rsa_key):
    with refused("idp.token.tenant_issuer"):
        entra.verify(sign(rsa_key, claims_for(tid=OTHER_TENANT)), entra=EntraTokenPolicy(OTHER_TENANT))


@pytest.mark.parametrize("issuer", [f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0", "", 7])
def test_it_refuses_a_key_of_another_tenant(peer, rsa_key, issuer):
    with refused("idp.token.key_issuer"):
        Provider(peer, jwk_of(rsa_key, "k1", issuer=issuer)).verify(sign(rsa_key, claims_for()))


@pytest.mark.parametrize("issuer", [ISSUER, "https://login.microsoftonline.com/{TenantID}/v2.0"])
def test_it_accepts_a_key_of_this_tenant(peer, rsa_key, issuer):
    assert Provider(peer, jwk_of(rsa_key, "k1", issuer=issuer)).verify(sign(rsa_key, claims_for()))


def test_it_refuses_another_keys_signature(entra, other_rsa_key):
    with refused("idp.token.signature"):
        entra.verify(sign(other_rsa_key, claims_for()))


def test_it_refuses_a_changed_payload(entra, rsa_key):
    header, _, signature = sign(rsa_key, claims_for()).split(".")
    with refused("idp.token.signature"):
        entra.verify(f"{header}.{b64(json.dumps(claims_for(oid=OTHER_TENANT)).encode())}.{signature}")


def test_it_refuses_an_empty_signature(entra, rsa_key):
    with refused("idp.token.signature"):
        entra.verify(sign(rsa_key, claims_for()).rpartition(".")[0] + ".")


@pytest.mark.parametrize("alg", ["none", "None", "nOnE"])
def test_it_refuses_unsigned_tokens(entra, alg):
    with refused("idp.token.unsigned"):
        entra.verify(f"{b64(json.dumps({'alg': alg}).encode())}.{b64(json.dumps(claims_for()).encode())}.")


def test_it_refuses_hs256_made_with_what_is_public(entra, rsa_key):
    for secret in (CLIENT_ID, json.dumps(entra.jwks[0])):
        token = sign(secret.encode(), claims_for(), algorithm="HS256")
        for algorithms in ({"RS256"}, {"RS256", "HS256"}):
            with refused("idp.token.algorithm"):
                entra.verify(token, algorithms=frozenset(algorithms))


@pytest.mark.parametrize("algorithm", ["RS384", "PS256"])
def test_it_refuses_algorithms_that_were_not_agreed(entra, rsa_key, algorithm):
    with refused("idp.token.algorithm"):
        entra.verify(sign(rsa_key, claims_for(), algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS512"])
def test_it_accepts_agreed_algorithms(entra, rsa_key, algorithm):
    assert entra.verify(sign(rsa_key, claims_for(), algorithm=algorithm), algorithms=frozenset({algorithm}))


def test_it_accepts_elliptic_curves_and_refuses_their_forgeries(peer, ec_key):
    provider = Provider(peer, jwk_of(ec_key, "k1"))
    token = sign(ec_key, claims_for(), algorithm="ES256")
    assert provider.verify(token, algorithms=frozenset({"ES256"}))
    for signature in (b"\0" * 64, b"x", b""):
        with refused("idp.token.signature"):
            provider.verify(f"{token.rpartition('.')[0]}.{b64(signature)}", algorithms=frozenset({"ES256"}))


@pytest.mark.parametrize("crit", [["b64"], ["exp"], [], "x", None])
def test_it_refuses_critical_headers(entra, rsa_key, crit):
    with refused("idp.token.critical_header"):
        entra.verify(sign(rsa_key, claims_for(), crit=crit))


@pytest.mark.parametrize("kind", ["at+jwt", "application/logout+jwt", "secevent+JWT"])
def test_it_refuses_other_kinds_of_token(entra, rsa_key, kind):
    with refused("idp.token.type"):
        entra.verify(sign(rsa_key, claims_for(), typ=kind))


@pytest.mark.parametrize("kind", [None, "jwt", "JOSE"])
def test_it_is_tolerant_of_other_types(entra, rsa_key, kind):
    assert entra.verify(sign(rsa_key, claims_for(), typ=kind))


def test_it_never_takes_a_key_from_the_token(peer, entra, other_rsa_key):
    trap = peer({"keys": [jwk_of(other_rsa_key, "k1")]})
    headers = {"jku": trap.origin, "x5u": trap.origin, "jwk": jwk_of(other_rsa_key, "k1"), "x5c": ["MII"]}
    with refused("idp.token.signature"):
        entra.verify(sign(other_rsa_key, claims_for(), **headers))
    assert trap.requests == []


def test_it_ignores_key_headers_on_a_good_token(entra, rsa_key):
    assert entra.verify(sign(rsa_key, claims_for(), jku="https://evil.example.com", x5c=["MII"]))


def test_it_refetches_after_rotation_just_before_signing(entra, rsa_key, other_rsa_key):
    entra.verify(sign(rsa_key, claims_for()))
    entra.jwks.append(jwk_of(other_rsa_key, "k2"))
    assert entra.verify(sign(other_rsa_key, claims_for(), kid="k2"))
    assert len(entra.server.requests) == 2


def test_it_refetches_where_a_single_key_without_id_was_rotated(peer, rsa_key, other_rsa_key):
    provider = Provider(peer, jwk_of(rsa_key))
    provider.verify(sign(rsa_key, claims_for(), kid=None))
    provider.jwks[:] = [jwk_of(other_rsa_key)]
    assert provider.verify(sign(other_rsa_key, claims_for(), kid=None))


def test_it_refuses_an_unknown_key(entra, other_rsa_key):
    with refused("idp.token.key_unknown"):
        entra.verify(sign(other_rsa_key, claims_for(), kid="k9"))


def test_a_warm_verification_makes_no_request(entra, rsa_key):
    for _ in range(3):
        entra.verify(sign(rsa_key, claims_for()))
    assert len(entra.server.requests) == 1


def test_it_checks_at_hash_where_there_is_one(entra, rsa_key):
    half = base64.urlsafe_b64encode(hashlib.sha256(b"token").digest()[:16]).rstrip(b"=").decode()
    assert entra.verify(sign(rsa_key, claims_for(at_hash=half)), access_token="token")
    assert entra.verify(sign(rsa_key, claims_for()), access_token="token")
    for wrong in (half[:-1], "", 7, [half]):
        with refused("idp.token.access_token_hash"):
            entra.verify(sign(rsa_key, claims_for(at_hash=wrong)), access_token="token")


def test_it_checks_c_hash_where_there_is_one(entra, rsa_key):
    half = base64.urlsafe_b64encode(hashlib.sha256(b"c0de").digest()[:16]).rstrip(b"=").decode()
    assert entra.verify(sign(rsa_key, claims_for(c_hash=half)), code="c0de")
    assert entra.verify(sign(rsa_key, claims_for()), code="c0de")
    for wrong in (half[:-1], "", 7, [half]):
        with refused("idp.token.code_hash"):
            entra.verify(sign(rsa_key, claims_for(c_hash=wrong)), code="c0de")


def test_it_refuses_large_tokens(entra, rsa_key):
    with refused("idp.token.too_large"):
        entra.verify(sign(rsa_key, claims_for(groups=["x" * 100] * 200)))


@pytest.mark.parametrize("payload", [b"[]", b'"x"', b"1", b"", b"\xff", b'{"a":' * 1000 + b"1" + b"}" * 1000, b"{"])
def test_it_refuses_a_payload_that_is_no_object(entra, rsa_key, payload):
    with refused("idp.token.malformed"):
        entra.verify(sign(rsa_key, payload))


@pytest.mark.parametrize("change", ["{}.x", "x{}", "{}=", "{}é", "{} ", "{}\n", "a.b", "", "..", "a.b.c.d.e"])
def test_it_refuses_what_is_not_three_clean_segments(entra, rsa_key, change):
    with refused("idp.token.malformed"):
        entra.verify(change.format(sign(rsa_key, claims_for())))


def test_it_refuses_a_second_spelling_of_the_same_bytes(entra, rsa_key):
    token = sign(rsa_key, claims_for())
    # The last of 342 characters carries two bits; A, Q, g and w leave the other four at zero.
    other = {"A": "B", "Q": "R", "g": "h", "w": "x"}[token[-1]]
    with refused("idp.token.malformed"):
        entra.verify(token[:-1] + other)


def test_it_refuses_a_key_id_that_is_no_string(entra, rsa_key):
    with refused("idp.token.malformed"):
        entra.verify(sign(rsa_key, claims_for(), kid=7))


def test_another_providers_tid_and_oid_are_no_identity(entra, rsa_key):
    claims = entra.verify(sign(rsa_key, claims_for(acct=1)), entra=None)
    assert (claims.federated_subject, claims.tenant_id, claims.is_guest) == ("pairwise-subject", "", False)


def test_display_claims_are_cleaned_and_identifiers_are_never_repaired(entra, rsa_key):
    claims = entra.verify(
        sign(rsa_key, claims_for(name=" A\x00da\u202e\n " + "x" * 300, email="ada\x00@contoso.com", upn="x" * 256))
    )
    assert claims.name.startswith("Adax") or claims.name.startswith("Ada x")
    assert len(claims.name) <= 255
    assert (claims.email, claims.upn) == ("", "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), ("1", True), (1, True), ("TRUE", True), (False, False), ("0", False), (0, False), (..., None),
     (None, None), ("maybe", None), ([True], None), (1.0, None)],
)  # fmt: skip
def test_xms_edov_has_three_states(entra, rsa_key, value, expected):
    claims = entra.verify(sign(rsa_key, claims_for(xms_edov=value, email_verified=value)))
    assert (claims.domain_owner_verified, claims.email_verified) == (expected, expected)


def test_the_raw_claims_are_read_only_and_hold_no_nonce(entra, rsa_key):
    claims = entra.verify(sign(rsa_key, claims_for(groups=["g"])))
    assert claims.raw["groups"] == ["g"]
    assert NONCE not in f"{claims!r}{dict(claims.raw)}"
    with pytest.raises(TypeError):
        claims.raw["oid"] = "x"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
CHANGES = st.dictionaries(st.sampled_from([*claims_for(), "azp", "acct", "idp", "at_hash"]), JSON, max_size=3)
HEADERS = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "b64"]), JSON, max_size=2)
RELAXED = settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@RELAXED
@given(changes=CHANGES)
def test_any_signed_claims_are_accepted_or_refused_with_a_code(entra, rsa_key, changes):
    try:
        claims = entra.verify(sign(rsa_key, claims_for(**changes)), access_token="token")
    except DirectoryError as refusal:
        assert refusal.code.startswith("idp.token.")
    else:
        assert claims.federated_subject == f"{TENANT}.{OBJECT_ID}"


@RELAXED
@given(headers=HEADERS, payload=st.binary(max_size=40), signature=st.binary(max_size=20))
def test_any_token_with_a_foreign_signature_is_refused(entra, headers, payload, signature):
    header = json.dumps({"alg": "RS256", "kid": "k1"} | headers).encode()
    with pytest.raises(DirectoryError):
        entra.verify(f"{b64(header)}.{b64(payload)}.{b64(signature)}")


@RELAXED
@given(text=st.text() | st.from_regex(r"[A-Za-z0-9_.=-]{0,40}"))
def test_any_text_is_refused_with_a_code(entra, text):
    with pytest.raises(DirectoryError):
        entra.verify(text)
