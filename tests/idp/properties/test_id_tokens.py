"""ID tokens, altered in any way: the honest one passes, all others are refused by a code of their own."""

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import assume, example, given
from hypothesis import strategies as st

from idp.protocol.claims import numeric_date
from idp.protocol.http import HttpClient, HttpPolicy
from idp.protocol.id_token import EntraTokenPolicy, IdTokenPolicy, verify
from idp.protocol.jwks import JwksCache
from idp.protocol.types import IdTokenClaims
from tests.idp.properties.support import examples, json_values
from tests.idp.protocol.support import (
    CLIENT_ID,
    ISSUER,
    NONCE,
    NOW,
    OBJECT_ID,
    TENANT,
    Peer,
    claims_for,
    jwk_of,
    reply,
    sign,
)
from users.errors import DirectoryError

Verify = Callable[[str], IdTokenClaims]
# Claims that decide. What else a token holds is data, and may be of any type.
DECIDING = [
    "iss",
    "aud",
    "sub",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "ver",
    "tid",
    "oid",
    "acct",
    "idp",
    "azp",
    "at_hash",
    "c_hash",
]
DATA = [
    "name",
    "email",
    "upn",
    "preferred_username",
    "sid",
    "login_hint",
    "xms_edov",
    "email_verified",
    "auth_time",
    "hd",
]
HEADERS = ["alg", "kid", "typ", "crit", "jku", "jwk", "x5u", "x5c", "b64", "enc", "zip", "cty"]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The provider's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def check(key: rsa.RSAPrivateKey) -> Iterator[Verify]:
    """`verify` as a sign-in at Entra calls it, with a key set that comes over HTTP."""
    peer = Peer(lambda _request, _conn: reply({"keys": [jwk_of(key, "k1")]}))
    client = HttpClient(HttpPolicy(insecure_origins=frozenset({peer.origin})))
    policy = IdTokenPolicy(
        issuer=ISSUER,
        client_id=CLIENT_ID,
        nonce=NONCE,
        algorithms=frozenset({"RS256"}),
        jwks_uri=f"{peer.origin}/keys",
        entra=EntraTokenPolicy(TENANT),
        leeway=300,
        code="a-code",
    )
    yield partial(verify, policy=policy, keys=JwksCache(client), now=NOW, access_token="a-token")
    peer.close()


def is_accepted(check: Verify, token: str) -> bool:
    """Whether a token passes. It is refused by an error of ours, with a code, or not at all."""
    try:
        claims = check(token)
    except DirectoryError as error:
        assert error.code.startswith("idp.token.")
        assert error.message and (len(token) < 3 or token not in str(error.context))
        return False
    # Whatever passes is this person at this tenant.
    assert (claims.issuer, claims.tenant_id, claims.object_id) == (ISSUER, TENANT, OBJECT_ID)
    return True


def honestly_means(name: str, value: Any) -> bool:
    """Whether a deciding claim with this value is as good as the honest one. Written from the specifications."""
    moment = numeric_date(value)
    match name:
        case "iss" | "nonce" | "ver":
            return bool(value == claims_for()[name])
        case "aud":
            return value == CLIENT_ID or (
                isinstance(value, list) and bool(value) and set(map(str, value)) == {CLIENT_ID}
            )
        case "sub":
            return isinstance(value, str) and bool(value.strip()) and len(value) <= 255 and value.isprintable()
        case "exp":
            return moment is not None and moment + 300 > NOW
        case "iat":
            return moment is not None and NOW - 600 <= moment <= NOW + 300
        case "nbf":
            return value is None or (moment is not None and moment <= NOW + 300)
        case "tid" | "oid":
            return isinstance(value, str) and value.lower() == claims_for()[name]
        case "acct":
            return value in (None, 0, "0")
        case "idp":
            return value in (None, ISSUER, f"https://sts.windows.net/{TENANT}/")
        case "azp":
            return value in (None, CLIENT_ID)
    return value is None


@given(name=st.sampled_from(DECIDING), value=json_values)
@example(name="aud", value=[CLIENT_ID, "another"])
@example(name="exp", value=str(NOW + 60))
@example(name="exp", value=True)
@example(name="iat", value=float("inf"))
@example(name="nonce", value=[NONCE])
@example(name="sub", value=["pairwise-subject"])
@examples(150)
def test_a_deciding_claim_of_any_value(check: Verify, key: rsa.RSAPrivateKey, name: str, value: Any) -> None:
    token = sign(key, json.dumps(claims_for(**{name: value})).encode("utf-8", "surrogatepass"))
    if is_accepted(check, token):
        assert honestly_means(name, value)


@given(name=st.sampled_from([name for name in DECIDING if name in claims_for()]))
@examples(12)
def test_a_deciding_claim_that_is_not_there(check: Verify, key: rsa.RSAPrivateKey, name: str) -> None:
    assert is_accepted(check, sign(key, claims_for(**{name: ...}))) == (name == "nbf")


@given(changes=st.dictionaries(st.one_of(st.sampled_from(DATA), st.text(max_size=8)), json_values, max_size=4))
@examples(100)
def test_data_of_any_type_keeps_nobody_out_unless_it_is_no_json(
    check: Verify, key: rsa.RSAPrivateKey, changes: dict[str, Any]
) -> None:
    """What is no deciding claim may be odd, and is then left out; what is no clean JSON is refused as a whole."""
    assume(not set(changes) & set(DECIDING))
    payload = json.dumps(claims_for(**changes))
    is_clean = not any(mark in payload for mark in ("NaN", "Infinity", "\\ud8"))
    accepted = is_accepted(check, sign(key, payload.encode("utf-8", "surrogatepass")))
    assert accepted or not is_clean or len(payload) > 10_000


@given(changes=st.dictionaries(st.one_of(st.sampled_from(HEADERS), st.text(max_size=8)), json_values, max_size=3))
@example(changes={"alg": "none"})
@example(changes={"alg": "HS256"})
@example(changes={"crit": []})
@example(changes={"kid": None})
@examples(150)
def test_a_header_of_any_kind(check: Verify, key: rsa.RSAPrivateKey, changes: dict[str, Any]) -> None:
    """Signed by the right key over this very header: only what the header says can be wrong."""
    if is_accepted(check, sign(key, claims_for(), **changes)):
        assert changes.get("alg", "RS256") == "RS256"
        assert changes.get("kid", "k1") == "k1" or not changes["kid"]  # `sign` leaves an empty one out
        assert "crit" not in changes
        assert not str(changes.get("typ", "")).lower().endswith("+jwt")


@given(place=st.integers(min_value=0), character=st.characters(max_codepoint=0x2FF))
@examples(150)
def test_a_token_with_any_character_changed(check: Verify, key: rsa.RSAPrivateKey, place: int, character: str) -> None:
    token = sign(key, claims_for())
    place %= len(token)
    altered = token[:place] + character + token[place + 1 :]
    assert is_accepted(check, altered) == (altered == token)


@given(cut=st.integers(min_value=0), again=st.integers(min_value=0))
@examples(50)
def test_a_token_cut_and_joined_anywhere(check: Verify, key: rsa.RSAPrivateKey, cut: int, again: int) -> None:
    token = sign(key, claims_for())
    altered = token[: cut % len(token)] + token[again % len(token) :]
    assert is_accepted(check, altered) == (altered == token)


@given(token=st.one_of(st.text(), st.text(alphabet="eyJhbGciOiJ9.-_=", max_size=80), st.binary(max_size=40).map(str)))
@examples(80)
def test_any_text_is_no_token(check: Verify, token: str) -> None:
    assert not is_accepted(check, token)


@given(header=st.binary(max_size=60), payload=st.binary(max_size=60))
@examples(60)
def test_any_bytes_in_three_segments_are_no_token(check: Verify, header: bytes, payload: bytes) -> None:
    segments = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, payload, b"signature")]
    assert not is_accepted(check, ".".join(segments))


def test_the_honest_token_passes(check: Verify, key: rsa.RSAPrivateKey) -> None:
    assert is_accepted(check, sign(key, claims_for()))
