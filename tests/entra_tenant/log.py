"""What the tenant was asked, so that a test can count it."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from types import MappingProxyType

from .wire import Request

# What one server asks another; the other kinds are a browser's.
UPSTREAM_KINDS = frozenset({"discovery", "keys", "token", "userinfo", "trap"})


@dataclass(frozen=True)
class RecordedRequest:
    """One request with its kind."""

    kind: str
    request: Request

    @property
    def method(self) -> str:
        """GET, POST, ..."""
        return self.request.method

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.request.path

    @property
    def params(self) -> MappingProxyType[str, str]:
        """Query and form parameters."""
        return MappingProxyType(dict((*self.request.query, *self.request.form)))


class RequestLog:
    """Counts all requests and keeps the latest ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        # Bounded: a demo may run for weeks.
        self._latest: deque[RecordedRequest] = deque(maxlen=1000)

    def add(self, kind: str, request: Request) -> None:
        """Notes one request."""
        with self._lock:
            self._counts[kind] += 1
            self._latest.append(RecordedRequest(kind, request))

    def latest(self) -> list[RecordedRequest]:
        """The latest requests, oldest first."""
        with self._lock:
            return list(self._latest)

    def count(self, kind: str | None = None) -> int:
        """How many requests of one kind, or of all kinds, there were."""
        with self._lock:
            return self._counts.total() if kind is None else self._counts[kind]

    def upstream_count(self) -> int:
        """How many requests a server made."""
        with self._lock:
            return sum(self._counts[kind] for kind in UPSTREAM_KINDS)

    def reset(self) -> None:
        """Starts counting afresh."""
        with self._lock:
            self._counts.clear()
            self._latest.clear()
