"""Whether a provider is down now, as far as health checks say, and since when."""

from datetime import datetime, timedelta

from django.utils import timezone

# Housekeeping asks every 15 minutes (README, Housekeeping). A check that is older than twice that says nothing any
# more: nobody is told that the provider is down, and no password is taken in its place.
BELIEVED_FOR = timedelta(minutes=30)


def down_now(down_since: datetime | None, checked_at: datetime | None) -> datetime | None:
    """Return since when a provider is down, or None where it is not, or where its last check is too long ago."""
    if down_since is None or checked_at is None or checked_at < timezone.now() - BELIEVED_FOR:
        return None
    return down_since


def in_words(moment: datetime) -> str:
    """Return a moment as people are told it, such as `3 May 2026, 14:05 UTC`."""
    return f"{moment:%-d %B %Y, %H:%M} UTC"
