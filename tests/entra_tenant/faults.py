"""Transport faults: what goes wrong on the wire, armed per kind of endpoint."""

from __future__ import annotations

import enum
import threading
from dataclasses import dataclass, field

EVERY_KIND = "*"


class Fault(enum.Enum):
    """One way for an answer not to arrive as it should."""

    DOWN = "down"
    """The connection is reset before the first byte. (To refuse connections, stop the server.)"""
    RESET_MID_BODY = "reset-mid-body"
    """Headers and half of the honest body, then a reset."""
    HTML = "html"
    """200 with an HTML page."""
    JSON_LIST = "json-list"
    """200 with a JSON list."""
    EMPTY = "empty"
    """200 without a body."""
    HUGE = "huge"
    """A JSON object of `size` bytes (200 MiB), announced by Content-Length."""
    HUGE_CHUNKED = "huge-chunked"
    """The same, chunked: no length is announced."""
    GZIP_BOMB = "gzip-bomb"
    """About 200 KiB of gzip that become a JSON object of 200 MiB."""
    DRIP = "drip"
    """Headers at once, then the honest body at one byte a second."""
    DRIP_HEADERS = "drip-headers"
    """A status line, then an endless header at one byte a second."""
    REDIRECT_307 = "redirect-307"
    """307 to `to`; a client that follows repeats its body, code and secret included."""
    STATUS = "status"
    """The honest body under the status `status`."""
    HANG = "hang"
    """No answer at all."""
    LATE = "late"
    """Silence until the fault is cleared, then the honest answer."""

    @property
    def ends_in_reset(self) -> bool:
        """Whether the connection ends by a reset instead of an orderly close."""
        return self in {Fault.DOWN, Fault.RESET_MID_BODY}


@dataclass(frozen=True)
class ArmedFault:
    """A fault that waits for its request, or is under way."""

    fault: Fault
    to: str = ""
    status: int = 500
    size: int = 200 << 20
    begun: threading.Event = field(default_factory=threading.Event)
    """Set when the first request meets the fault."""
    over: threading.Event = field(default_factory=threading.Event)
    """Set when the fault is cleared: whoever drips or hangs stops."""


class FaultBoard:
    """The faults that are armed at present."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: dict[str, ArmedFault] = {}
        self._left: dict[str, int] = {}
        self._all: list[ArmedFault] = []

    def arm(self, kind: str, armed: ArmedFault, times: int = 0) -> None:
        """Lets requests of that kind fail: the next `times` ones, or all when it is 0."""
        with self._lock:
            self._armed[kind] = armed
            self._left[kind] = times or -1
            self._all.append(armed)

    def take(self, kind: str) -> ArmedFault | None:
        """The fault that the present request has to suffer."""
        with self._lock:
            name = kind if kind in self._armed else EVERY_KIND
            armed = self._armed.get(name)
            if armed is None:
                return None
            self._left[name] -= 1
            if self._left[name] == 0:
                del self._armed[name]
            return armed

    def clear(self) -> None:
        """Disarms everything and ends what drips or hangs."""
        with self._lock:
            for armed in self._all:
                armed.over.set()
            self._armed.clear()
            self._left.clear()
            self._all.clear()
