"""Signed tokens of a provider, ID tokens and logout tokens alike: form, signature and the claims that both have.

Each kind of token has refusals of its own, so that a code says which token was wrong (RFC 7515, RFC 7519, RFC 8725).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

from idp.protocol.claims import numeric_date
from idp.protocol.jwks import JwksCache
from idp.protocol.key_sets import SigningKey
from idp.protocol.strict_json import parse_object
from users.errors import DirectoryError

_MAX_BYTES = 16384
# Made once: PyJWT makes a dozen objects for each call.
_ALGORITHMS = get_default_algorithms()
_MAX_AGE = 600
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)

Refusal = type[DirectoryError]


@dataclass(frozen=True)
class Refusals:
    """With which error each check of this module refuses a token of one kind."""

    malformed: Refusal
    too_large: Refusal
    unsigned: Refusal
    algorithm: Refusal
    critical_header: Refusal
    signature: Refusal
    issuer: Refusal
    audience_missing: Refusal
    audience: Refusal
    expiry_missing: Refusal
    expiry_malformed: Refusal
    expired: Refusal
    not_before_malformed: Refusal
    not_before: Refusal
    issued_at_missing: Refusal
    issued_at_malformed: Refusal
    issued_in_future: Refusal
    too_old: Refusal


@dataclass(frozen=True)
class Jws:
    """A compact JWS, taken apart (RFC 7515 section 7.1)."""

    header: dict[str, Any]
    payload: dict[str, Any]
    signing_input: bytes
    signature: bytes


def take_apart(token: str, refused: Refusals) -> Jws:
    """Header, payload and signature of a token in its only spelling."""
    if not isinstance(token, str) or not token.isascii():
        raise refused.malformed
    if len(token) > _MAX_BYTES:
        raise refused.too_large
    segments = token.split(".")
    if len(segments) != 3:
        raise refused.malformed
    try:
        header, payload = parse_object(_decoded(segments[0])), parse_object(_decoded(segments[1]))
        signature = _decoded(segments[2])
    except ValueError:
        raise refused.malformed from None
    return Jws(header, payload, f"{segments[0]}.{segments[1]}".encode(), signature)


def _decoded(segment: str) -> bytes:
    """base64url without padding, in its only spelling (RFC 7515 section 2)."""
    if not _BASE64URL.fullmatch(segment):
        raise ValueError("not base64url")
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise ValueError("not base64url") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        raise ValueError("not canonical base64url")
    return data


def check_header(header: Mapping[str, Any], algorithms: frozenset[str], refused: Refusals) -> str:
    """`alg` against our list. jku, jwk, x5u and x5c are never looked at: keys come from the provider's own set."""
    algorithm = header.get("alg")
    if isinstance(algorithm, str) and algorithm.lower() == "none":
        raise refused.unsigned
    if not isinstance(algorithm, str) or algorithm not in algorithms or not _is_asymmetric(algorithm):
        raise refused.algorithm
    if "crit" in header:
        raise refused.critical_header
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise refused.malformed
    return algorithm


def _is_asymmetric(algorithm: str) -> bool:
    return algorithm in _ALGORITHMS and not algorithm.startswith("HS")


def verify_signature(jws: Jws, algorithm: str, jwks_uri: str, keys: JwksCache, refused: Refusals) -> SigningKey:
    """The provider's key that signed the token.

    Raises:
        TokenRefused: the provider has no such key, or none that can be used.
    """
    kid = jws.header.get("kid")
    key = keys.signing_key(jwks_uri, kid=kid, algorithm=algorithm)
    if _is_signed_by(jws, key):
        return key
    if kid is None:
        # A provider with one key and no key IDs: only the failing signature shows that the key was rotated.
        key = keys.signing_key(jwks_uri, kid=None, algorithm=algorithm, refetch=True)
        if _is_signed_by(jws, key):
            return key
    raise refused.signature


def _is_signed_by(jws: Jws, key: SigningKey) -> bool:
    try:
        return _ALGORITHMS[key.algorithm].verify(jws.signing_input, key.key, jws.signature)
    except (PyJWTError, InvalidSignature, ValueError, TypeError):
        return False


def check_parties(claims: Mapping[str, Any], issuer: str, client_id: str, refused: Refusals) -> tuple[str, ...]:
    """Issuer and audience (OIDC Core 3.1.3.7 rules 2 and 3); returns the audiences."""
    if claims.get("iss") != issuer:
        raise refused.issuer
    audience = claims.get("aud")
    if audience is None or audience == [] or audience == "":
        raise refused.audience_missing
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(item, str) for item in audiences):
        raise refused.audience
    if client_id not in audiences:
        raise refused.audience
    return tuple(audiences)


def check_times(claims: Mapping[str, Any], leeway: int, now: float, refused: Refusals) -> None:
    """exp, nbf and iat (OIDC Core 3.1.3.7 rules 9 and 10)."""
    if claims.get("exp") is None:
        raise refused.expiry_missing
    expires_at = numeric_date(claims["exp"])
    if expires_at is None:
        raise refused.expiry_malformed
    if now >= expires_at + leeway:
        raise refused.expired
    if claims.get("nbf") is not None:
        not_before = numeric_date(claims["nbf"])
        if not_before is None:
            raise refused.not_before_malformed
        if not_before > now + leeway:
            raise refused.not_before
    if claims.get("iat") is None:
        raise refused.issued_at_missing
    issued_at = numeric_date(claims["iat"])
    if issued_at is None:
        raise refused.issued_at_malformed
    if issued_at > now + leeway:
        raise refused.issued_in_future
    # Without leeway: ten minutes leave room enough for Entra's back-dating by five (entra.md 1.5).
    if now - issued_at > _MAX_AGE:
        raise refused.too_old
