"""New rows of the audit log as they come: none missed, none twice."""

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from users.audit_filter import AuditFilter
from users.audit_log import matching
from users.models import AuditEvent

# A transaction gets its number at the latest when it writes the row whose number it has just taken. That is a moment
# later; this is very much longer.
GRACE_SECONDS = 5.0
# Longer than any transaction that is open when somebody begins to follow.
OPEN_AT_MOST = timedelta(hours=1)
CHUNK = 500


@dataclass
class _Mark:
    """Rows up to `number` were seen at `seen_at`. `beyond`: no transaction that took such a number has one as high."""

    number: int
    seen_at: float
    beyond: int | None = None


@dataclass
class Follower:
    """Looks for new rows, again and again.

    SQLite has one writer at a time: rows appear in the order of their numbers, and looking beyond the last is enough.
    PostgreSQL hands out a number when a row is written and shows the row when its transaction ends, which may be
    later than that of a higher number. So everything above a *floor* is looked at each time, and what was seen is left
    out. The floor rises to a number once every transaction has ended that was open some seconds after that number was
    seen (`pg_current_snapshot()`): who holds a lower number must have been among them.

    Attributes:
        wanted: the filter.
        floor: all rows up to this number are known.
    """

    wanted: AuditFilter
    floor: int = 0
    _seen: set[int] = field(default_factory=set)
    _marks: deque[_Mark] = field(default_factory=deque)

    @classmethod
    def from_now(cls, wanted: AuditFilter) -> "Follower":
        """Return one that takes everything that is there for known."""
        follower = cls(wanted)
        if connection.vendor == "postgresql":
            older = AuditEvent.objects.filter(at__lt=timezone.now() - OPEN_AT_MOST).order_by("-at", "-id")
            follower.floor = older.values_list("pk", flat=True).first() or 0
            follower._unseen()
        else:
            follower.floor = AuditEvent.objects.aggregate(last=Max("pk"))["last"] or 0
        return follower

    def look(self) -> list[AuditEvent]:
        """Return the rows that have appeared since the last look and that are wanted, by number."""
        new = self._unseen()
        found: list[AuditEvent] = []
        for start in range(0, len(new), CHUNK):
            found += matching(self.wanted).filter(pk__in=new[start : start + CHUNK]).order_by("pk")
        return found

    def _unseen(self) -> list[int]:
        """Return the numbers that are new, and note them."""
        postgresql = connection.vendor == "postgresql"
        # Asked before the look, and applied after it: what ended in between must be looked at once more.
        floor = self._settled() if postgresql else self.floor
        numbers = AuditEvent.objects.filter(pk__gt=self.floor).order_by("pk").values_list("pk", flat=True)
        new = [number for number in numbers if number not in self._seen]
        if not postgresql:
            self.floor = new[-1] if new else self.floor
            return new
        self._seen.update(new)
        if floor > self.floor:
            self.floor = floor
            self._seen = {number for number in self._seen if number > floor}
        if new:
            self._marks.append(_Mark(max(self._seen, default=floor), time.monotonic()))
        return new

    def _settled(self) -> int:
        """Return the number up to which no row can appear any more, apart from those that are there by now."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint "
                "FROM pg_current_snapshot() AS now"
            )
            oldest_open, next_one = cursor.fetchone()
        floor = self.floor
        while self._marks and (beyond := self._marks[0].beyond) is not None and beyond <= oldest_open:
            floor = max(floor, self._marks.popleft().number)
        for mark in self._marks:
            if mark.beyond is None and time.monotonic() - mark.seen_at >= GRACE_SECONDS:
                mark.beyond = next_one
        return floor
