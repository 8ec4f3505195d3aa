"""`make run` and the server: what they print, serve, refuse and believe."""

import re
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from portal.environment import parse
from portal.management.commands.run import gunicorn_command
from tests.commands.starting import ROOT, answer, bare_environment, copy_project, ended, eventually, free_port, started
from tests.environment import TEST_ENVIRONMENT

SCHEME = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" ".join([environ["wsgi.url_scheme"], environ["SCRIPT_NAME"], environ["PATH_INFO"]]).encode()]
"""

FORGED: list[dict[str, str]] = [
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Protocol": "ssl"},
    {"X-Forwarded-Ssl": "on"},
    {"SCRIPT_NAME": "/x"},
    {"PATH_INFO": "/elsewhere"},
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy without a `.env`, a database or static files."""
    return copy_project(tmp_path)


def test_a_taken_port_is_named(project: Path) -> None:
    ended(project, "-m", "portal.environment")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = ended(project, "manage.py", "run", "--bind", f"127.0.0.1:{port}")
    assert refused.returncode == 1 and f"Port {port}" in refused.stderr
    assert "is taken by another program" in refused.stderr


def test_a_first_run_prints_a_link_that_opens(project: Path) -> None:
    port = free_port()
    assert "Made .env" in ended(project, "-m", "portal.environment", "--port", str(port)).stdout
    assert (project / ".env").stat().st_mode & 0o777 == 0o600
    assert parse(project / ".env")["PUBLIC_URL"] == f"http://127.0.0.1:{port}"
    command = ("manage.py", "run", "--bind", f"127.0.0.1:{port}", "--workers", "1")
    with started(project, *command, until="Press Ctrl-C") as (_, printed):
        link = re.findall(r"http://\S+/admin/set-up/\S+", printed)[0]
        assert link.startswith(f"http://127.0.0.1:{port}/")
        assert "Create the first administrator" in eventually(link)
    assert (project / "var").stat().st_mode & 0o777 == 0o700
    assert ended(project, "manage.py", "admins", "setup-link").stdout.startswith(f"http://127.0.0.1:{port}/")


def housekeeping_of(project: Path) -> list[str]:
    """Return the running processes that keep house for this copy."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], text=True, capture_output=True, check=True)  # noqa: S607
    return [line for line in listed.stdout.splitlines() if str(project) in line and "housekeeping" in line]


def test_the_house_is_kept_while_the_server_runs_and_no_longer(project: Path) -> None:
    ended(project, "-m", "portal.environment")
    command = ("manage.py", "run", "--bind", f"127.0.0.1:{free_port()}", "--workers", "1")
    with started(project, *command, until="Press Ctrl-C") as (process, _):
        ends_at = time.monotonic() + 60
        while not housekeeping_of(project):
            assert time.monotonic() < ends_at
    # `started` has interrupted the server alone, and has read its output to the end, which housekeeping shares.
    assert housekeeping_of(project) == []
    with started(project, *command, until="Press Ctrl-C") as (process, _):
        process.kill()
    assert housekeeping_of(project) == []


def test_the_address_in_the_file_follows_the_port_on_this_machine_only(project: Path) -> None:
    file = project / ".env"
    ended(project, "-m", "portal.environment")
    keys = parse(file)["ENCRYPTION_KEYS"]
    ended(project, "-m", "portal.environment", "--port", "8017")
    assert parse(file) | {"SECRET_KEY": ""} == {
        "SECRET_KEY": "",
        "ENCRYPTION_KEYS": keys,
        "PUBLIC_URL": "http://127.0.0.1:8017",
    }
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("# mine\nPUBLIC_URL=https://gatehouse.example\n")
    ended(project, "-m", "portal.environment", "--port", "8018")
    assert file.read_text() == "# mine\nPUBLIC_URL=https://gatehouse.example\n"


@pytest.mark.parametrize(
    "command",
    [
        ("-m", "portal.environment", "--port=abc"),
        ("-m", "portal.environment", "--port=80000"),
        ("-m", "portal.environment", "--port="),
        ("-m", "portal.environment", "--port=٨٠٠٠"),
        ("manage.py", "run", "--bind", "127.0.0.1:0"),
        ("manage.py", "run", "--bind", "8000"),
        ("manage.py", "run", "--bind", "::1:8000"),
        ("-m", "tests.demo", "--tenant-port", "65536"),
        ("-m", "tests.demo", "--port", "8103", "--tenant-port", "8103"),
    ],
    ids=" ".join,
)
def test_what_is_no_port_is_refused(project: Path, command: tuple[str, ...]) -> None:
    refused = ended(project, *command, **{**TEST_ENVIRONMENT, "PYTHONIOENCODING": "utf-8"})
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert re.search(r"is not a port: a number from 1 to 65535|is not HOST:PORT|choose two different", refused.stderr)
    assert not (project / ".env").exists()


@pytest.mark.parametrize("is_in_file", [True, False])
def test_practice_settings_are_refused_for_real_use(project: Path, is_in_file: bool) -> None:
    ended(project, "-m", "portal.environment")
    practice = "INSECURE_ISSUER_ORIGINS=http://127.0.0.1:9000\n"
    if is_in_file:
        (project / ".env").write_text((project / ".env").read_text() + practice)
        refused = ended(project, "manage.py", "run")
    else:
        refused = ended(project, "manage.py", "run", INSECURE_ISSUER_ORIGINS="http://127.0.0.1:9000")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert ("mv .env var/practice.env" in refused.stderr) is is_in_file
    assert "no place in real use" in refused.stderr
    assert not (project / "var" / "gatehouse.sqlite3").exists()


def test_https_without_a_trusted_proxy_is_worth_a_warning(project: Path) -> None:
    ended(project, "-m", "portal.environment")
    command = ("manage.py", "run", "--bind", f"127.0.0.1:{free_port()}", "--workers", "1")
    https = {"PUBLIC_URL": "https://gatehouse.example"}
    with started(project, *command, until="Press Ctrl-C", **https) as (_, printed):
        assert "every client looks like the proxy" in printed and "Set TRUSTED_PROXIES" in printed
    with started(project, *command, until="Press Ctrl-C", TRUSTED_PROXIES="127.0.0.1", **https) as (_, printed):
        assert "Warning" not in printed


def test_the_server_itself_believes_no_forwarded_header(tmp_path: Path) -> None:
    (tmp_path / "scheme.py").write_text(SCHEME)
    port = free_port()
    command = gunicorn_command("scheme:application", f"127.0.0.1:{port}", workers=1)
    environment = bare_environment(**TEST_ENVIRONMENT, PYTHONPATH=f"{ROOT}:{tmp_path}", FORWARDED_ALLOW_IPS="*")
    process = subprocess.Popen(command, cwd=tmp_path, env=environment)  # noqa: S603
    try:
        assert eventually(f"http://127.0.0.1:{port}/") == "http  /"
        for headers in FORGED:
            assert answer(f"http://127.0.0.1:{port}/x/metrics", **headers) == (200, "http  /x/metrics")
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_it_believes_none_behind_a_unix_socket_either(tmp_path: Path) -> None:
    (tmp_path / "scheme.py").write_text(SCHEME)
    command = gunicorn_command("scheme:application", "unix:here", workers=1)
    environment = bare_environment(**TEST_ENVIRONMENT, PYTHONPATH=f"{ROOT}:{tmp_path}")
    process = subprocess.Popen(command, cwd=tmp_path, env=environment)  # noqa: S603
    try:
        ends_at = time.monotonic() + 30
        while not (tmp_path / "here").is_socket():
            assert time.monotonic() < ends_at and process.poll() is None
        for headers in FORGED:
            assert answer_through(tmp_path / "here", "/x/metrics", headers) == "http  /x/metrics"
    finally:
        process.terminate()
        process.wait(timeout=30)


def answer_through(path: Path, target: str, headers: dict[str, str]) -> str:
    """Return what a server behind a Unix socket answers."""
    asked = HTTPConnection("portal.test", timeout=30)
    asked.sock = socket.socket(socket.AF_UNIX)
    asked.sock.connect(str(path))
    asked.request("GET", target, headers=headers)
    text = asked.getresponse().read().decode()
    asked.close()
    return text


def test_make_passes_the_port_on_and_names_a_python_that_is_not_there(project: Path) -> None:
    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            ["make", *arguments],  # noqa: S607
            cwd=project,
            env=bare_environment(),
            text=True,
            capture_output=True,
            timeout=60,
        )

    missing = make("run", "PYTHON=/nonexistent/python")
    assert missing.returncode == 2 and "/nonexistent/python was not found" in missing.stdout
    assert "older" not in missing.stdout
    (project / ".venv").mkdir()
    (project / ".venv" / ".runtime").touch()
    for arguments in (("run", "PORT=abc"), ("demo", "TENANT_PORT=80000"), ("run", "PORT=")):
        refused = make(*arguments, f"BIN={Path(sys.executable).parent}")
        assert refused.returncode == 2 and "is not a port" in refused.stderr
