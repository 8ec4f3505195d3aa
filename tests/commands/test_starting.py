"""`make run` and `make demo`, started for real on a copy of the project: what they print, serve and keep."""

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
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("manage.py", "portal", "idp", "users", "templates", "tests")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy without a `.env`, a database or static files."""
    copy = tmp_path_factory.mktemp("project")
    for part in PARTS:
        source = ROOT / part
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, copy / part, ignore=ignore) if source.is_dir() else shutil.copy(source, copy / part)
    return copy


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(project: Path, *command: str, until: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a command, wait until it prints a line that contains `until`, and interrupt it afterwards."""
    ours = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, *command],
        cwd=project,
        env=ours,
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


def answer(url: str) -> tuple[int, str]:
    """Return the status and the text of a page."""
    with urlopen(url, timeout=10) as response:  # noqa: S310  (a server of this test)
        return response.status, response.read().decode()


def run_demo(project: Path, ports: tuple[int, int]) -> str:
    """Run the demo, see both servers answer, stop it, and return what it printed."""
    command = ("-m", "tests.demo", "--port", str(ports[0]), "--tenant-port", str(ports[1]))
    with started(project, *command, until="Ctrl-C stops everything") as (process, printed):
        assert '"status": "ok"' in answer(f"http://127.0.0.1:{ports[0]}/readyz")[1]
        url = re.findall(r"Entra IdP URL +(\S+)", printed)[0]
        assert answer(f"{url}/v2.0/.well-known/openid-configuration")[0] == 200
    assert process.returncode == 0
    return printed


def test_the_demo_starts_both_servers_stops_them_and_keeps_its_data(project: Path) -> None:
    ports = free_port(), free_port()
    first = run_demo(project, ports)
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert (project / ".env").stat().st_mode & 0o777 == 0o600
    values = r"(?:Client ID|Client Secret|Entra IdP URL|@contoso.example) +(\S+)"
    assert re.findall(values, run_demo(project, ports)) == re.findall(values, first)


def test_a_taken_port_is_named(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = ("manage.py", "run", "--bind", f"127.0.0.1:{port}")
        with started(project, *command, until="is taken by another program") as (process, printed):
            assert f"Port {port}" in printed
        assert process.returncode == 1


def test_a_first_run_prints_a_link_that_opens(project: Path, tmp_path: Path) -> None:
    port = free_port()
    (project / ".env").unlink(missing_ok=True)
    shutil.rmtree(project / "var", ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "portal.environment"], cwd=project, capture_output=True, text=True)
    assert "Made .env" in made.stdout
    command = ("manage.py", "run", "--bind", f"127.0.0.1:{port}", "--workers", "1")
    with started(project, *command, until="Press Ctrl-C") as (_, printed):
        link = re.findall(r"http://\S+/admin/set-up/\S+", printed)[0]
        assert link.startswith(f"http://127.0.0.1:{port}/")
        assert "Create the first administrator" in eventually(link)


def eventually(url: str) -> str:
    """Return a page of a server that was told to start, for which half a minute is ample."""
    ends_at = time.monotonic() + 30
    while True:
        try:
            return answer(url)[1]
        except OSError:
            assert time.monotonic() < ends_at
