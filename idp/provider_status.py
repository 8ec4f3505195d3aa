"""How a provider's status is stored, and how sessions that were opened in another way end with it."""

from idp.models import IdentityProvider, Rehearsal, Status
from idp.routing_plan import sessions_against, stored_plan
from users import sessions


def switch_status(provider: IdentityProvider, status: Status) -> None:
    """Store the status. Sign-ins under way start again; what was rehearsed with these very settings still counts."""
    provider.status = status
    provider.version += 1
    provider.revision += 1
    provider.save(update_fields=["status", "activated_at", "version", "revision", "updated_at"])
    earlier = Rehearsal.objects.filter(provider=provider, provider_version=provider.version - 1)
    earlier.update(provider_version=provider.version)


def end_sessions_against_policies() -> int:
    """End the sessions in the User Portal of people who sign in another way now, and return how many there were."""
    against = sessions_against(stored_plan()).values_list("pk", flat=True)
    return sessions.end_sessions(pk__in=list(against))
