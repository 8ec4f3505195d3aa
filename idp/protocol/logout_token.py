"""Logout tokens: a provider says that a session has ended (OpenID Connect Back-Channel Logout 1.0, 2.4 to 2.6)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.protocol import jws
from idp.protocol import logout_errors as refused
from idp.protocol.claims import has_controls
from idp.protocol.jwks import JwksCache
from idp.protocol.token_errors import TokenRefused

EVENT = "http://schemas.openid.net/event/backchannel-logout"

_MAX_IDENTIFIER = 255
# The draft that some providers still follow had no type, or a plain JWT's.
_TYPES = frozenset({"logout+jwt", "jwt"})

_REFUSALS = jws.Refusals(
    malformed=refused.LogoutTokenMalformed,
    too_large=refused.LogoutTokenTooLarge,
    unsigned=refused.LogoutTokenUnsigned,
    algorithm=refused.LogoutTokenAlgorithm,
    critical_header=refused.LogoutTokenCriticalHeader,
    signature=refused.LogoutTokenSignature,
    issuer=refused.LogoutTokenIssuer,
    audience_missing=refused.LogoutTokenAudienceMissing,
    audience=refused.LogoutTokenAudience,
    expiry_missing=refused.LogoutTokenExpiryMissing,
    expiry_malformed=refused.LogoutTokenExpiryMalformed,
    expired=refused.LogoutTokenExpired,
    not_before_malformed=refused.LogoutTokenNotBeforeMalformed,
    not_before=refused.LogoutTokenNotBefore,
    issued_at_missing=refused.LogoutTokenIssuedAtMissing,
    issued_at_malformed=refused.LogoutTokenIssuedAtMalformed,
    issued_in_future=refused.LogoutTokenIssuedInFuture,
    too_old=refused.LogoutTokenTooOld,
)


@dataclass(frozen=True)
class LogoutTokenPolicy:
    """Whose logout tokens are taken. `algorithms` are ours to decide, never the token's.

    Attributes:
        tenant_id: Entra's tenant, if the provider is one; "" elsewhere.
    """

    issuer: str
    client_id: str
    algorithms: frozenset[str]
    jwks_uri: str
    tenant_id: str = ""
    leeway: int = 60


@dataclass(frozen=True)
class LogoutClaims:
    """Which sessions end: those of `sid`; without one, all of `subject` at this issuer (section 2.7).

    Whoever takes the token refuses a `jti` that it has seen from this issuer before.

    Attributes:
        tenant_id: Entra's, lower-cased, where the token has it; "" elsewhere. `object_id` likewise.
    """

    issuer: str
    subject: str
    sid: str = field(repr=False)
    jti: str
    issued_at: int
    expires_at: int
    tenant_id: str = ""
    object_id: str = ""

    @property
    def federated_subject(self) -> str:
        """The key of the person at this issuer, as `IdTokenClaims` has it; "" where the token names a session alone."""
        if self.tenant_id and self.object_id:
            return f"{self.tenant_id}.{self.object_id}"
        return self.subject


def verify_logout_token(
    token: str, *, policy: LogoutTokenPolicy, keys: JwksCache, now: float | None = None
) -> LogoutClaims:
    """Checks everything about a logout token and returns what it ends.

    Raises:
        LogoutTokenRefused: with a code of its own for each reason.
        DirectoryError: the provider's keys could not be had.
    """
    signed = jws.take_apart(token, _REFUSALS)
    algorithm = jws.check_header(signed.header, policy.algorithms, _REFUSALS)
    _check_type(signed.header)
    try:
        jws.verify_signature(signed, algorithm, policy.jwks_uri, keys, _REFUSALS)
    except TokenRefused as exc:
        # The key cache speaks of ID tokens.
        raise refused.LogoutTokenKey(reason=exc.code) from exc
    claims = signed.payload
    jws.check_parties(claims, policy.issuer, policy.client_id, _REFUSALS)
    jws.check_times(claims, policy.leeway, time.time() if now is None else now, _REFUSALS)
    # Whatever its value: a token that has the member at all is meant to be an ID token.
    if "nonce" in claims:
        raise refused.LogoutTokenNonce
    _check_events(claims)
    subject, sid = _identifier(claims, "sub"), _identifier(claims, "sid").strip()
    if not subject and not sid:
        raise refused.LogoutTokenWhoMissing
    tenant_id, object_id = _entra_ids(claims, policy)
    return LogoutClaims(
        issuer=claims["iss"],
        subject=subject,
        sid=sid,
        jti=_token_id(claims),
        issued_at=int(claims["iat"]),
        expires_at=int(claims["exp"]),
        tenant_id=tenant_id,
        object_id=object_id,
    )


def _check_type(header: Mapping[str, Any]) -> None:
    """`logout+jwt`, an older provider's `JWT`, or none (section 2.4)."""
    token_type = header.get("typ")
    if token_type is None:
        return
    # RFC 7515 section 4.1.9: "application/" may be left out.
    if not isinstance(token_type, str) or token_type.lower().removeprefix("application/") not in _TYPES:
        raise refused.LogoutTokenType


def _check_events(claims: Mapping[str, Any]) -> None:
    """The one thing that tells a logout token from an ID token without a nonce."""
    events = claims.get("events")
    if events is None:
        raise refused.LogoutTokenEventsMissing
    if not isinstance(events, dict):
        raise refused.LogoutTokenEventsMalformed
    if EVENT not in events:
        raise refused.LogoutTokenEvent
    if not isinstance(events[EVENT], dict):
        raise refused.LogoutTokenEventsMalformed


def _identifier(claims: Mapping[str, Any], name: str) -> str:
    """`sub` or `sid`; "" where the token has none."""
    value = claims.get(name)
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_IDENTIFIER or has_controls(value):
        raise refused.LogoutTokenWhoMalformed
    return value


def _token_id(claims: Mapping[str, Any]) -> str:
    value = claims.get("jti")
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_IDENTIFIER or has_controls(value):
        raise refused.LogoutTokenIdMissing
    return value


def _entra_ids(claims: Mapping[str, Any], policy: LogoutTokenPolicy) -> tuple[str, str]:
    """`tid` and `oid`, where an Entra token has them; another provider's claims of these names are no identity."""
    tenant, person = claims.get("tid"), claims.get("oid")
    if not policy.tenant_id or tenant is None:
        return "", ""
    if not isinstance(tenant, str) or tenant.lower() != policy.tenant_id.lower():
        raise refused.LogoutTokenTenant
    return tenant.lower(), person.lower() if isinstance(person, str) else ""
