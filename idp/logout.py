"""Signing out in both directions: here and then at the provider, and here because the provider says so."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import transaction

from idp import upstream
from idp.backends import leeway_of
from idp.logout_errors import LogoutIssuerWrong, LogoutParameterDuplicated, LogoutTokenReplayed, LogoutUnavailable
from idp.models import FederatedIdentity, IdentityProvider, SpentState
from idp.protocol.discovery import allowed_algorithms
from idp.protocol.logout_token import LogoutClaims, LogoutTokenPolicy, verify_logout_token
from users import sessions
from users.audit import Actor, audited, record
from users.plain_sql import insert_if_new

SIGNED_OUT_PATH = "/signed-out/"
# How many characters of a provider's session name are stored with a session.
SID_LENGTH = 255
# An older logout token is refused as such, whatever its `exp`, so that its `jti` need not be remembered any longer.
TOKEN_LIFETIME = timedelta(minutes=10)
# What may stand in a Content-Security-Policy without meaning anything else there.
_AUTHORITY = re.compile(r"[A-Za-z0-9.\-\[\]]+(:\d+)?", re.ASCII)


def logout_url(provider: IdentityProvider, *, login_hint: str, state: str) -> str | None:
    """Return where to end the session at the provider as well, or None where it has no such address.

    OpenID Connect RP-Initiated Logout 1.0, section 2. Entra takes the `login_hint` claim as `logout_hint`.
    """
    endpoint = provider.discovered.end_session_endpoint
    if not endpoint:
        return None
    params = {
        "post_logout_redirect_uri": f"{settings.PUBLIC_URL}{SIGNED_OUT_PATH}",
        "client_id": provider.client_id,
        "state": state,
    }
    if login_hint:
        params["logout_hint"] = login_hint
    separator = "&" if "?" in endpoint else "?"
    return f"{endpoint}{separator}{urlencode(params)}"


def framing_origins(provider: IdentityProvider) -> list[str]:
    """Return who may show our front-channel logout in a frame: the provider's sign-out page, wherever it is."""
    addresses = (provider.issuer, provider.discovered.end_session_endpoint)
    parts = [urlsplit(address) for address in addresses if address]
    return sorted({f"{part.scheme}://{part.netloc}" for part in parts if _AUTHORITY.fullmatch(part.netloc)})


@audited("idp.logout.frontchannel")
def end_by_frontchannel(*, actor: Actor, provider: IdentityProvider, sids: list[str], issuers: list[str]) -> int:
    """End the sessions that a provider names in a hidden frame, and return how many there were.

    OpenID Connect Front-Channel Logout 1.0, section 2. Entra sends `sid` alone. Without one nothing ends: whoever
    opens the address could otherwise sign everybody out.

    Raises:
        LogoutParameterDuplicated: which value is meant cannot be told.
        LogoutIssuerWrong: `iss` is there, and another.
    """
    if len(sids) > 1 or len(issuers) > 1:
        raise LogoutParameterDuplicated()
    if issuers and issuers[0] != provider.issuer:
        raise LogoutIssuerWrong()
    if not sids or not sids[0] or "\x00" in sids[0]:
        return 0
    ended = sessions.end_sessions(provider_id=provider.pk, upstream_sid=sids[0][:SID_LENGTH])
    if ended:
        record("idp.logout.frontchannel", actor=actor, target=provider, details={"sessions_ended": ended})
    return ended


@audited("idp.logout.backchannel", atomic=False)
def end_by_backchannel(*, actor: Actor, provider: IdentityProvider, logout_token: str) -> int:
    """End the sessions that a provider's logout token names, and return how many there were: none is a success too.

    OpenID Connect Back-Channel Logout 1.0, sections 2.6 and 2.7.

    Raises:
        LogoutUnavailable: the provider was never in use.
        LogoutTokenRefused: the token, with a code of its own for each reason.
        LogoutTokenReplayed: it came before.
        DirectoryError: the provider's keys could not be had.
    """
    if provider.activated_at is None:
        raise LogoutUnavailable()
    metadata = provider.discovered
    policy = LogoutTokenPolicy(
        issuer=provider.issuer,
        client_id=provider.client_id,
        algorithms=allowed_algorithms(provider.kind, metadata),
        jwks_uri=metadata.jwks_uri,
        tenant_id=provider.tenant_id,
        leeway=leeway_of(provider),
    )
    claims = verify_logout_token(logout_token, policy=policy, keys=upstream.keys())
    with transaction.atomic():
        _spend(claims, policy.leeway)
        ended = _end_named(provider, claims)
        details = {"sessions_ended": ended, "by": "sid" if claims.sid else "sub"}
        record("idp.logout.backchannel", actor=actor, target=provider, details=details)
    return ended


def _spend(claims: LogoutClaims, leeway: int) -> None:
    """Note the token's `jti` for as long as the token could be taken again (section 2.6, step 7)."""
    mark = hashlib.sha256(f"jti:{claims.issuer} {claims.jti}".encode()).hexdigest()
    ends_at = datetime.fromtimestamp(claims.issued_at, UTC) + TOKEN_LIFETIME + timedelta(seconds=2 * leeway)
    if not insert_if_new(SpentState(state_hash=mark, expires_at=ends_at)):
        raise LogoutTokenReplayed()


def _end_named(provider: IdentityProvider, claims: LogoutClaims) -> int:
    """End the sessions of the `sid`; without one, all that the provider opened for the person (section 2.7)."""
    if claims.sid:
        return sessions.end_sessions(provider_id=provider.pk, upstream_sid=claims.sid)
    links = FederatedIdentity.objects.filter(issuer=claims.issuer, subject=claims.federated_subject)
    return sessions.end_sessions(provider_id=provider.pk, person__in=links.values("person"))
