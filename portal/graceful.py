"""How a server ends without a lost request: what gunicorn leaves to do between SIGTERM and the end."""

import signal
from types import FrameType
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from portal import draining


class Worker(ThreadWorker):
    """A threaded worker that stops listening when it stops accepting.

    gunicorn's own keeps its sockets open until its last request has ended. Whoever connects meanwhile waits for
    nobody, and is cut off in the end; refused at once, a proxy asks another instance.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections, or stop it: for a while under load, or for good."""
        super().set_accept_enabled(enabled)
        if not enabled and not (self.alive and self.is_parent_alive()):
            for listener in self.sockets:
                self._take_all(listener)
                listener.close()

    def _take_all(self, listener: Any) -> None:
        """Accept who is connected already, from the client's point of view, and waits for us."""
        before = -1
        while before != self.nr_conns:
            before = self.nr_conns
            self.accept(listener)


def announce_the_end(server: Any, seconds: int) -> None:
    """Let the master say that it ends, for some seconds, before SIGTERM has its usual effect.

    Meanwhile `/readyz` answers 503 and everything else is served as always. A second SIGTERM ends the announcement.

    Args:
        server: gunicorn's arbiter.
    """

    def on_term(number: int, frame: FrameType | None) -> None:
        is_first = not draining.has_begun()
        draining.begin()
        if seconds and is_first:
            signal.alarm(seconds)
        else:
            server.signal(signal.SIGTERM, frame)

    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGALRM, lambda number, frame: server.signal(signal.SIGTERM, frame))
