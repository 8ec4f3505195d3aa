"""How a pilot has gone: what an administrator wants to know before everybody follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from idp.activity import Cause, failures_since
from idp.models import FederatedIdentity, IdentityProvider
from idp.routing_plan import decided_people, stored_plan
from users.models import State

# Older sign-ins say little about today, and counting them takes long.
LOOKED_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Pilot:
    """The people who are sent to a provider now, and how their sign-ins went.

    Attributes:
        since: the time from which sign-ins count.
        people: active people who are sent there.
        signed_in: how many of them came in since.
        causes: why sign-ins there failed since, most frequent first.
    """

    since: datetime
    people: int
    signed_in: int
    causes: Sequence[Cause]

    @property
    def failed(self) -> int:
        """How many sign-ins failed."""
        return sum(cause.count for cause in self.causes)

    @property
    def missing(self) -> int:
        """How many of the people have not tried, or not come in."""
        return self.people - self.signed_in


def pilot_of(provider: IdentityProvider) -> Pilot:
    """Return how the sign-ins of those have gone who are sent to an active provider."""
    since = timezone.now() - LOOKED_BACK
    if provider.activated_at is not None:
        since = max(since, provider.activated_at)
    people = decided_people(there=stored_plan()).filter(there=provider.pk, state=State.ACTIVE)
    came = FederatedIdentity.objects.filter(provider=provider, last_sign_in_at__gte=since)
    return Pilot(
        since,
        people.count(),
        people.filter(pk__in=came.values("person")).count(),
        failures_since(since, provider),
    )
