"""Providers on, off and put away: whether people can be sent to one."""

from django.utils import timezone

from idp.activation_scope import EVERYBODY, Scope
from idp.errors import ProviderArchived, RehearsalMissing
from idp.impact import Act, ProviderImpact, confirmed, impact_of
from idp.lockout_safety import require_local_administrator
from idp.models import IdentityProvider, Rehearsal, Status
from idp.rehearsals import is_rehearsed
from idp.routing_order import lock_routing
from idp.routing_plan import sessions_against, stored_plan, with_provider
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
) -> ProviderImpact:
    """Let the routing policies send people to this provider, and end the sessions opened in another way.

    Args:
        understood: whether the impact was confirmed.
        fingerprint: the fingerprint of the impact that was shown, or None where the caller shows none (a command).
        without_rehearsal: whether an administrator confirmed that she has not rehearsed a sign-in. An operator at the
            shell has no browser to rehearse in, and is not asked.
        scope: to whom it applies. Whom a policy before names for another provider goes on signing in there.

    Raises:
        ImpactNotConfirmed, ImpactChanged: not what was confirmed.
        ProviderArchived: it has to be restored first.
        NoLocalAdministrator: nobody could come in and repair.
        RehearsalMissing: the administrator neither rehearsed a sign-in nor confirmed to do without.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    provider = locked(provider)
    if provider.is_active and understood:
        return impact_of(Act.ACTIVATE, provider)  # a second click: it is done
    if provider.status == Status.ARCHIVED:
        raise ProviderArchived(name=provider.name)
    impact = confirmed(Act.ACTIVATE, provider, understood, fingerprint, scope=scope)
    require_local_administrator()
    facts: dict[str, object] = {**_rehearsal_facts(actor, provider, without_rehearsal)}
    policy = scope.store(with_provider(stored_plan(), provider, is_live=True), provider)
    if policy is not None:
        facts["policy"] = policy.name
    provider.activated_at = timezone.now()
    _switch(provider, Status.ACTIVE)
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
    provider = locked(provider)
    if not provider.is_active and understood:
        return impact_of(Act.DEACTIVATE, provider)  # a second click: it is done
    impact = confirmed(Act.DEACTIVATE, provider, understood, fingerprint)
    _switch(provider, Status.DRAFT)
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
    provider = locked(provider)
    if provider.status == Status.ARCHIVED and understood:
        return impact_of(Act.ARCHIVE, provider)  # a second click: it is done
    impact = confirmed(Act.ARCHIVE, provider, understood, fingerprint)
    _switch(provider, Status.ARCHIVED)
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
        _switch(provider, Status.DRAFT)
        record("idp.provider.restored", actor=actor, target=provider)
    return provider


def end_sessions_against_policies() -> int:
    """End the sessions in the User Portal of people who sign in another way now, and return how many there were."""
    against = sessions_against(stored_plan()).values_list("pk", flat=True)
    return sessions.end_sessions(pk__in=list(against))


def _switch(provider: IdentityProvider, status: Status) -> None:
    """Store the status. Sign-ins under way start again; what was rehearsed with these very settings still counts."""
    provider.status = status
    provider.version += 1
    provider.revision += 1
    provider.save(update_fields=["status", "activated_at", "version", "revision", "updated_at"])
    earlier = Rehearsal.objects.filter(provider=provider, provider_version=provider.version - 1)
    earlier.update(provider_version=provider.version)


def _rehearsal_facts(actor: Actor, provider: IdentityProvider, without_rehearsal: bool) -> dict[str, bool]:
    """Return for the audit row whether the actor has seen a sign-in work; raises RehearsalMissing."""
    if is_rehearsed(provider, actor.person):
        return {"rehearsed": True}
    if actor.person is not None and not without_rehearsal:
        raise RehearsalMissing()
    return {"rehearsed": False, **({"without_rehearsal": True} if without_rehearsal else {})}
