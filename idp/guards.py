"""Enabling on trial: what is guarded goes back by itself unless an administrator confirms it in time.

Nothing has to run for that. A decision where somebody signs in passes over a policy whose guard is over; whoever
notices it next stores the way back (`idp.guard_returns`).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from idp.guard_errors import GuardMinutesInvalid, GuardNotFound, GuardOver, GuardPercentInvalid
from idp.models import FederatedIdentity, GuardOutcome, IdentityProvider, RoutingGuard, RoutingPolicy
from idp.routing_order import lock_routing
from users.audit import Actor, audited, record
from users.permissions import Permission
from users.services import require

LEAST_MINUTES, MOST_MINUTES = 5, 24 * 60
# So few failures say nothing yet, whatever their share.
LEAST_FAILED = 3


@dataclass(frozen=True)
class GuardTerms:
    """How long a guard waits for a confirmation, and at which share of failed sign-ins it does not wait any longer.

    Attributes:
        minutes: until it goes back unless it is confirmed.
        failure_percent: above this share of the people who tried it goes back at once, from three failures on.
    """

    minutes: int = 30
    failure_percent: int = 50

    def require_sane(self) -> None:
        """Raise GuardMinutesInvalid or GuardPercentInvalid for terms that guard nothing."""
        if not LEAST_MINUTES <= self.minutes <= MOST_MINUTES:
            raise GuardMinutesInvalid(minutes=self.minutes, least=LEAST_MINUTES, most=MOST_MINUTES)
        if not 1 <= self.failure_percent <= 100:
            raise GuardPercentInvalid(percent=self.failure_percent)

    def facts(self) -> dict[str, int]:
        """Return them for an audit row."""
        return {"guard_minutes": self.minutes, "guard_failure_percent": self.failure_percent}


def watching(**about: Any) -> "QuerySet[RoutingGuard]":
    """Return the guards that wait, also those whose time is over and whose way back nobody has stored yet."""
    return RoutingGuard.objects.filter(outcome=GuardOutcome.WATCHING, **about).order_by("started_at")


def place_guard(
    provider: IdentityProvider, terms: GuardTerms, *, policy: RoutingPolicy | None, from_draft: bool
) -> RoutingGuard:
    """Guard what the caller enables, in its transaction.

    Args:
        policy: the one that was made or switched on, if one was.
        from_draft: whether the provider was not active before: then all that its policies do is on trial. What is
            enabled meanwhile waits no longer than that does.
    """
    terms.require_sane()
    started = timezone.now()
    until = started + timedelta(minutes=terms.minutes)
    around = guard_for_new(provider)
    guard = RoutingGuard.objects.create(
        provider=provider,
        policy=policy,
        from_draft=from_draft,
        started_at=started,
        until=min(until, around.until) if around else until,
        failure_percent=terms.failure_percent,
    )
    if from_draft:
        RoutingPolicy.objects.filter(provider=provider).update(guard=guard)
    elif policy is not None:
        RoutingPolicy.objects.filter(pk=policy.pk).update(guard=guard)
    return guard


def guard_for_new(provider: IdentityProvider) -> RoutingGuard | None:
    """Return the guard under which a policy comes that is enabled while all of its provider is on trial."""
    return watching(provider=provider, from_draft=True).last()


@audited("idp.guard.confirmed")
def confirm_guards(*, actor: Actor, provider: IdentityProvider) -> int:
    """Confirm all that is on trial at a provider: it stays. Return how many guards that were.

    Raises:
        GuardNotFound: nothing waits.
        GuardOver: the time was over before.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    waiting = list(watching(provider=provider))
    if not waiting:
        raise GuardNotFound(name=provider.name)
    for guard in waiting:
        if not guard.is_watching:
            raise GuardOver(name=provider.name, until=f"{guard.until:%H:%M}")
    for guard in waiting:
        close(guard, GuardOutcome.CONFIRMED, actor)
        record("idp.guard.confirmed", actor=actor, target=provider, details=numbers_of(guard))
    return len(waiting)


def end_guards(actor: Actor, provider: IdentityProvider) -> None:
    """End the guards of a provider that is switched off by hand, in the caller's transaction."""
    for guard in watching(provider=provider):
        close(guard, GuardOutcome.ENDED, actor)


def release(actor: Actor, policy: RoutingPolicy) -> None:
    """Take a policy that is switched off or deleted by hand from under its guard, in the caller's transaction."""
    RoutingPolicy.objects.filter(pk=policy.pk).update(guard=None)
    policy.guard = None
    for guard in watching(policy=policy, from_draft=False):
        close(guard, GuardOutcome.ENDED, actor)


def close(guard: RoutingGuard, outcome: GuardOutcome, actor: Actor) -> None:
    """Store how a guard ended, and let go of what it watched."""
    guard.outcome, guard.ended_at, guard.ended_by = outcome, timezone.now(), actor.person
    guard.failed, guard.succeeded = guard.failures.count(), people_in(guard)
    guard.save(update_fields=["outcome", "ended_at", "ended_by", "failed", "succeeded"])
    guard.policies.update(guard=None)


def people_in(guard: RoutingGuard, *, most: int | None = None) -> int:
    """Count the people who came in through the provider since the guard began.

    Args:
        most: stop counting there.
    """
    since = FederatedIdentity.objects.filter(provider=guard.provider_id, last_sign_in_at__gte=guard.started_at)
    return since.count() if most is None else len(since.values_list("pk", flat=True)[:most])


def numbers_of(guard: RoutingGuard) -> dict[str, Any]:
    """Return what a closed guard counted, for an audit row."""
    causes = guard.failures.values_list("code").annotate(count=Count("pk")).order_by("-count", "code")[:5]
    numbers: dict[str, Any] = {"succeeded": guard.succeeded, "failed": guard.failed}
    if causes:
        numbers["causes"] = [f"{count} × {code}" for code, count in causes]
    return numbers
