"""The way back: what a guard watched is stored as it was before, and the administrators are told."""

import hashlib
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from idp.expiry import recipients
from idp.federation_errors import (
    GuestNotLinked,
    NewcomerRoutedElsewhere,
    NoMatch,
    PersonIsAdministrator,
    PersonStaged,
    PersonSuspended,
)
from idp.guard_errors import GuardNotFound
from idp.guard_queries import causes_of
from idp.guards import LEAST_FAILED, close, numbers_of, people_in, watching
from idp.models import GuardedFailure, GuardOutcome, IdentityProvider, RoutingGuard, RoutingPolicy, Status
from idp.protocol.errors import HttpError, JwksError
from idp.protocol.oauth_errors import TokenEndpointRefused, TokenResponseError
from idp.protocol.token_errors import TokenGuest, TokenRefused
from idp.provider_status import end_sessions_against_policies, switch_status
from idp.routing_order import lock_routing
from idp.saving import locked
from users import mails
from users.audit import Actor, audited, new_reference, record
from users.permissions import Permission
from users.services import require

# A mail that could not be sent is tried again so long.
MAILED_WITHIN = timedelta(days=7)
# The provider works, and these would have been refused under any provider.
_REFUSED_ANYWAY = (
    GuestNotLinked,
    NewcomerRoutedElsewhere,
    PersonIsAdministrator,
    PersonStaged,
    PersonSuspended,
    TokenGuest,
)
_EVIDENCE = (NoMatch, TokenRefused, TokenResponseError, HttpError, JwksError, TokenEndpointRefused)


def settle_guards() -> int:
    """Store the way back of every guard whose time is over, and return how many there were. One statement for none.

    Called wherever somebody signs in, and where administrators look: whoever comes first.
    """
    if not watching(until__lte=timezone.now()).exists():
        return 0
    actor = Actor(person=None, label="Gatehouse", request_id=new_reference())
    with transaction.atomic():
        lock_routing()
        over = list(watching(until__lte=timezone.now()).select_related("provider"))
        for guard in over:
            _go_back(guard, GuardOutcome.EXPIRED, actor)
    return len(over)


@audited("idp.guard.called_back")
def call_back(*, actor: Actor, provider: IdentityProvider) -> int:
    """Take back now all that is on trial at a provider, and return how many guards that were.

    Raises:
        GuardNotFound: nothing waits.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    waiting = list(watching(provider=provider).select_related("provider"))
    if not waiting:
        raise GuardNotFound(name=provider.name)
    for guard in waiting:
        _go_back(guard, GuardOutcome.CALLED_BACK, actor)
    return len(waiting)


def note_failed_sign_in(provider: IdentityProvider | None, error: Exception, *, attempt: str) -> None:
    """Count a refused sign-in where a guard watches, and go back if too many of those who tried were refused.

    Only what the provider or a verified token says counts. Anybody can begin a sign-in and come back with an error of
    her own making, or with a wrong code: nobody outside shall switch federation off with that. An account counts once;
    where the provider never said whose it was, each attempt does.

    Args:
        provider: as the sign-in read it, or None where it came to no provider.
        attempt: something of this attempt alone.
    """
    if provider is None or not _is_evidence(error):
        return
    account = str(getattr(error, "context", {}).get("object_id", "")) or f"attempt {attempt}"
    who = hashlib.sha256(account.encode()).hexdigest()
    for guard in watching(provider=provider, until__gt=timezone.now()):
        try:
            with transaction.atomic():
                GuardedFailure.objects.create(guard=guard, who=who, code=str(getattr(error, "code", ""))[:64])
        except IntegrityError:
            continue  # the same account once more, or the guard is gone
        if _too_many(guard):
            _go_back_for_failures(guard)


def _is_evidence(error: Exception) -> bool:
    if not isinstance(error, _EVIDENCE) or isinstance(error, _REFUSED_ANYWAY):
        return False
    return not (isinstance(error, TokenEndpointRefused) and error.failure.oauth_error == "invalid_grant")


def _too_many(guard: RoutingGuard) -> bool:
    """Return whether the share of those refused is above the guard's. Counts no further than it has to."""
    failed = guard.failures.count()
    if failed < LEAST_FAILED:
        return False
    # failed / (failed + succeeded) > percent / 100, solved for succeeded
    enough = failed * (100 - guard.failure_percent) // guard.failure_percent + 1
    succeeded = people_in(guard, most=enough)
    return failed * 100 > guard.failure_percent * (failed + succeeded)


def _go_back_for_failures(guard: RoutingGuard) -> None:
    actor = Actor(person=None, label="Gatehouse", request_id=new_reference())
    with transaction.atomic():
        lock_routing()
        still = watching(pk=guard.pk).select_related("provider").first()
        if still is not None:
            _go_back(still, GuardOutcome.FAILURES, actor)


def _go_back(guard: RoutingGuard, outcome: GuardOutcome, actor: Actor) -> None:
    """Store the way back, in the caller's transaction; the caller holds the routing.

    One that ended with another a moment ago has gone back already.
    """
    if not watching(pk=guard.pk).exists():
        return
    provider = locked(guard.provider)
    close(guard, outcome, actor)
    _switch_off(guard)
    if guard.from_draft and provider.is_active:
        for other in watching(provider=provider):
            close(other, GuardOutcome.ENDED, actor)
            _switch_off(other)
        switch_status(provider, Status.DRAFT)
    ended = end_sessions_against_policies()
    details = {"why": outcome.label, "sessions_ended": ended, **numbers_of(guard)}
    action = "idp.guard.called_back" if outcome == GuardOutcome.CALLED_BACK else "idp.guard.went_back"
    record(action, actor=actor, target=provider, details=details)
    if guard.went_back:
        transaction.on_commit(lambda: _tell(guard))


def _switch_off(guard: RoutingGuard) -> None:
    enabled = RoutingPolicy.objects.filter(pk__in=[guard.policy_id] if guard.policy_id else [], enabled=True)
    enabled.update(enabled=False, revision=F("revision") + 1, updated_at=timezone.now())


def tell_again() -> int:
    """Send the mails that could not be sent when a guard went back, and return how many."""
    gone = (GuardOutcome.EXPIRED, GuardOutcome.FAILURES)
    since = timezone.now() - MAILED_WITHIN
    untold = RoutingGuard.objects.filter(outcome__in=gone, mailed_at=None, ended_at__gt=since)
    return sum(_tell(guard) for guard in untold.select_related("provider"))


def _tell(guard: RoutingGuard) -> bool:
    """Mail the administrators once; of two that try, one does. Whoever waits is not held by the mail server."""
    untold = RoutingGuard.objects.filter(pk=guard.pk)
    to = recipients()
    if not to or not untold.filter(mailed_at=None).update(mailed_at=timezone.now()):
        return False
    context = {
        "guard": guard,
        "provider": guard.provider,
        "causes": causes_of(guard),
        "url": mails.public("admin_portal:identity_providers"),
    }
    mail = mails.compose("guard_went_back", f"{guard.provider.name}: federation went back by itself", context, to)
    mails.send_in_background(mail, on_failure=lambda: untold.update(mailed_at=None))
    return True
