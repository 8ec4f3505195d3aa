"""A private Redis for the tests, to be killed, stopped, emptied and made read-only at will."""

import os
import signal
import subprocess
from pathlib import Path

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from tests.commands.starting import free_port
from tests.servers import find
from users.cache import breaker

MISSING = "redis-server was not found: the tests of the cache need it (Debian: apt-get install redis-server)."


def forget_trouble() -> None:
    """Let Redis be asked again at once, as after the seconds for which it is left alone."""
    breaker.answered()


class RedisServer:
    """A Redis that keeps nothing on disk and listens on a port of its own."""

    def __init__(self, directory: Path) -> None:
        found = find("redis-server")
        if found is None:
            raise FileNotFoundError(MISSING)
        self.port = free_port()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._command = [found, *options, "--dir", str(directory), "--logfile", str(directory / "redis.log")]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What CACHE_URL would be."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603
        patience = Retry(ConstantBackoff(0.05), 200, (RedisConnectionError,))
        with Redis(port=self.port, retry=patience) as client:
            client.ping()

    def stop(self) -> None:
        """Kill it, whatever state it is in. What it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Let it take connections and answer nothing, until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def flush(self) -> None:
        """Empty it."""
        with Redis(port=self.port) as client:
            client.flushall()

    def make_read_only(self) -> None:
        """Make it the replica of a server that does not exist: it refuses to write."""
        with Redis(port=self.port) as client:
            client.replicaof("127.0.0.1", 1)

    def keys(self) -> list[str]:
        """Return what it holds."""
        with Redis(port=self.port, decode_responses=True) as client:
            return sorted(client.keys())

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)
