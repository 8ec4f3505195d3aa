"""Providers on, off and put away: whether people can be sent to one."""

from django.utils import timezone

from idp.activation_scope import EVERYBODY, Scope
from idp.errors import ProviderArchived, RehearsalMissing
from idp.guard_returns import settle_locked
from idp.guards import GuardTerms, end_guards, place_guard
from idp.impact import Act, ProviderImpact, confirmed, impact_of
from idp.lockout_safety import require_local_administrator
from idp.models import IdentityProvider, Status
from idp.provider_status import end_sessions_against_policies, switch_status
from idp.rehearsals import is_rehearsed
from idp.routing_order import lock_routing
from idp.routing_plan import Plan, stored_plan, with_provider
from idp.saving import locked
from users import sessions
from users.audit import Actor, audited, record
from users.permissions import Permission
from users.services import require


@audited("idp.provider.activated")
def activate_provider(
    *,
    actor: Actor,
    provider: IdentityProvider,
    understood: bool,
    fingerprint: str | None,
    without_rehearsal: bool = False,
    scope: Scope = EVERYBODY,
    guard: GuardTerms | None = None,
) -> ProviderImpact:
    """Let the routing policies send people to this provider, and end the sessions opened in another way.

    A provider that is active already for some is so for whom the scope names besides: a pilot becomes everybody.

    Args:
        understood: whether the impact was confirmed.
        fingerprint: the fingerprint of the impact that was shown, or None where the caller shows none (a command).
        without_rehearsal: whether an administrator confirmed that she has not rehearsed a sign-in. An operator at the
            shell has no browser to rehearse in, and is not asked.
        scope: to whom it applies. Whom a policy before names for another provider goes on signing in there.
        guard: how it goes back by itself unless it is confirmed; None for no such thing.

    Raises:
        GuardMinutesInvalid, GuardPercentInvalid: the guard would guard nothing.
        ImpactNotConfirmed, ImpactChanged: not what was confirmed.
        ProviderArchived: it has to be restored first.
        NoLocalAdministrator: nobody could come in and repair.
        RehearsalMissing: the administrator neither rehearsed a sign-in nor confirmed to do without.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    settle_locked()
    provider = locked(provider)
    if is_in_effect(provider, scope) and understood:
        return impact_of(Act.ACTIVATE, provider)  # a second click: it is done
    if provider.status == Status.ARCHIVED:
        raise ProviderArchived(name=provider.name)
    impact = confirmed(Act.ACTIVATE, provider, understood, fingerprint, scope=scope)
    require_local_administrator()
    facts: dict[str, object] = {**_rehearsal_facts(actor, provider, without_rehearsal)}
    policy = scope.store(_live_plan(provider), provider)
    if policy is not None:
        facts["policy"] = policy.name
    was_draft = not provider.is_active
    if was_draft:
        provider.activated_at = timezone.now()
        switch_status(provider, Status.ACTIVE)
    if guard is not None:
        place_guard(provider, guard, policy=policy, from_draft=was_draft)
        facts |= guard.facts()
    end_sessions_against_policies()
    record("idp.provider.activated", actor=actor, target=provider, details={**impact.numbers(), **facts})
    return impact


@audited("idp.provider.deactivated")
def deactivate_provider(
    *, actor: Actor, provider: IdentityProvider, understood: bool = True, fingerprint: str | None = None
) -> ProviderImpact:
    """Send nobody to this provider any more. Touches no network, so it works when the provider is down.

    Its people go where the next policy that takes them says, or sign in locally.

    Raises:
        ImpactNotConfirmed, ImpactChanged: not what was confirmed.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    settle_locked()
    provider = locked(provider)
    if not provider.is_active and understood:
        return impact_of(Act.DEACTIVATE, provider)  # a second click: it is done
    impact = confirmed(Act.DEACTIVATE, provider, understood, fingerprint)
    end_guards(actor, provider)
    switch_status(provider, Status.DRAFT)
    sessions.end_sessions(provider_id=provider.pk)
    record("idp.provider.deactivated", actor=actor, target=provider, details=impact.numbers())
    return impact


@audited("idp.provider.archived")
def archive_provider(
    *, actor: Actor, provider: IdentityProvider, understood: bool = True, fingerprint: str | None = None
) -> ProviderImpact:
    """Put a provider away with its links, its settings and its policies, so that it can be restored.

    Raises:
        ImpactNotConfirmed, ImpactChanged: not what was confirmed.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    settle_locked()
    provider = locked(provider)
    if provider.status == Status.ARCHIVED and understood:
        return impact_of(Act.ARCHIVE, provider)  # a second click: it is done
    impact = confirmed(Act.ARCHIVE, provider, understood, fingerprint)
    end_guards(actor, provider)
    switch_status(provider, Status.ARCHIVED)
    # It is not asked how it is while nobody needs it: what was found last would grow old.
    IdentityProvider.objects.filter(pk=provider.pk).update(health=None, health_checked_at=None, down_since=None)
    sessions.end_sessions(provider_id=provider.pk)
    record("idp.provider.archived", actor=actor, target=provider, details=impact.numbers())
    return impact


@audited("idp.provider.restored")
def restore_provider(*, actor: Actor, provider: IdentityProvider) -> IdentityProvider:
    """Bring an archived provider back. It sends nobody anywhere until it is activated."""
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = locked(provider)
    if provider.status == Status.ARCHIVED:
        switch_status(provider, Status.DRAFT)
        record("idp.provider.restored", actor=actor, target=provider)
    return provider


def is_in_effect(provider: IdentityProvider, scope: Scope) -> bool:
    """Return whether an activation with this scope would change nothing: the provider is active for all of it."""
    return provider.is_active and scope.change(provider)(plan := stored_plan()) == plan


def _live_plan(provider: IdentityProvider) -> Plan:
    return with_provider(stored_plan(), provider, is_live=True)


def _rehearsal_facts(actor: Actor, provider: IdentityProvider, without_rehearsal: bool) -> dict[str, bool]:
    """Return for the audit row whether the actor has seen a sign-in work; raises RehearsalMissing."""
    if is_rehearsed(provider, actor.person):
        return {"rehearsed": True}
    if actor.person is not None and not without_rehearsal:
        raise RehearsalMissing()
    return {"rehearsed": False, **({"without_rehearsal": True} if without_rehearsal else {})}
