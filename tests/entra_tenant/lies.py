"""What the tenant can be made to say that is not true; README.md tells which lie serves which test."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .keys import Jwk

Claims = dict[str, Any]
JwksLie = Callable[[list[Jwk]], object]


class SignWith(enum.Enum):
    """Which key and algorithm sign the ID token. The header's `kid` and `alg` follow, except where noted."""

    OWN = "own"
    """The honest key."""
    FOREIGN = "foreign"
    """An unpublished key, under the honest key's `kid`."""
    ENCRYPTION = "encryption"
    """A key that the JWKS publishes with `use=enc`."""
    SHORT = "short"
    """A published RSA key of 1,024 bits."""
    ES256 = "es256"
    """A published P-256 key."""
    RS256 = "rs256"
    """A published RSA key, for a tenant whose honest algorithm is ES256."""
    HS256_PUBLIC_KEY = "hs256-public-key"
    """HMAC keyed with the honest public key's PEM (algorithm confusion)."""
    HS256_CLIENT_SECRET = "hs256-client-secret"
    """HMAC keyed with the client secret."""
    NONE = "none"
    """`alg` none and an empty signature."""


@dataclass(frozen=True, kw_only=True)
class Lies:
    """Every lie the tenant tells at present; the defaults are the truth.

    A value of `claims`, `header`, `token`, `discovery` or `response` may be a callable: it gets the
    honest document and returns the value.
    """

    # The ID token.
    claims: Mapping[str, object] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    header: Mapping[str, object] = field(default_factory=dict)
    drop_header: tuple[str, ...] = ()
    sign_with: SignWith = SignWith.OWN
    corrupt_signature: bool = False
    payload: bytes | Callable[[Claims], bytes] | None = None
    """Replaces the payload's JSON and is signed properly."""
    id_token: str | Callable[[str], str] | None = None
    """Replaces the finished token."""
    rotate_before_signing: bool = False
    """Replaces all keys by a new one each time a token is about to be signed."""

    # The JWKS.
    jwks: JwksLie | None = None
    """Gets the honest list of keys, returns another list, or a whole document (a dict)."""

    # The token response.
    token: Mapping[str, object] = field(default_factory=dict)
    drop_token: tuple[str, ...] = ()
    token_status: int = 200
    token_body: bytes | None = None
    token_content_type: str = ""
    token_error: int | None = None
    """Refuses every token request with this AADSTS code."""

    # Discovery.
    discovery: Mapping[str, object] = field(default_factory=dict)
    drop_discovery: tuple[str, ...] = ()

    # The authorization response.
    response: Mapping[str, object] = field(default_factory=dict)
    drop_response: tuple[str, ...] = ()
    repeat_response: tuple[str, ...] = ()
    """Parameters that are sent twice."""
    extra_response: tuple[tuple[str, str], ...] = ()
    """Pairs appended as they are: a second `state` of another value, say."""
    response_mode: str = ""
    """Answers in this mode, whatever was asked for: an unrequested form_post, say."""
    authorize_error: int | None = None
    """Answers every authorization request with this AADSTS code, by redirect."""
    authorize_page_error: int | None = None
    """The same on the tenant's own page: nothing comes back."""

    # Userinfo.
    userinfo: Mapping[str, object] = field(default_factory=dict)
    drop_userinfo: tuple[str, ...] = ()


def altered(honest: Mapping[str, Any], changes: Mapping[str, object], drop: tuple[str, ...]) -> Claims:
    """The honest document with a lie's changes."""
    document = dict(honest)
    for name, value in changes.items():
        document[name] = value(dict(honest)) if callable(value) else value
    for name in drop:
        document.pop(name, None)
    return document


# Ready-made payloads and tokens.


def json_list_payload(claims: Claims) -> bytes:
    """For `payload`: JSON that is no object."""
    return b'["sub","' + str(claims.get("sub")).encode() + b'"]'


def nested_payload(depth: int = 1000) -> bytes:
    """For `payload`: an object nested so deep that a careless parser runs out of stack."""
    return b'{"a":' * depth + b"1" + b"}" * depth


def two_segments(token: str) -> str:
    """For `id_token`: the signature with its dot is missing."""
    return token.rpartition(".")[0]


def four_segments(token: str) -> str:
    """For `id_token`: one segment too many."""
    return token + ".AAAA"


# Ready-made key sets for `jwks`.


def single_key(keys: list[Jwk]) -> object:
    """Only one key, and nameless; with `drop_header=("kid",)` a relying party may use it."""
    return [{name: value for name, value in keys[0].items() if name != "kid"}]


def no_kids(keys: list[Jwk]) -> object:
    """All keys, none with a `kid`."""
    return [{name: value for name, value in key.items() if name != "kid"} for key in keys]


def duplicate_kid(keys: list[Jwk]) -> object:
    """Two different keys under every id: which one is meant cannot be told."""
    rotated = keys[1:] + keys[:1]
    return keys + [{**other, "kid": key["kid"]} for key, other in zip(keys, rotated, strict=True)]


def encryption_use(keys: list[Jwk]) -> object:
    """Every key, the signing one included, is declared to be for encryption."""
    return [{**key, "use": "enc"} for key in keys]


def other_tenant(keys: list[Jwk]) -> object:
    """Every key belongs to one other tenant: its `issuer` names that GUID instead of `{tenantid}`."""
    stranger = "9188040d-6c67-4c5b-b112-36a304b66dad"
    return [{**key, "issuer": str(key.get("issuer", "")).replace("{tenantid}", stranger)} for key in keys]


def with_alg(keys: list[Jwk]) -> object:
    """Every key names its `alg` (allowed, and usual elsewhere)."""
    return [{**key, "alg": "RS256" if key["kty"] == "RSA" else "ES256"} for key in keys]


def without_alg(keys: list[Jwk]) -> object:
    """No key names its `alg` (allowed)."""
    return [{name: value for name, value in key.items() if name != "alg"} for key in keys]


def with_malformed_entries(keys: list[Jwk]) -> object:
    """Broken entries around the good ones, which must still serve."""
    broken: list[object] = [{"kty": "RSA", "kid": "no-modulus"}, {"kty": "XYZ", "kid": "new"}, {}, None, 7, "key"]
    return [*broken, *keys, {"kty": "RSA", "kid": "bad", "n": "!!", "e": "AQAB"}]


def no_keys(keys: list[Jwk]) -> object:
    """An empty set."""
    return []


def not_a_key_set(keys: list[Jwk]) -> object:
    """A JSON object without `keys`."""
    return {"kid": keys[0]["kid"]}
