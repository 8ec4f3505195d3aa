"""How often something happened lately, counted for all processes together: in Redis, or in the database.

Fixed windows, which begin at the same moments for everybody. Redis may lose what it counted, and at most the window
at hand is counted anew then. Where it does not count, the database does at once, from nothing; so in the worst case an
address gets its limit twice in one window: once from each.
"""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.cache import caches
from django.db import connection

from users.models import RateCount
from users.plain_sql import stored

# The row of a window that is over is used again. So is one that ends later than any clock of ours could say: a clock
# that was wrong for a moment must not count against an address for years.
_COUNT = """
    INSERT INTO users_ratecount (key, ends_at, hits) VALUES (%s, %s, 1)
    ON CONFLICT (key) DO UPDATE SET
        hits = CASE WHEN users_ratecount.ends_at BETWEEN excluded.ends_at AND %s
            THEN users_ratecount.hits + 1 ELSE 1 END,
        ends_at = CASE WHEN users_ratecount.ends_at BETWEEN excluded.ends_at AND %s
            THEN users_ratecount.ends_at ELSE excluded.ends_at END
    RETURNING hits
"""


@dataclass(frozen=True)
class Hits:
    """How many there were in this window, this one among them, and in how many seconds it ends."""

    count: int
    seconds_left: int


class FirstFew:
    """The first few of each window, counted in the memory of this process: those cost neither database nor Redis."""

    def __init__(self, most_keys: int = 10_000) -> None:
        self._most_keys = most_keys
        self._lock = threading.Lock()
        self._window = 0
        self._hits: dict[str, int] = {}

    def has(self, key: str, *, seconds: int, few: int) -> bool:
        """Count one more, and return whether it is one of the few. Once there are very many keys, none of a new one is.

        Args:
            key: what is counted, and for whom.
            seconds: how long a window is: the same for all keys.
            few: how many in a window are.
        """
        window = int(time.time() // seconds)
        with self._lock:
            if window != self._window:
                self._window, self._hits = window, {}
            hits = self._hits.get(key, 0)
            if hits >= few or (not hits and len(self._hits) >= self._most_keys):
                return False
            self._hits[key] = hits + 1
        return True


def count_hit(key: str, *, seconds: int) -> Hits:
    """Count one more, and return how many there are in this window. Two at once are two.

    Args:
        key: what is counted, and for whom.
        seconds: how long a window is.
    """
    now = time.time()
    ends = (int(now // seconds) + 1) * seconds
    in_redis = getattr(caches["default"], "count_hit", None)
    # Twice the window, because the clock of Redis may be ahead of ours.
    hits = in_redis(f"hits:{key}:{ends}", seconds=2 * seconds) if in_redis else None
    if hits is None:
        hits = _count_in_database(key, datetime.fromtimestamp(ends, UTC), timedelta(seconds=seconds))
    return Hits(hits, max(1, round(ends - now)))


def _count_in_database(key: str, ends_at: datetime, window: timedelta) -> int:
    """Count with one statement. The clocks of two machines may stand in two neighbouring windows."""
    ends, latest = (stored(RateCount, "ends_at", moment) for moment in (ends_at, ends_at + window))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key, ends, latest, latest])
        # All of it: SQLite ends the statement, and with it the transaction, only with the last row.
        return int(cursor.fetchall()[0][0])
