"""Sign-ins to the User Portal, day by day in UTC: days that are over are counted once and kept."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from users.models import AuditEvent, SignInDay

DAYS = 30
_SUCCEEDED, _FAILED = "portal.sign_in.succeeded", "portal.sign_in.failed"
# A row that counts repeated refusals may still grow a little after its day.
_SETTLED = timedelta(hours=1)


@dataclass(frozen=True)
class Day:
    """One day's sign-ins."""

    day: date
    succeeded: int = 0
    refused: int = 0


def last_days(number: int = DAYS) -> list[Day]:
    """Return the last days, the oldest first and today at the end."""
    today = timezone.now().date()
    wanted = [today - timedelta(days=back) for back in range(number - 1, -1, -1)]
    known = {row.day: Day(row.day, row.succeeded, row.refused) for row in _kept(wanted[0])}
    missing = [day for day in wanted if day not in known]
    known |= _counted(missing[0], missing[-1])
    return [known.get(day, Day(day)) for day in wanted]


def keep_days() -> int:
    """Keep the numbers of the days that are over and not kept yet, and return how many there were."""
    last = (timezone.now() - _SETTLED).date() - timedelta(days=1)
    wanted = [last - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    known = {row.day for row in _kept(wanted[0])}
    missing = [day for day in wanted if day not in known]
    if not missing:
        return 0
    found = _counted(missing[0], missing[-1])
    rows = [SignInDay(**vars(found.get(day, Day(day)))) for day in missing]
    # Another process may be at the same work, and counts the same.
    SignInDay.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _kept(since: date) -> list[SignInDay]:
    return list(SignInDay.objects.filter(day__gte=since))


def _counted(first: date, last: date) -> dict[date, Day]:
    """Count the audit rows of some days: by an index, and no others."""
    begins, ends = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
    rows = (
        AuditEvent.objects.filter(action__in=(_SUCCEEDED, _FAILED), at__gte=begins, at__lt=ends)
        .order_by()
        .annotate(day=TruncDate("at"))
        .values("day")
        .annotate(succeeded=Count("id", filter=Q(action=_SUCCEEDED)))
        .annotate(refused=Sum("occurrences", filter=Q(action=_FAILED)))
    )
    return {row["day"]: Day(row["day"], row["succeeded"], row["refused"] or 0) for row in rows}
