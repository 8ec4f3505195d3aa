"""The stage that every measurement needs: certificates, the light provider, and contestants that are served."""

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.certificates import make_certificates
from bench.contestants import Contestant, Place, contestant, drop_database
from bench.load import Job, Result
from bench.running import Failed, Server, clean_environment, in_own_process
from bench.wire import Connection


@dataclass
class Stage:
    """Everything that runs; `close()` ends it and leaves nothing behind."""

    directory: Path
    database_url: str
    bundle: str
    persistent: tuple[str, ...]
    ports: dict[str, int] = field(default_factory=dict)
    provider: Server | None = None
    contestants: list[Contestant] = field(default_factory=list)

    def open(self) -> None:
        """Make the certificates and start the provider."""
        make_certificates(self.directory)
        command = [sys.executable, "-m", "bench.provider", str(self.directory)]
        self.provider = Server.start("provider", command, clean_environment(), self.directory / "provider.log")
        assert self.provider.process.stdout is not None  # noqa: S101  (for the type checker: it is a pipe)
        line = self.provider.process.stdout.readline()
        if not line:
            raise Failed(f"The provider did not start:\n{self.provider.log_tail()}")
        self.ports = json.loads(line)

    def provider_origin(self, scheme: str) -> str:
        """Return the provider's origin over http or https."""
        return f"{scheme}://127.0.0.1:{self.ports[scheme]}"

    def add(self, name: str, scheme: str, kind: str) -> Contestant:
        """Prepare a contestant for the provider over http or https; it is not served yet."""
        origin = self.provider_origin(scheme)
        place = Place(origin, scheme, kind, self.directory, self.bundle, self.database_url, self.persistent)
        made = contestant(name, place)
        self.contestants.append(made)
        made.prepare()
        return made

    def provider_counts(self) -> dict[str, dict[str, int]]:
        """Return the provider's counters."""
        counts: dict[str, dict[str, int]] = json.loads(self._ask_provider("/bench/counters"))
        return counts

    def _ask_provider(self, target: str) -> bytes:
        connection = Connection(self.provider_origin("http"))
        try:
            return connection.get(target, {}).body
        finally:
            connection.close()

    def load(
        self,
        made: Contestant,
        *,
        concurrency: int,
        sign_ins: int,
        seconds: float,
        latency: float = 0.0,
        per_round_trip: bool = False,
    ) -> Result:
        """Let browsers sign in at a served contestant; `latency` is what the provider adds, in seconds.

        Raises:
            Failed: a sign-in did not end at the landing page, or none was complete in time.
        """
        if made.server is None:
            raise Failed(f"{made.name} is not served")
        reset = f"/bench/reset?{latency},{'round-trip' if per_round_trip else 'answer'}"
        self._ask_provider(reset)
        job = Job(
            origin=made.origin,
            start=made.start,
            provider_origin=made.place.origin,
            ca_file=str(self.directory / "own-ca.pem"),  # browsers need no more than the benchmark's own
            concurrency=concurrency,
            sign_ins=sign_ins,
            seconds=seconds,
            server_pid=made.server.process.pid,
            reset=reset,
        )
        result = Result(**in_own_process("bench.load", asdict(job), clean_environment()))
        if result.failure or not result.sign_ins:
            reason = result.failure or "none was complete in time"
            raise Failed(f"A sign-in at {made.server.name} broke: {reason}\n{made.server.log_tail()}")
        return result

    def close(self) -> None:
        """End every process, and remove databases and files; what fails keeps nothing else from being removed."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # impatience would leave servers behind
        with ExitStack() as last:
            last.callback(shutil.rmtree, self.directory, ignore_errors=True)
            for made in self.contestants:
                last.callback(drop_database, made)
            if self.provider is not None:
                last.callback(self.provider.stop)
            for made in self.contestants:
                if made.server is not None:
                    last.callback(made.server.stop)


@contextmanager
def stage(database_url: str, bundle: str, persistent: tuple[str, ...]) -> Iterator[Stage]:
    """Set a stage up in a temporary directory, and clear it whatever happens."""
    made = Stage(Path(tempfile.mkdtemp(prefix="gatehouse-bench-")), database_url, bundle, persistent)
    try:
        made.open()
        yield made
    finally:
        made.close()
