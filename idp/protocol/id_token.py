"""ID token validation, in the order of reference/rp-conformance.md (OIDC Core 3.1.3.7, RFC 7519, RFC 8725)."""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

from idp.protocol import token_errors as refused
from idp.protocol.claims import build, has_controls, numeric_date
from idp.protocol.jwks import JwksCache
from idp.protocol.key_sets import SigningKey
from idp.protocol.strict_json import parse_object
from idp.protocol.types import IdTokenClaims

_MAX_BYTES = 16384
_MAX_AGE = 600
_MAX_SUBJECT = 255
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_TENANT_PLACEHOLDER = re.compile(re.escape("{tenantid}"), re.IGNORECASE)
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True)
class EntraTokenPolicy:
    """What Entra adds: the tenant is pinned, and guests are a decision."""

    tenant_id: str
    allow_guests: bool = False


@dataclass(frozen=True)
class IdTokenPolicy:
    """What one sign-in expects of its ID token. `algorithms` are ours to decide, never the token's."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    algorithms: frozenset[str]
    jwks_uri: str
    entra: EntraTokenPolicy | None = None
    leeway: int = 60


@dataclass(frozen=True)
class _Jws:
    """A compact JWS, taken apart (RFC 7515 section 7.1)."""

    header: dict[str, Any]
    payload: dict[str, Any]
    signing_input: bytes
    signature: bytes


def verify(
    token: str, *, policy: IdTokenPolicy, keys: JwksCache, now: float | None = None, access_token: str | None = None
) -> IdTokenClaims:
    """Checks everything about an ID token and returns who signed in.

    Raises:
        TokenRefused: with a code of its own for each reason.
        DirectoryError: the provider's keys could not be had.
    """
    now = time.time() if now is None else now
    jws = _take_apart(token)
    algorithm = _check_header(jws.header, policy.algorithms)
    key = _verify_signature(jws, algorithm, policy, keys)
    audience = _check_parties(jws.payload, policy)
    _check_times(jws.payload, policy.leeway, now)
    _check_nonce(jws.payload, policy.nonce)
    _check_access_token_hash(jws.payload, algorithm, access_token)
    _check_subject(jws.payload)
    is_guest = False
    if policy.entra is not None:
        _check_tenant(jws.payload, policy.entra)
        _check_key_issuer(key, jws.payload)
        is_guest = _is_guest(jws.payload)
        if is_guest and not policy.entra.allow_guests:
            # Everything about the token is right: the administrator who may allow guests is to know who came.
            guest = build(jws.payload, audience=audience, entra=True, is_guest=True)
            raise refused.TokenGuest(email=guest.email.lower(), name=guest.name, object_id=guest.object_id)
    return build(jws.payload, audience=audience, entra=policy.entra is not None, is_guest=is_guest)


def _take_apart(token: str) -> _Jws:
    if not isinstance(token, str) or not token.isascii():
        raise refused.TokenMalformed
    if len(token) > _MAX_BYTES:
        raise refused.TokenTooLarge
    segments = token.split(".")
    if len(segments) != 3:
        raise refused.TokenMalformed
    try:
        header, payload = parse_object(_decoded(segments[0])), parse_object(_decoded(segments[1]))
        signature = _decoded(segments[2])
    except ValueError:
        raise refused.TokenMalformed from None
    return _Jws(header, payload, f"{segments[0]}.{segments[1]}".encode(), signature)


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


def _check_header(header: Mapping[str, Any], algorithms: frozenset[str]) -> str:
    """`alg` against our list. jku, jwk, x5u and x5c are never looked at: keys come from the provider's own set."""
    algorithm = header.get("alg")
    if isinstance(algorithm, str) and algorithm.lower() == "none":
        raise refused.TokenUnsigned
    if not isinstance(algorithm, str) or algorithm not in algorithms or not _is_asymmetric(algorithm):
        raise refused.TokenAlgorithm
    if "crit" in header:
        raise refused.TokenCriticalHeader
    token_type = header.get("typ")
    # Access, logout and other typed tokens of the same issuer must not pass (RFC 8725 section 3.11).
    if isinstance(token_type, str) and token_type.lower().endswith("+jwt"):
        raise refused.TokenType
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise refused.TokenMalformed
    return algorithm


def _is_asymmetric(algorithm: str) -> bool:
    return algorithm in get_default_algorithms() and not algorithm.startswith("HS")


def _verify_signature(jws: _Jws, algorithm: str, policy: IdTokenPolicy, keys: JwksCache) -> SigningKey:
    kid = jws.header.get("kid")
    key = keys.signing_key(policy.jwks_uri, kid=kid, algorithm=algorithm)
    if not _is_signed_by(jws, key) and kid is None:
        # A provider with one key and no key IDs: only the failing signature shows that the key was rotated.
        key = keys.signing_key(policy.jwks_uri, kid=None, algorithm=algorithm, refetch=True)
    if not _is_signed_by(jws, key):
        raise refused.TokenSignature
    return key


def _is_signed_by(jws: _Jws, key: SigningKey) -> bool:
    try:
        return get_default_algorithms()[key.algorithm].verify(jws.signing_input, key.key, jws.signature)
    except (PyJWTError, InvalidSignature, ValueError, TypeError):
        return False


def _check_parties(claims: Mapping[str, Any], policy: IdTokenPolicy) -> tuple[str, ...]:
    """Issuer, audience and authorized party (rules 2 to 5)."""
    if claims.get("iss") != policy.issuer:
        raise refused.TokenIssuer
    audience = claims.get("aud")
    if audience is None or audience == [] or audience == "":
        raise refused.TokenAudienceMissing
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(item, str) for item in audiences):
        raise refused.TokenAudience
    if policy.client_id not in audiences:
        raise refused.TokenAudience
    authorized_party = claims.get("azp")
    if authorized_party is None and len(set(audiences)) > 1:
        raise refused.TokenAuthorizedPartyMissing
    if authorized_party is not None and authorized_party != policy.client_id:
        raise refused.TokenAuthorizedParty
    return tuple(audiences)


def _check_times(claims: Mapping[str, Any], leeway: int, now: float) -> None:
    """exp, nbf and iat (rules 9 and 10)."""
    if claims.get("exp") is None:
        raise refused.TokenExpiryMissing
    expires_at = numeric_date(claims["exp"])
    if expires_at is None:
        raise refused.TokenExpiryMalformed
    if now >= expires_at + leeway:
        raise refused.TokenExpired
    if claims.get("nbf") is not None:
        not_before = numeric_date(claims["nbf"])
        if not_before is None:
            raise refused.TokenNotBeforeMalformed
        if not_before > now + leeway:
            raise refused.TokenNotBefore
    if claims.get("iat") is None:
        raise refused.TokenIssuedAtMissing
    issued_at = numeric_date(claims["iat"])
    if issued_at is None:
        raise refused.TokenIssuedAtMalformed
    if issued_at > now + leeway:
        raise refused.TokenIssuedInFuture
    # Without leeway: ten minutes leave room enough for Entra's back-dating by five (entra.md 1.5).
    if now - issued_at > _MAX_AGE:
        raise refused.TokenTooOld


def _check_nonce(claims: Mapping[str, Any], expected: str) -> None:
    """Rule 11. A sign-in without a nonce of its own accepts none."""
    nonce = claims.get("nonce")
    if nonce is None or nonce == "" or not expected:
        raise refused.TokenNonceMissing
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.encode()):
        raise refused.TokenNonce


def _check_access_token_hash(claims: Mapping[str, Any], algorithm: str, access_token: str | None) -> None:
    """at_hash, where the provider sends one (OIDC Core 3.1.3.6); Entra does not from its token endpoint."""
    claimed = claims.get("at_hash")
    if claimed is None or not access_token:
        return
    digest = _HASHES.get(algorithm[-3:], hashlib.sha512)(access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(claimed, str) or not hmac.compare_digest(claimed.encode(), half):
        raise refused.TokenAccessHash


def _check_subject(claims: Mapping[str, Any]) -> None:
    subject = claims.get("sub")
    if subject is None or subject == "":
        raise refused.TokenSubjectMissing
    if not isinstance(subject, str) or not subject.strip() or len(subject) > _MAX_SUBJECT or has_controls(subject):
        raise refused.TokenSubjectMalformed


def _check_tenant(claims: Mapping[str, Any], policy: EntraTokenPolicy) -> None:
    """entra.md section 2 rule 1."""
    if claims.get("ver") != "2.0":
        raise refused.TokenVersion
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or tenant.lower() != policy.tenant_id.lower():
        raise refused.TokenTenant
    # The first path segment of the issuer, which was compared already, names the tenant a second time.
    if tenant.lower() not in claims["iss"].lower().split("/"):
        raise refused.TokenTenantIssuer
    object_id = claims.get("oid")
    if object_id is None or object_id == "":
        raise refused.TokenObjectIdMissing
    if not isinstance(object_id, str) or not _GUID.fullmatch(object_id.lower()):
        raise refused.TokenObjectIdMalformed


def _check_key_issuer(key: SigningKey, claims: Mapping[str, Any]) -> None:
    """entra.md 1.3: a key shared by tenants has a placeholder, a key of one tenant its issuer."""
    if key.issuer is None:
        return
    tenant: str = claims["tid"]
    # Without regard to case, which GUIDs do not have.
    if _TENANT_PLACEHOLDER.sub(lambda _: tenant, key.issuer).lower() != claims["iss"].lower():
        raise refused.TokenKeyIssuer


def _is_guest(claims: Mapping[str, Any]) -> bool:
    """`acct` 1, or an identity provider other than the tenant itself (entra.md section 2 rule 3)."""
    if claims.get("acct") not in (None, 0, "0"):
        return True
    home = claims.get("idp")
    # The tenant's own v1 issuer is the same identity provider.
    return home not in (None, claims["iss"], f"https://sts.windows.net/{claims['tid']}/")
