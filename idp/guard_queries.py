"""What pages and commands say about guards: what waits to be confirmed, how it does, and what went back by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from idp.guards import LEAST_FAILED, people_in, watching
from idp.models import IdentityProvider, RoutingGuard
from users.error_words import words_of

# So long a page says that something went back.
SAID_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Watched:
    """A guard, and how sign-ins have been going under it.

    Attributes:
        failed, succeeded: people, each once.
        causes: why, with how often, most frequent first.
    """

    guard: RoutingGuard
    failed: int
    succeeded: int
    causes: Sequence[tuple[str, int]]

    @property
    def minutes_left(self) -> int:
        """The whole minutes until it goes back."""
        return max(int((self.guard.until - timezone.now()).total_seconds() // 60), 0)

    @property
    def least_failed(self) -> int:
        """From so many failures on their share counts."""
        return LEAST_FAILED


def watched(provider: IdentityProvider) -> list[Watched]:
    """Return what waits to be confirmed at a provider."""
    waiting = watching(provider=provider, until__gt=timezone.now()).select_related("policy")
    return [Watched(guard, guard.failures.count(), people_in(guard), causes_of(guard)) for guard in waiting]


def last_return(provider: IdentityProvider) -> Watched | None:
    """Return what went back by itself within the last days, unless something was enabled since."""
    newest = RoutingGuard.objects.filter(provider=provider).select_related("policy").order_by("-started_at").first()
    if newest is None or not newest.went_back or newest.ended_at is None:
        return None
    if newest.ended_at < timezone.now() - SAID_FOR or _was_enabled_since(newest):
        return None
    return Watched(newest, newest.failed or 0, newest.succeeded or 0, causes_of(newest))


def _was_enabled_since(guard: RoutingGuard) -> bool:
    if guard.from_draft:
        return guard.provider.is_active
    return guard.policy is None or guard.policy.enabled


def causes_of(guard: RoutingGuard) -> list[tuple[str, int]]:
    """Return what the people were told whose sign-in failed under a guard, with how many."""
    rows = guard.failures.values_list("code").annotate(count=Count("pk")).order_by("-count", "code")[:5]
    return [(words_of(code), count) for code, count in rows]
