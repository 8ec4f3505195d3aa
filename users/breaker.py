"""Remembers that a service does not answer, so that not every request waits for it in vain."""

import threading
import time
from collections.abc import Callable


class Breaker:
    """Opens at the first failure. After a while one caller tries again; the others go on without until it has.

    Safe for threads. Each process has its own: what one has seen says little about another's connection.
    """

    def __init__(self, away_for: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take for how many seconds a failure is remembered, and a clock that never goes back."""
        self._away_for = away_for
        self._clock = clock
        self._away_until: float | None = None
        self._lock = threading.Lock()

    def may_try(self) -> bool:
        """Return whether to ask the service now. Whoever may then says how it went: `failed` or `answered`."""
        if self._away_until is None:
            return True
        with self._lock:
            now = self._clock()
            if self._away_until is not None and now < self._away_until:
                return False
            if self._away_until is not None:
                self._away_until = now + self._away_for
            return True

    def failed(self) -> bool:
        """Leave the service alone for a while, and return whether that is news."""
        with self._lock:
            is_news = self._away_until is None
            self._away_until = self._clock() + self._away_for
            return is_news

    def answered(self) -> bool:
        """Ask the service from now on, and return whether that is news."""
        if self._away_until is None:
            return False
        with self._lock:
            is_news = self._away_until is not None
            self._away_until = None
            return is_news
