"""Ctrl-C and SIGTERM during work that goes on by steps, and must say itself how far it was."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interruption:
    """Notes the first Ctrl-C or SIGTERM, so that the work ends between two steps; a second one ends it at once.

    Attributes:
        number: the signal that came, or None.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._is_deaf = self._is_waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        # Only the main thread may be told of signals; and what a shell has ignored for us stays ignored.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        again, self.number = self.number is not None, number
        if (again or self._is_waiting) and not self._is_deaf:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt where a signal came."""
        if self.number is not None:
            raise KeyboardInterrupt

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Let nothing interrupt what is to be short and whole."""
        self._is_deaf = True
        try:
            yield
        finally:
            self._is_deaf = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let the first one interrupt what only waits, also one that came before."""
        self._is_waiting = True
        try:
            self.check()
            yield
        finally:
            self._is_waiting = False

    @property
    def exit_status(self) -> int:
        """What a shell expects of a process that a signal ended."""
        return 128 + (self.number or signal.SIGINT)
