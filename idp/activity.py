"""How sign-ins have been going, through a provider and all of them. Nothing here changes anything."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Sum
from django.db.models.fields.json import KT
from django.utils import timezone

from idp.models import FederatedIdentity, IdentityProvider
from idp.protocol.aadsts import OAuthFailure, advice_for
from users.error_words import words_of
from users.models import AuditEvent

FAILED = "portal.sign_in.failed"
PORTALS = {FAILED: "User Portal", "admin_portal.sign_in.failed": "Admin Portal"}
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Cause:
    """Why sign-ins failed, and how many.

    Attributes:
        action: what was refused: a sign-in to one of the PORTALS.
        words: what happened, or in quotes what the people were told.
        shares_code: whether another cause has the same code, so that the audit log finds both by it.
    """

    action: str
    code: str
    words: str
    count: int
    shares_code: bool = False

    @property
    def portal(self) -> str:
        """Where the people wanted to go."""
        return PORTALS[self.action]


def last_sign_in(provider: IdentityProvider) -> datetime | None:
    """Return when somebody last came in through this provider."""
    latest: datetime | None = FederatedIdentity.objects.filter(provider=provider).aggregate(
        latest=Max("last_sign_in_at")
    )["latest"]
    return latest


def failures_of_day(provider: IdentityProvider | None = None) -> list[Cause]:
    """Return the causes of the sign-ins that failed within the last 24 hours, most frequent first.

    A row counts as of its own time, as in the audit log: what is counted here is what "last 24 hours" finds there.

    Args:
        provider: only those at this provider; without one, all to both portals.
    """
    return failures_since(timezone.now() - DAY, provider)


def failures_since(moment: datetime, provider: IdentityProvider | None = None) -> list[Cause]:
    """Return the causes of the sign-ins that failed since a moment, as `failures_of_day` does."""
    events = AuditEvent.objects.filter(action__in=PORTALS, at__gte=moment)
    rows = list(
        (events.filter(action=FAILED, details__provider=provider.slug) if provider else events)
        .order_by()
        .annotate(aadsts=KT("details__aadsts"), oauth_error=KT("details__oauth_error"))
        .values("action", "error_code", "aadsts", "oauth_error")
        .annotate(count=Sum("occurrences"))
        .order_by("-count", "error_code", "action")
    )
    alike = Counter((row["action"], row["error_code"]) for row in rows)
    return [
        Cause(
            row["action"],
            row["error_code"],
            _words(row["error_code"], row["aadsts"], row["oauth_error"]),
            row["count"],
            alike[row["action"], row["error_code"]] > 1,
        )
        for row in rows
    ]


def _words(error_code: str, aadsts: str | int | None, oauth_error: str | None) -> str:
    """Return what happened: what the provider said is more than our code, and our code what people were told.

    Microsoft's number is a text or a number, depending on the database.
    """
    number = int(str(aadsts)) if str(aadsts or "").isdigit() else None
    if number is None and not oauth_error:
        return f"“{words_of(error_code)}”"
    said = f"AADSTS{number}" if number else oauth_error
    return f"{advice_for(OAuthFailure(oauth_error or '', number)).cause} ({said})"
