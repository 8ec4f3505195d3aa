"""Federation on and off: whether people are sent to a provider."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from idp.errors import AnotherProviderActive, NoLocalAdministrator, RehearsalMissing
from idp.impact import Act, ProviderImpact, confirmed, impact_of
from idp.models import IdentityProvider, Rehearsal, Status
from idp.queries import active_provider
from idp.rehearsals import is_rehearsed
from idp.saving import locked
from users import sessions
from users.audit import Actor, audited, record
from users.models import AdminRole, Realm, State, User
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
) -> ProviderImpact:
    """Send all people without a role to this provider from now on, and end the sessions that they opened locally.

    Args:
        understood: whether the impact was confirmed.
        fingerprint: the fingerprint of the impact that was shown, or None where the caller shows none (a command).
        without_rehearsal: whether an administrator confirmed that she has not rehearsed a sign-in. An operator at the
            shell has no browser to rehearse in, and is not asked.

    Raises:
        ImpactNotConfirmed, ImpactChanged: not what was confirmed.
        AnotherProviderActive: one at a time.
        NoLocalAdministrator: nobody could come in and repair.
        RehearsalMissing: the administrator neither rehearsed a sign-in nor confirmed to do without.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = locked(provider)
    if provider.is_active and understood:
        return impact_of(Act.ACTIVATE, provider)  # a second click: it is done
    impact = confirmed(Act.ACTIVATE, provider, understood, fingerprint)
    other = active_provider()
    if other is not None:
        raise AnotherProviderActive(name=other.name)
    _require_local_administrator()
    rehearsal = _rehearsal_facts(actor, provider, without_rehearsal)
    provider.activated_at = timezone.now()
    try:
        with transaction.atomic():
            _switch(provider, Status.ACTIVE)
    except IntegrityError as error:
        # Another provider was activated in the same moment: the constraint decides, and says no to this one.
        raise AnotherProviderActive(name="Another provider") from error
    sessions.end_sessions(realm=Realm.USER, person__admin_role__isnull=True)
    record("idp.provider.activated", actor=actor, target=provider, details={**impact.numbers(), **rehearsal})
    return impact


@audited("idp.provider.deactivated")
def deactivate_provider(
    *, actor: Actor, provider: IdentityProvider, understood: bool = True, fingerprint: str | None = None
) -> ProviderImpact:
    """End federation: people sign in locally again. Touches no network, so it works when the provider is down.

    Raises:
        ImpactNotConfirmed, ImpactChanged: not what was confirmed.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = locked(provider)
    if not provider.is_active and understood:
        return impact_of(Act.DEACTIVATE, provider)  # a second click: it is done
    impact = confirmed(Act.DEACTIVATE, provider, understood, fingerprint)
    _switch(provider, Status.DRAFT)
    sessions.end_sessions(provider_id=provider.pk)
    record("idp.provider.deactivated", actor=actor, target=provider, details=impact.numbers())
    return impact


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


def _require_local_administrator() -> None:
    billing = User.objects.filter(admin_role=AdminRole.ADMINISTRATOR_WITH_BILLING, state=State.ACTIVE)
    if not any(person.has_usable_password() for person in billing):
        raise NoLocalAdministrator()
