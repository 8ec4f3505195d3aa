"""How sign-ins through a provider have been going. Nothing here changes anything."""

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
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Cause:
    """Why sign-ins failed, and how many.

    Attributes:
        words: what happened, or in quotes what the people were told.
    """

    code: str
    words: str
    count: int


def last_sign_in(provider: IdentityProvider) -> datetime | None:
    """Return when somebody last came in through this provider."""
    latest: datetime | None = FederatedIdentity.objects.filter(provider=provider).aggregate(
        latest=Max("last_sign_in_at")
    )["latest"]
    return latest


def failures_of_day(provider: IdentityProvider | None = None) -> list[Cause]:
    """Return the causes of the sign-ins that failed within the last 24 hours, most frequent first.

    Args:
        provider: only those at this provider; without one, all to the User Portal.
    """
    events = AuditEvent.objects.filter(action=FAILED, last_at__gte=timezone.now() - DAY)
    rows = (
        (events.filter(details__provider=provider.slug) if provider else events)
        # A row that counts repeated refusals is not older than the time in which they are folded.
        .filter(at__gte=timezone.now() - DAY - timedelta(hours=1))
        .order_by()
        .annotate(aadsts=KT("details__aadsts"), oauth_error=KT("details__oauth_error"))
        .values("error_code", "aadsts", "oauth_error")
        .annotate(count=Sum("occurrences"))
        .order_by("-count", "error_code")
    )
    return [
        Cause(row["error_code"], _words(row["error_code"], row["aadsts"], row["oauth_error"]), row["count"])
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
