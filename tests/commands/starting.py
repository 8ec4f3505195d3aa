"""Starting `make run` and `make demo` for real, on a copy of the project."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("manage.py", "portal", "idp", "users", "templates", "tests", ".env.example", "Makefile", "requirements.txt")
# Below the ports that Linux, macOS and Windows give to outgoing connections.
PORTS_WITHOUT_CONNECTIONS = range(20_000, 32_000)
# Not `random` itself: each process of a parallel run seeds it alike.
ANY = SystemRandom()
given: set[int] = set()


def copy_project(copy: Path) -> Path:
    """Fill a folder with a copy without a `.env`, a database or static files."""
    for part in PARTS:
        source = ROOT / part
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, copy / part, ignore=ignore) if source.is_dir() else shutil.copy(source, copy / part)
    return copy


def free_port() -> int:
    """Return a port that nobody listens on, and never the same one twice.

    Not one that the system proposes: it may propose the same one again, or give it to somebody's outgoing
    connection before the server that it is meant for binds it.
    """
    while True:
        port = ANY.choice(PORTS_WITHOUT_CONNECTIONS)
        if port not in given and is_free(port):
            given.add(port)
            return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port now."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def bare_environment(**further: str) -> dict[str, str]:
    """Return an environment without the settings of the tests."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONUNBUFFERED": "1", **further}


def ended(project: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    return subprocess.run(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, *command],
        cwd=project,
        env=bare_environment(**environment),
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


@contextmanager
def started(
    project: Path, *command: str, until: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a command, wait until it prints a line that contains `until`, and interrupt it afterwards."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell that runs the tests in the background has them ignore Ctrl-C, and every command that they start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, *command],
        cwd=project,
        env=bare_environment(**environment),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    printed = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            printed += line
            if until in line:
                break
        assert until in printed, printed
        yield process, printed
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def answer(url: str, **headers: str) -> tuple[int, str]:
    """Return the status and the text of a page."""
    with urlopen(Request(url, headers=headers), timeout=10) as response:  # noqa: S310  (a server of this test)
        return response.status, response.read().decode()


def until_it_answers(url: str) -> None:
    """Wait until a server that was told to start answers anything at all, for which half a minute is ample."""
    ends_at = time.monotonic() + 30
    while True:
        try:
            answer(url)
        except HTTPError as refusal:
            refusal.close()
            return
        except OSError:
            assert time.monotonic() < ends_at
        else:
            return


def eventually(url: str) -> str:
    """Return a page of a server that was told to start, for which half a minute is ample."""
    ends_at = time.monotonic() + 30
    while True:
        try:
            return answer(url)[1]
        except OSError:
            assert time.monotonic() < ends_at


def run_demo(project: Path, ports: tuple[int, int], **environment: str) -> str:
    """Run the demo, see both servers answer, stop it, and return what it printed."""
    command = ("-m", "tests.demo", "--port", str(ports[0]), "--tenant-port", str(ports[1]))
    with started(project, *command, until="Ctrl-C stops everything", **environment) as (process, printed):
        assert '"status": "ok"' in answer(f"http://127.0.0.1:{ports[0]}/readyz")[1]
        url = re.findall(r"Entra IdP URL +(\S+)", printed)[0]
        assert answer(f"{url}/v2.0/.well-known/openid-configuration")[0] == 200
    assert process.returncode == 0
    return printed
