"""ID token validation, in the order of reference/rp-conformance.md (OIDC Core 3.1.3.7, RFC 7519, RFC 8725)."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.protocol import jws
from idp.protocol import token_errors as refused
from idp.protocol.claims import build, has_controls, numeric_date
from idp.protocol.jwks import JwksCache
from idp.protocol.key_sets import SigningKey
from idp.protocol.types import IdTokenClaims

_MAX_SUBJECT = 255
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_TENANT_PLACEHOLDER = re.compile(re.escape("{tenantid}"), re.IGNORECASE)
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}

_REFUSALS = jws.Refusals(
    malformed=refused.TokenMalformed,
    too_large=refused.TokenTooLarge,
    unsigned=refused.TokenUnsigned,
    algorithm=refused.TokenAlgorithm,
    critical_header=refused.TokenCriticalHeader,
    signature=refused.TokenSignature,
    issuer=refused.TokenIssuer,
    audience_missing=refused.TokenAudienceMissing,
    audience=refused.TokenAudience,
    expiry_missing=refused.TokenExpiryMissing,
    expiry_malformed=refused.TokenExpiryMalformed,
    expired=refused.TokenExpired,
    not_before_malformed=refused.TokenNotBeforeMalformed,
    not_before=refused.TokenNotBefore,
    issued_at_missing=refused.TokenIssuedAtMissing,
    issued_at_malformed=refused.TokenIssuedAtMalformed,
    issued_in_future=refused.TokenIssuedInFuture,
    too_old=refused.TokenTooOld,
)


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
    code: str = field(default="", repr=False)


@dataclass(frozen=True)
class OriginalSignIn:
    """What the first ID token of a session said, and what every refreshed one has to repeat (OIDC Core 12.2).

    Attributes:
        tenant_id: Entra's, lower-cased; "" elsewhere. `object_id` likewise.
        auth_time: when the person authenticated, where the provider said so.
        nonce: the nonce of that sign-in; "" where it was not kept, and then a refreshed token may hold none.
    """

    issuer: str
    subject: str
    tenant_id: str = ""
    object_id: str = ""
    auth_time: int | None = None
    nonce: str = field(default="", repr=False)

    @classmethod
    def of(cls, claims: IdTokenClaims, *, nonce: str = "") -> "OriginalSignIn":
        """What to keep of the claims that began a session."""
        authenticated_at = numeric_date(claims.raw.get("auth_time"))
        return cls(
            issuer=claims.issuer,
            subject=claims.subject,
            tenant_id=claims.tenant_id,
            object_id=claims.object_id,
            auth_time=None if authenticated_at is None else int(authenticated_at),
            nonce=nonce,
        )


def verify(
    token: str, *, policy: IdTokenPolicy, keys: JwksCache, now: float | None = None, access_token: str | None = None
) -> IdTokenClaims:
    """Checks everything about an ID token and returns who signed in.

    Raises:
        TokenRefused: with a code of its own for each reason.
        DirectoryError: the provider's keys could not be had.
    """
    signed, key, audience = _verified(token, policy, keys, now)
    _check_nonce(signed.payload, policy.nonce)
    return _who(signed, key, audience, policy, access_token)


def verify_refreshed(
    token: str,
    *,
    policy: IdTokenPolicy,
    keys: JwksCache,
    original: OriginalSignIn,
    now: float | None = None,
    access_token: str | None = None,
) -> IdTokenClaims:
    """Checks the ID token that a refresh brought: everything that `verify` checks, and that it is the same person.

    A nonce need not be there; where there is one it has to be the original's (OIDC Core 12.2). `policy.nonce` is not
    looked at.

    Raises:
        TokenRefused: with a code of its own for each reason.
        DirectoryError: the provider's keys could not be had.
    """
    signed, key, audience = _verified(token, policy, keys, now)
    if original.issuer != policy.issuer:
        # The provider's settings were changed since: the session is another issuer's.
        raise refused.TokenIssuer
    if signed.payload.get("nonce") is not None:
        _check_nonce(signed.payload, original.nonce, missing=refused.TokenNonce)
    claims = _who(signed, key, audience, policy, access_token)
    if (claims.subject, claims.tenant_id, claims.object_id) != (
        original.subject,
        original.tenant_id.lower(),
        original.object_id.lower(),
    ):
        raise refused.TokenSubjectChanged
    _check_auth_time(signed.payload, original.auth_time, policy.leeway)
    return claims


def _verified(
    token: str, policy: IdTokenPolicy, keys: JwksCache, now: float | None
) -> tuple[jws.Jws, SigningKey, tuple[str, ...]]:
    """Form, signature, parties and times of a token, which do not depend on what it answers."""
    signed = jws.take_apart(token, _REFUSALS)
    algorithm = jws.check_header(signed.header, policy.algorithms, _REFUSALS)
    _check_type(signed.header)
    key = jws.verify_signature(signed, algorithm, policy.jwks_uri, keys, _REFUSALS)
    audience = jws.check_parties(signed.payload, policy.issuer, policy.client_id, _REFUSALS)
    _check_authorized_party(signed.payload, audience, policy.client_id)
    jws.check_times(signed.payload, policy.leeway, time.time() if now is None else now, _REFUSALS)
    return signed, key, audience


def _who(
    signed: jws.Jws, key: SigningKey, audience: tuple[str, ...], policy: IdTokenPolicy, access_token: str | None
) -> IdTokenClaims:
    """The person of a token that is sound otherwise."""
    claims = signed.payload
    _check_hash(claims.get("at_hash"), access_token, key.algorithm, refused.TokenAccessHash)
    _check_hash(claims.get("c_hash"), policy.code, key.algorithm, refused.TokenCodeHash)
    _check_subject(claims)
    is_guest = False
    if policy.entra is not None:
        _check_tenant(claims, policy.entra)
        _check_key_issuer(key, claims)
        is_guest = _is_guest(claims)
        if is_guest and not policy.entra.allow_guests:
            # Everything about the token is right: the administrator who may allow guests is to know who came.
            guest = build(claims, audience=audience, entra=True, is_guest=True)
            raise refused.TokenGuest(email=guest.email.lower(), name=guest.name, object_id=guest.object_id)
    return build(claims, audience=audience, entra=policy.entra is not None, is_guest=is_guest)


def _check_type(header: Mapping[str, Any]) -> None:
    """Access, logout and other typed tokens of the same issuer must not pass (RFC 8725 section 3.11)."""
    token_type = header.get("typ")
    if isinstance(token_type, str) and token_type.lower().endswith("+jwt"):
        raise refused.TokenType


def _check_authorized_party(claims: Mapping[str, Any], audience: tuple[str, ...], client_id: str) -> None:
    """Rules 4 and 5."""
    authorized_party = claims.get("azp")
    if authorized_party is None and len(set(audience)) > 1:
        raise refused.TokenAuthorizedPartyMissing
    if authorized_party is not None and authorized_party != client_id:
        raise refused.TokenAuthorizedParty


def _check_nonce(
    claims: Mapping[str, Any], expected: str, missing: type[refused.TokenRefused] = refused.TokenNonceMissing
) -> None:
    """Rule 11. A sign-in without a nonce of its own accepts none."""
    nonce = claims.get("nonce")
    if nonce is None or nonce == "" or not expected:
        raise missing
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.encode()):
        raise refused.TokenNonce


def _check_auth_time(claims: Mapping[str, Any], original: int | None, leeway: int) -> None:
    """`auth_time` of a refreshed token is when the person authenticated, not when the token was made (12.2)."""
    if original is None or claims.get("auth_time") is None:
        return
    authenticated_at = numeric_date(claims["auth_time"])
    if authenticated_at is None or abs(authenticated_at - original) > leeway:
        raise refused.TokenAuthTimeChanged


def _check_hash(claimed: object, hashed: str | None, algorithm: str, refusal: type[refused.TokenRefused]) -> None:
    """at_hash and c_hash, where the provider sends them (OIDC Core 3.1.3.6); Entra does not from its token endpoint."""
    if claimed is None or not hashed:
        return
    digest = _HASHES.get(algorithm[-3:], hashlib.sha512)(hashed.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(claimed, str) or not hmac.compare_digest(claimed.encode(), half):
        raise refusal


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
