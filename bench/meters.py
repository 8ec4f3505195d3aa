"""What keeps a machine busy while something is measured: CPU time by whom, and threads that wait for the database.

All of it is read from `/proc` and, of PostgreSQL, from `pg_stat_activity`; nothing is inferred.
"""

import contextlib
import os
import platform
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.running import TICKS, own_cpu_seconds

SAMPLE_EVERY = 0.05
# `nanosleep` and `clock_nanosleep`: SQLite naps while another connection has the write lock, and nothing else of ours
# does. By machine, because that is how the kernel numbers them.
_NAPS = {"x86_64": ("35", "230"), "aarch64": ("101", "115")}.get(platform.machine(), ())
# What a PostgreSQL backend waits for that is neither its client nor work to do.
_WAITS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state <> 'idle' AND wait_event_type IN ('Lock', 'LWLock', 'BufferPin', 'IO')
"""


@dataclass(frozen=True)
class Readings:
    """Shares of one core, unless it says otherwise.

    Attributes:
        server: of all processes of the server.
        busiest: of that one of them that had most to do.
        idle: of the machine, from 0 to its number of cores; what an unknown neighbour took is not in it.
        cores: how many cores the machine has.
        waiting: how many threads or connections waited for the database at a time, None where that cannot be seen.
    """

    server: float
    busiest: float
    browsers: float
    provider: float
    database: float
    idle: float
    cores: int
    waiting: float | None

    @property
    def others(self) -> float:
        """What no part of the benchmark used."""
        known = self.server + self.browsers + self.provider + self.database
        return max(self.cores - self.idle - known, 0.0)


@dataclass
class Meters:
    """Read between `start()` and `stop()`.

    Args:
        server_pid: gunicorn's master.
        database_url: of PostgreSQL; SQLite works within the server's processes.
    """

    server_pid: int
    provider_pid: int
    database_url: str
    _waits: list[int] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to watch."""
        self._sampler = threading.Thread(target=self._sample)
        self._sampler.start()
        self._begun, self._before = time.perf_counter(), self._read()

    def stop(self) -> Readings:
        """Stop watching, and return what there was to see."""
        after, elapsed = self._read(), time.perf_counter() - self._begun
        self._over.set()
        self._sampler.join()
        workers = [key for key in after if key.startswith("worker ") and key in self._before]
        share = {key: (after[key] - self._before.get(key, 0.0)) / elapsed for key in after}
        return Readings(
            server=sum(share[key] for key in workers) + share["master"],
            busiest=max(share[key] for key in workers),
            browsers=share["browsers"],
            provider=share["provider"],
            database=share["database"],
            idle=share["idle"],
            cores=os.cpu_count() or 1,
            waiting=sum(self._waits) / len(self._waits) if self._waits else None,
        )

    def _read(self) -> dict[str, float]:
        idle = Path("/proc/stat").read_text().split()[4:6]  # waiting for a disk is idle too
        times = os.times()
        found = {f"worker {pid}": own_cpu_seconds(pid) for pid in self._workers()}
        return found | {
            "master": own_cpu_seconds(str(self.server_pid)),
            "provider": own_cpu_seconds(str(self.provider_pid)),
            "browsers": times.user + times.system,
            "database": _postgresql_cpu_seconds(self.database_url) if self.database_url else 0.0,
            "idle": sum(map(int, idle)) / TICKS,
        }

    def _workers(self) -> list[str]:
        return Path(f"/proc/{self.server_pid}/task/{self.server_pid}/children").read_text().split()

    def _sample(self) -> None:
        with contextlib.ExitStack() as last:
            connection: Any = None
            if self.database_url:
                connection = last.enter_context(psycopg.connect(self.database_url, autocommit=True))
            while not self._over.wait(SAMPLE_EVERY):
                if connection is not None:
                    self._waits.append(connection.execute(_WAITS).fetchone()[0])
                elif _NAPS:
                    with contextlib.suppress(OSError):  # a kernel that does not tell, or a thread that has just ended
                        self._waits.append(sum(map(_napping, self._workers())))


def _napping(pid: str) -> int:
    """Return how many threads of a process are in the middle of a nap."""
    calls = [path.read_text().split(maxsplit=1)[0] for path in Path(f"/proc/{pid}/task").glob("*/syscall")]
    return sum(call in _NAPS for call in calls)


def _postgresql_cpu_seconds(database_url: str) -> float:
    """Return the CPU time of the processes of PostgreSQL that serve this database now; each has its name in its title.

    What the server does for all databases in the background is not in it.
    """
    name, seconds = f" {database_url.rpartition('/')[2]} ".encode(), 0.0
    for directory in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if directory.name.isdigit() and (title := (directory / "cmdline").read_bytes()).startswith(b"postgres:"):
                seconds += own_cpu_seconds(directory.name) if name in title else 0.0
    return seconds
