"""The provider of the soak: the benchmark's light one, that fails as often as it is told to.

`python -m tests.soak.provider` prints its port when it listens. It is told what to do under `/soak/`, on its own port.
"""

import asyncio
import itertools
import json
import signal
import sys

from bench.provider import REASONS, Connection, Provider, kind_of

# What Gatehouse itself asks for while somebody signs in. One of five is 20 %.
FAILING = frozenset({"token", "keys"})
EVERY = 5
WAYS = ("500", "reset", "html", "half", "hang")


class FailingProvider(Provider):
    """Lets every fifth upstream request fail while it is told to, each time in another way."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.asked = itertools.count(1)
        self.failed = 0

    def next_failure(self, kind: str) -> str:
        """Return in which way this request fails, or "" where it is answered."""
        if not self.fails or kind not in FAILING or next(self.asked) % EVERY:
            return ""
        self.failed += 1
        return WAYS[self.failed % len(WAYS)]

    def told(self, what: str) -> bytes:
        """Do what the soak asks for, and return how many requests have failed."""
        match what.split("/"):
            case ["fail"]:
                self.fails = True
            case ["work"]:
                self.fails = False
            case ["new-key", kid]:
                self.new_key(kid)
        return json.dumps({"failed": self.failed}).encode()


class FailingConnection(Connection):
    """One connection to it."""

    provider: FailingProvider

    def answer(self, target: str, headers: dict[str, str], body: str) -> None:
        """Fail, do as told, or answer."""
        path = target.partition("?")[0]
        if path.startswith("/soak/"):
            self._write(200, self.provider.told(path.removeprefix("/soak/")))
            return
        match self.provider.next_failure(kind_of(path)):
            case "":
                super().answer(target, headers, body)
            case "500":
                self._write(500, b'{"error": "server_error"}')
            case "html":
                self._write(503, b"<h1>Service Unavailable</h1>")
            case "reset":
                self.transport.abort()
            case "half":
                self.transport.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
                )
                self.transport.close()
            case "hang":
                pass  # the other side has a limit, and hangs up

    def _write(self, status: int, content: bytes) -> None:
        reason = REASONS.get(status, "Failed")
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.transport.write(head.encode() + content)


async def serve() -> None:
    """Listen on a free port of the loopback interface until a signal comes."""
    provider, loop = FailingProvider(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: FailingConnection(provider, "http"), "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve())
