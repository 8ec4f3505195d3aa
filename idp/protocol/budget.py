"""What a request has left of its time and bytes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from idp.protocol import errors

# Headers and chunk framing come on top of the body; http.client alone would read megabytes of headers.
_FRAMING_BYTES = 65536


class Budget(threading.local):
    """One per thread: while a thread makes a request, the request's connection belongs to it alone."""

    host = ""
    ends_at = 0.0
    shared_end = float("inf")
    read_timeout = 0.0
    bytes_left = 0
    received = 0
    connected = False

    def begin(self, host: str, total_timeout: float, read_timeout: float, max_bytes: int) -> None:
        """Starts a request: the clock runs, name resolution included."""
        self.host = host
        self.ends_at = min(time.monotonic() + total_timeout, self.shared_end)
        self.read_timeout = read_timeout
        # A chunked body may need more framing than content; twice the cap is ample for anything honest.
        self.bytes_left = 2 * max_bytes + _FRAMING_BYTES
        self.received = 0
        self.connected = False

    @contextmanager
    def shared(self, seconds: float) -> Iterator[None]:
        """Lets all requests of this thread within the block end by one deadline, however many they are."""
        self.shared_end = time.monotonic() + seconds
        try:
            yield
        finally:
            self.shared_end = float("inf")

    def patience(self) -> float:
        """How long to wait for another thread's request, as `Lock.acquire` takes it: -1 is for ever."""
        if self.shared_end == float("inf"):
            return -1
        return max(self.shared_end - time.monotonic(), 0)

    def seconds(self, limit: float | None = None) -> float:
        """How long the next operation may take: its own limit, and never past the deadline."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise errors.HttpTimeout(host=self.host)
        return min(left, self.read_timeout if limit is None else limit)

    def spend(self, count: int) -> int:
        """Counts bytes that came in."""
        self.received += count
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise errors.BodyTooLarge(host=self.host, limit=self.received)
        return count


BUDGET = Budget()
