"""Asking a provider at intervals whether a session still stands, by its refresh token.

A provider tells nobody when it disables an account or an administrator revokes sessions there. Where the re-check is
on, a sign-in brings a refresh token along, and the first page that a person opens after the interval redeems it: the
provider's "no" ends the session. Anything else leaves it as it is: a provider that is down, or a client secret that
has run out, must not sign everybody out.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from idp import probe, upstream
from idp.backends import policy_of
from idp.fields import Secret
from idp.logout_errors import RecheckMinutesInvalid, RecheckUnsupported
from idp.models import IdentityProvider, UpstreamGrant
from idp.protocol import id_token, token_endpoint
from idp.protocol.errors import HttpError
from idp.protocol.id_token import OriginalSignIn
from idp.protocol.oauth_errors import GrantEnded, TokenEndpointUnavailable
from idp.protocol.token_errors import TokenKeyUnknown, TokenRefused
from idp.protocol.types import IdTokenClaims, TokenResponse
from users import sessions
from users.audit import Actor, record, record_refusal
from users.errors import DirectoryError
from users.log_context import note
from users.models import AuditEvent

# What a provider can be set to; 0 is off.
MINUTES = (0, 5, 10, 15, 30, 60)
# When to ask again after an answer that says nothing about the session.
RETRY_AFTER = timedelta(minutes=1)
# A trouble that all sessions share is in the audit log once in so long, not once for every session and minute.
TOLD_EVERY = timedelta(minutes=10)

CHECKED, FAILED, IMPOSSIBLE = "idp.session.checked", "idp.session.check_failed", "idp.session.not_checkable"


def check_minutes(provider: IdentityProvider, minutes: int) -> int:
    """Return an interval that this provider can have.

    Raises:
        RecheckMinutesInvalid: it is none of those offered.
        RecheckUnsupported: the provider says that it gives no refresh tokens.
    """
    if minutes not in MINUTES:
        raise RecheckMinutesInvalid(minutes=minutes)
    offered = provider.discovered.scopes_supported
    if minutes and offered and "offline_access" not in offered:
        raise RecheckUnsupported()
    return minutes


@dataclass(frozen=True)
class Coverage:
    """How many of a provider's live sessions can be checked again."""

    live: int
    checkable: int


def coverage_of(provider: IdentityProvider) -> Coverage:
    """Return how many sessions a provider has open here, and for how many of them it gave a refresh token."""
    now = timezone.now()
    grants = UpstreamGrant.objects.filter(provider=provider, session__expire_date__gt=now)
    return Coverage(sessions.live_sessions(provider_id=provider.pk), grants.count())


def interval_changed(provider: IdentityProvider) -> None:
    """Let a new interval hold for the sessions that there are, in the caller's transaction.

    Switched off, their refresh tokens are of no use any more and are removed.
    """
    if not provider.recheck_minutes:
        UpstreamGrant.objects.filter(provider=provider).delete()
        return
    next_check_at = timezone.now() + timedelta(minutes=provider.recheck_minutes)
    UpstreamGrant.objects.filter(provider=provider, next_check_at__gt=next_check_at).update(next_check_at=next_check_at)


def keep_grant(
    *,
    actor: Actor,
    session_key: str,
    provider: IdentityProvider,
    claims: IdTokenClaims,
    refresh_token: str,
    nonce: str = "",
) -> None:
    """Keep the refresh token of a fresh session, encrypted, in the caller's transaction.

    Does nothing where the provider's sessions are not checked. Where they are and no token came, the sign-in is good
    all the same; the audit log and the provider's page say that this session cannot be checked.

    Args:
        session_key: the key of the stored session, as the browser holds it; its hash is what is stored.
        nonce: that of the sign-in: a refreshed token may repeat it, and must have no other (OIDC Core 12.2).
    """
    if not provider.recheck_minutes:
        return
    if not refresh_token:
        _tell_once(IMPOSSIBLE, actor, provider)
        return
    UpstreamGrant.objects.create(
        session_id=sessions.hashed(session_key),
        provider=provider,
        original=asdict(OriginalSignIn.of(claims, nonce=nonce)),
        refresh_token=Secret.of(refresh_token),
        next_check_at=timezone.now() + timedelta(minutes=provider.recheck_minutes),
    )


def recheck_session(*, actor: Actor, provider: IdentityProvider, session_key: str) -> DirectoryError | None:
    """Ask the provider whether a session still stands, if it is time; return why it was ended, or None.

    Of several requests at once one asks. No transaction is held meanwhile.
    """
    grant = _claimed(provider, sessions.hashed(session_key))
    if grant is None:
        return None
    note(provider=provider.slug)
    try:
        with upstream.one_deadline():
            _ask(provider, grant)
    except (GrantEnded, TokenRefused) as refusal:
        # A key that is not published yet is a rotation under way: the next check will know it.
        if not isinstance(refusal, TokenKeyUnknown):
            _end(actor, provider, grant, refusal)
            return refusal
        _tell_once(FAILED, actor, provider, refusal)
    except DirectoryError as trouble:
        # Nothing is known about the session. It is the provider's trouble, or the administrators'.
        if isinstance(trouble, HttpError | TokenEndpointUnavailable):
            _wait(provider)
        _tell_once(FAILED, actor, provider, trouble)
    return None


def _wait(provider: IdentityProvider) -> None:
    """Let nobody else ask a provider that is down for a moment: every page would wait for it in vain."""
    soon = timezone.now() + RETRY_AFTER
    UpstreamGrant.objects.filter(provider=provider, next_check_at__lt=soon).update(next_check_at=soon)


def _claimed(provider: IdentityProvider, session_id: str) -> UpstreamGrant | None:
    """Return the grant of a session whose check is due, and make sure that nobody else checks it meanwhile."""
    now = timezone.now()
    grant = UpstreamGrant.objects.filter(session_id=session_id, provider=provider, next_check_at__lte=now).first()
    if grant is None:
        return None
    mine = UpstreamGrant.objects.filter(pk=grant.pk, next_check_at=grant.next_check_at)
    return grant if mine.update(next_check_at=now + RETRY_AFTER) else None


def _ask(provider: IdentityProvider, grant: UpstreamGrant) -> None:
    """Redeem the refresh token, keep what comes back, and check that it is still the same person."""
    metadata = provider.discovered
    tokens = token_endpoint.refresh(
        upstream.client(),
        metadata,
        probe.credentials_of(provider, metadata),
        refresh_token=grant.refresh_token.reveal(),
    )
    # First of all: a provider that rotates them takes the former one no more, whatever else is wrong.
    # Where none came the stored one stays untouched: `keys rotate` may have encrypted it anew meanwhile.
    stored = UpstreamGrant.objects.filter(pk=grant.pk)
    if tokens.refresh_token:
        stored.update(refresh_token=Secret.of(tokens.refresh_token))
    if tokens.id_token:
        _verify(provider, grant, tokens)
    now = timezone.now()
    stored.update(last_checked_at=now, next_check_at=now + timedelta(minutes=provider.recheck_minutes))


def _verify(provider: IdentityProvider, grant: UpstreamGrant, tokens: TokenResponse) -> None:
    """Check the ID token of a refresh (OpenID Connect Core 1.0, section 12.2)."""
    id_token.verify_refreshed(
        tokens.id_token,
        policy=policy_of(provider),
        keys=upstream.keys(),
        original=OriginalSignIn(**grant.original),
        access_token=tokens.access_token,
    )


def _end(actor: Actor, provider: IdentityProvider, grant: UpstreamGrant, refusal: DirectoryError) -> None:
    with transaction.atomic():
        sessions.end_sessions(session_key=grant.session_id)
        record_refusal(CHECKED, actor=actor, error=refusal, target=provider, details={"sessions_ended": 1})


def _tell_once(action: str, actor: Actor, provider: IdentityProvider, error: DirectoryError | None = None) -> None:
    """Write an audit row about a provider, unless the same is there already since a few minutes."""
    since = timezone.now() - TOLD_EVERY
    code = error.code if error else ""
    told = AuditEvent.objects.filter(action=action, error_code=code, target_id=str(provider.pk), at__gte=since)
    if not told.exists():
        record(action, actor=actor, target=provider, error=error)
