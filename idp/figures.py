"""What is watched from outside, in numbers: read when somebody asks, with one statement for each subject."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils import timezone

from idp.expiry import Expiry, expiries_of
from idp.models import GuardOutcome, HousekeepingTask, IdentityProvider, PendingLink, RoutingGuard, Status
from idp.outages import BELIEVED_FOR


@dataclass(frozen=True)
class ProviderFigures:
    """A provider that is not archived.

    Attributes:
        state: `up`, `down`, or `unknown` where no check is young enough.
        expiry: the end of the credential in use.
    """

    slug: str
    status: str
    state: str
    checked_at: datetime | None
    expiry: Expiry
    pending_links: int


def provider_figures() -> list[ProviderFigures]:
    """Return the figures of every provider that is not archived, by slug."""
    open_links = PendingLink.objects.filter(dismissed_at=None).order_by().values("provider")
    pending = dict(open_links.annotate(number=Count("pk")).values_list("provider", "number"))
    providers = list(
        IdentityProvider.objects.exclude(status=Status.ARCHIVED).order_by("slug").prefetch_related("certificates")
    )
    return [
        ProviderFigures(
            slug=provider.slug,
            status=provider.status,
            state=_state(provider),
            checked_at=provider.health_checked_at,
            expiry=expiry,
            pending_links=pending.get(provider.pk, 0),
        )
        for provider, expiry in zip(providers, expiries_of(providers), strict=True)
    ]


def _state(provider: IdentityProvider) -> str:
    checked_at = provider.health_checked_at
    if provider.health is None or checked_at is None or timezone.now() - checked_at > BELIEVED_FOR:
        return "unknown"
    return "up" if provider.health.get("ok") else "down"


def guards_watching() -> int:
    """Return how many trials wait to be confirmed."""
    return RoutingGuard.objects.filter(outcome=GuardOutcome.WATCHING, until__gt=timezone.now()).count()


def housekeeping_successes() -> dict[str, datetime]:
    """Return when each task of housekeeping last ended well."""
    done = HousekeepingTask.objects.filter(succeeded_at__isnull=False).order_by("name")
    return {task.name: task.succeeded_at for task in done if task.succeeded_at}
