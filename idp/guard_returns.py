"""The way back: what a guard watched is stored as it was before, and the administrators are told."""

import hashlib
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from idp import connection, upstream
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
from idp.protocol.oauth_errors import IdTokenMissing, TokenEndpointRefused, TokenResponseError
from idp.protocol.token_errors import TokenGuest, TokenNonce, TokenNonceMissing, TokenRefused
from idp.provider_status import end_sessions_against_policies, switch_status
from idp.routing_order import lock_routing
from idp.saving import locked
from users import mails
from users.audit import Actor, audited, new_reference, record
from users.email_domain import EmailDomain, domain_of
from users.models import User
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
    TokenNonce,
    TokenNonceMissing,
    IdTokenMissing,
)
# A visitor who floods the provider by way of Gatehouse can bring these about, or sends a code that a firewall minds.
_DOUBTFUL = (
    Q(code__startswith="idp.http.")
    | Q(code__startswith="idp.jwks.")
    | Q(code__startswith="idp.token_endpoint.") & ~Q(code=TokenEndpointRefused.code)
)
_EVIDENCE = (NoMatch, TokenRefused, TokenResponseError, HttpError, JwksError, TokenEndpointRefused)


def settle_guards() -> int:
    """Store the way back of every guard whose time is over, and return how many there were. One statement for none.

    Called wherever somebody signs in, and where administrators look: whoever comes first.
    """
    if not watching(until__lte=timezone.now()).exists():
        return 0
    with transaction.atomic():
        lock_routing()
        return settle_locked()


def settle_locked() -> int:
    """Do the same in the transaction of a caller that holds the routing and is about to change it."""
    actor = Actor(person=None, label="Gatehouse", request_id=new_reference())
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

    Nobody outside shall switch federation off. So only what the provider or a verified token says counts, and no error,
    code or nonce that a visitor could have made up; at providers where everybody may have an account only people with
    an email of the company's do. An account counts once; where the provider never said whose it was, each attempt does.
    That a provider cannot be reached counts only if Gatehouse itself cannot reach it, either, when that would tip it.

    Args:
        provider: as the sign-in read it, or None where it came to no provider.
        attempt: something of this attempt alone.
    """
    if provider is None or not _is_evidence(error) or not _is_ours(provider, error):
        return
    account = str(getattr(error, "context", {}).get("object_id", "")) or f"attempt {attempt}"
    who = hashlib.sha256(account.encode()).hexdigest()
    for guard in watching(provider=provider, until__gt=timezone.now()):
        try:
            with transaction.atomic():
                GuardedFailure.objects.create(guard=guard, who=who, code=str(getattr(error, "code", ""))[:64])
        except IntegrityError:
            continue  # the same account once more, or the guard is gone
        if _too_many(guard, guard.failures.count()) and _is_proven(guard, provider):
            _go_back_for_failures(guard)


def _is_evidence(error: Exception) -> bool:
    if isinstance(error, TokenEndpointRefused):  # the application was refused, not a code that anybody may make up
        return error.failure.oauth_error in {"invalid_client", "unauthorized_client"}
    return isinstance(error, _EVIDENCE) and not isinstance(error, _REFUSED_ANYWAY)


def _is_ours(provider: IdentityProvider, error: Exception) -> bool:
    """Return whether an account that matched nobody may be one of the company: all of an Entra tenant are."""
    if provider.is_entra or not isinstance(error, NoMatch):
        return True
    domain = domain_of(str(error.context.get("email", "")))
    people = User.objects.active().alias(email_domain=EmailDomain("company_email"))
    return people.filter(email_domain=domain).exists()


def _is_proven(guard: RoutingGuard, provider: IdentityProvider) -> bool:
    """Return whether the failures are too many also without those that a visitor may have brought about.

    Where they are not, Gatehouse tries the connection itself. If that works, they are forgotten.
    """
    doubtful = guard.failures.filter(_DOUBTFUL)
    certain = guard.failures.count() - doubtful.count()
    if _too_many(guard, certain):
        return True
    with upstream.one_deadline():
        steps = connection.run_steps(connection.stored(provider))
    if any(step.outcome == "failed" for step in steps):
        return True
    doubtful.delete()
    return False


def _too_many(guard: RoutingGuard, failed: int) -> bool:
    """Return whether the share of those refused is above the guard's. Counts no further than it has to."""
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
