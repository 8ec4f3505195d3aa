"""Processes of the benchmark's own: started, waited for, their CPU time read, and ended by their process id."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
# Nothing else of the machine's environment reaches a process: no proxies, no certificates, no Gatehouse settings.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV")


class Failed(Exception):
    """The benchmark cannot go on; the message says why."""


@dataclass
class Server:
    """A running server with its log."""

    name: str
    process: subprocess.Popen[str]
    log: Path

    @classmethod
    def start(cls, name: str, command: list[str], environment: dict[str, str], log: Path) -> "Server":
        """Start a server in a group of its own, so that a Ctrl-C reaches the benchmark alone, which then ends it."""
        with log.open("a") as file:
            process = subprocess.Popen(  # noqa: S603  (our own interpreter and arguments)
                command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if name == "provider" else file,
                stderr=file,
                text=True,
                start_new_session=True,
            )
        return cls(name, process, log)

    def wait_for_port(self, port: int) -> None:
        """Wait until the server takes connections.

        Raises:
            Failed: it ended, or took longer than half a minute.
        """
        ends_at = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < ends_at:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.05)
        raise Failed(f"{self.name} does not answer:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the end of what the server wrote."""
        return self.log.read_text()[-4000:]

    def stop(self) -> None:
        """End the server, politely first."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process and its children, all threads, since they started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(own_cpu_seconds(number) for number in (str(pid), *children))


def own_cpu_seconds(pid: str) -> float:
    """Return the user and system time of one process, all threads, since it started."""
    # The name in brackets may hold blanks: count from behind it (proc(5): utime and stime are fields 14 and 15).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def clean_environment() -> dict[str, str]:
    """Return what the benchmark's own processes get of the environment."""
    return {key: os.environ[key] for key in INHERITED if key in os.environ}


def in_own_process(
    module: str, job: dict[str, Any], environment: dict[str, str], *, timeout: float = 300
) -> dict[str, Any]:
    """Run a module of the benchmark with a job on standard input, and return the result that it prints.

    Args:
        timeout: in seconds.

    Raises:
        Failed: it ended otherwise.
    """
    done = subprocess.run(  # noqa: S603  (our own interpreter and module)
        [sys.executable, "-m", module],
        input=json.dumps(job),
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if done.returncode != 0:
        raise Failed(f"{module} ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
