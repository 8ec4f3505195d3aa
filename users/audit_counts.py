"""How much happened when: the audit log counted by hour or by day, in the database."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from users.audit_filter import AuditFilter
from users.audit_log import branches_of, find_events
from users.models import Outcome

# Without a range the newest rows are counted; all of them would be a scan of the whole log for every page.
DEFAULT_RANGE = timedelta(days=7)
# More rows than this are not counted for one page; the newest are.
MOST_ROWS = 100_000
# More bars than this nobody can tell apart on a telephone.
MOST_BUCKETS = 72
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# The range of the filter; or else the last seven days, those before the filter's end, or those before the newest event.
SPANS = ("given", "last", "before", "newest")
STEPS = (HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY)


@dataclass(frozen=True)
class Bucket:
    """What happened from `start` on, until the next bucket begins."""

    start: datetime
    done: int
    refused: int


@dataclass(frozen=True)
class EventCounts:
    """Acts by time.

    Attributes:
        since: the first moment that is counted, in UTC.
        until: the first that no longer is.
        step: how long a bucket is.
        buckets: all of them, the empty ones too, oldest first. The first begins at or before `since`.
        is_complete: False where there were more than MOST_ROWS rows, of which the newest were counted.
        span: which range it is, of SPANS.
    """

    since: datetime
    until: datetime
    step: timedelta
    buckets: list[Bucket]
    is_complete: bool
    span: str = "given"

    @property
    def done(self) -> int:
        """How many acts were done."""
        return sum(bucket.done for bucket in self.buckets)

    @property
    def refused(self) -> int:
        """How many were refused."""
        return sum(bucket.refused for bucket in self.buckets)


def count_events(wanted: AuditFilter, *, newest: datetime | None = None) -> EventCounts:
    """Count the acts that a filter finds, by time. A row that stands for several refusals counts as so many.

    Where the filter does not say from when, seven days are counted: up to its end or to now, or, where nothing that it
    finds is so young, up to the newest of that. What has not come yet is not counted.

    Args:
        newest: when the newest event that the filter finds happened, if that is known already.
    """
    since, until, span = _range(wanted, newest)
    step = next((step for step in STEPS if (until - since) / step <= MOST_BUCKETS), STEPS[-1])
    since = max(since, until - step * MOST_BUCKETS)
    counted, rows = _count(replace(wanted, last="", since=since, until=until), by_hour=step == HOUR)
    first = _floor(since, HOUR if step == HOUR else DAY)
    totals: Counter[tuple[int, str]] = Counter()
    for (start, outcome), occurrences in counted.items():
        totals[(start - first) // step, outcome] += occurrences
    number = -(-(until - first) // step) or 1
    buckets = [
        Bucket(first + index * step, totals[index, Outcome.SUCCESS], totals[index, Outcome.REFUSED])
        for index in range(number)
    ]
    return EventCounts(since, until, step, buckets, rows < MOST_ROWS, span)


def _range(wanted: AuditFilter, newest: datetime | None) -> tuple[datetime, datetime, str]:
    """Return the first moment that is counted, the first that no longer is, and which of SPANS they are."""
    since, end = wanted.window()
    until = min(end or timezone.now(), timezone.now())
    if since:
        return min(since, until), until, "given"
    newest = newest or next((event.at for event in find_events(wanted, batch=1)), None)
    if newest and newest < until - DEFAULT_RANGE:
        until = newest + timedelta(microseconds=1)
        return until - DEFAULT_RANGE, until, "newest"
    return until - DEFAULT_RANGE, until, "before" if end and end == until else "last"


def _floor(moment: datetime, step: timedelta) -> datetime:
    start = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return start if step == HOUR else start.replace(hour=0)


def _count(wanted: AuditFilter, *, by_hour: bool) -> tuple[Counter[tuple[datetime, str]], int]:
    """Return the acts by start of their hour or day and by outcome, and how many rows they are at most.

    The newest rows of each branch are taken by its index, and no more than may be counted.
    """
    counted: Counter[tuple[datetime, str]] = Counter()
    most = 0
    for branch in branches_of(wanted):
        newest = branch.order_by("-at", "-id").values("at", "outcome", "occurrences")[:MOST_ROWS]
        sql, params = newest.query.sql_with_params()
        statement = (
            f"SELECT {_bucket(by_hour)} AS bucket, outcome, SUM(occurrences), COUNT(*) "  # noqa: S608  (our own)
            f"FROM ({sql}) AS newest GROUP BY bucket, outcome"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            found = cursor.fetchall()
        most = max(most, sum(rows for *_, rows in found))
        for text, outcome, occurrences, _ in found:
            start = datetime.strptime(text, "%Y-%m-%d %H" if by_hour else "%Y-%m-%d").replace(tzinfo=UTC)
            counted[start, outcome] += int(occurrences)
    return counted, most


def _bucket(by_hour: bool) -> str:
    """Return the expression for the hour or day of a row, in UTC. Django's own calls Python for each row on SQLite."""
    if connection.vendor == "sqlite":
        return f"substr(at, 1, {13 if by_hour else 10})"
    return f"to_char(at AT TIME ZONE 'UTC', '{'YYYY-MM-DD HH24' if by_hour else 'YYYY-MM-DD'}')"
