"""`make demo`: practice in files and databases of its own, which never meet those of real use."""

import json
import re
import shutil
import socket
from pathlib import Path

import pytest

from portal.environment import is_practice, parse
from tests.commands.starting import copy_project, ended, free_port, run_demo

REAL = (
    "# INSECURE_ISSUER_ORIGINS=http://127.0.0.1:9000\nSECRET_KEY=real\nENCRYPTION_KEYS=real\nINSECURE_ISSUER_ORIGINS=\n"
)
# Whatever reads one of these instead of the practice's file fails.
EXPORTED = {
    "DATABASE_URL": "postgres://real:very-secret@127.0.0.1:1/real",
    "SECRET_KEY": "",
    "ENCRYPTION_KEYS": "real",
    "CACHE_URL": "redis://127.0.0.1:1/0",
    "PUBLIC_URL": "https://real.example",
    "ENV_FILE": "/nonexistent",
    "EMAIL_URL": "smtp://127.0.0.1:1",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy without a `.env`, a database or static files."""
    return copy_project(tmp_path)


def two_ports() -> tuple[int, int]:
    return free_port(), free_port()


def test_it_starts_both_servers_stops_them_and_keeps_its_data(project: Path) -> None:
    ports = two_ports()
    first = run_demo(project, ports)
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    file = project / ".env"
    assert file.stat().st_mode & 0o777 == 0o600 and (project / "var").stat().st_mode & 0o777 == 0o700
    assert re.search("^# .*practice", file.read_text(), re.MULTILINE)
    known = parse(file)
    assert known["PUBLIC_URL"] == f"http://127.0.0.1:{ports[0]}"
    assert known["INSECURE_ISSUER_ORIGINS"] == f"http://127.0.0.1:{ports[1]}"
    assert known["DATABASE_URL"] == f"sqlite:///{project}/var/practice.sqlite3"
    folder = project / "var" / "practice-mail"
    assert known["EMAIL_URL"] == f"filemail:///{folder}" and f"a file for each in {folder}/" in first
    assert known["METRICS_DIR"] == f"{project}/var/practice-metrics" and any(Path(known["METRICS_DIR"]).iterdir())
    assert not (project / "var" / "metrics").exists()
    sent = ended(project, "manage.py", "users", "send-reset", "local@contoso.example")
    assert sent.returncode == 0 and str(folder) in sent.stderr
    (mail,) = folder.iterdir()
    assert sent.stdout.splitlines()[0] in mail.read_text()
    assert "admin@contoso.example" in ended(project, "manage.py", "admins", "list").stdout
    assert not (project / "var" / "gatehouse.sqlite3").exists()
    before, values = file.read_text(), r"(?:Client ID|Client Secret|Entra IdP URL|@contoso.example) +(\S+)"
    second = run_demo(project, ports, **EXPORTED)
    assert re.findall(values, second) == re.findall(values, first) and file.read_text() == before
    assert "very-secret" not in second and "sqlite:" not in first + second


def test_beside_a_file_for_real_use_it_has_one_of_its_own(project: Path) -> None:
    (project / ".env").write_text(REAL)
    assert not is_practice(project / ".env")
    printed = run_demo(project, two_ports())
    assert (project / ".env").read_text() == REAL
    own = project / "var" / "practice.env"
    assert own.stat().st_mode & 0o777 == 0o600 and is_practice(own)
    assert "ENV_FILE=var/practice.env .venv/bin/python manage.py" in printed
    listed = ended(project, "manage.py", "admins", "list", ENV_FILE="var/practice.env")
    assert "admin@contoso.example" in listed.stdout
    refused = ended(project, "manage.py", "run", ENV_FILE="var/practice.env")
    assert refused.returncode == 1 and "mv .env" not in refused.stderr
    assert not (project / "var" / "gatehouse.sqlite3").exists()


def test_after_leaving_for_real_use_practice_goes_on_with_its_keys(project: Path) -> None:
    ports = two_ports()
    run_demo(project, ports)
    keys = parse(project / ".env")["ENCRYPTION_KEYS"]
    shutil.move(project / ".env", project / "var" / "practice.env")
    run_demo(project, ports)
    assert not (project / ".env").exists()
    assert parse(project / "var" / "practice.env")["ENCRYPTION_KEYS"] == keys
    ended(project, "-m", "portal.environment")
    ended(project, "manage.py", "migrate")
    assert json.loads(ended(project, "manage.py", "users", "list", "--json").stdout) == []


def test_other_ports_are_written_down_and_an_old_one_in_use_is_named(project: Path) -> None:
    old, new = two_ports(), two_ports()
    printed = run_demo(project, old)
    url, client_id, secret = re.findall(r"(?:Entra IdP URL|Client ID|Client Secret) +(\S+)", printed)
    file = project / ".env"
    keys = parse(file)["ENCRYPTION_KEYS"]
    mark_active = (
        "from idp.models import IdentityProvider; from idp.fields import Secret; "
        f"IdentityProvider.objects.create(slug='entra', kind='entra', name='Contoso', url='{url}', issuer='{url}/v2.0',"
        f" client_id='{client_id}', client_secret=Secret(b'{secret}'), status='active');"
        " from idp.models import RoutingPolicy; RoutingPolicy.objects.create(name='All', everyone=True, position=1,"
        " provider=IdentityProvider.objects.get())"
    )
    made = ended(project, "manage.py", "shell", "-c", mark_active)
    assert made.returncode == 0, made.stderr
    assert "Warning" not in run_demo(project, old)
    printed = run_demo(project, new)
    assert f"old port {old[1]}" in printed and printed.count("Warning") == 1
    known = parse(file)
    assert known["PUBLIC_URL"].endswith(f":{new[0]}") and known["INSECURE_ISSUER_ORIGINS"].endswith(f":{new[1]}")
    assert known["ENCRYPTION_KEYS"] == keys and file.stat().st_mode & 0o777 == 0o600


def test_a_practice_file_without_a_database_gets_the_one_of_practice(project: Path) -> None:
    ended(project, "-m", "portal.environment")
    with (project / ".env").open("a") as file:
        file.write("INSECURE_ISSUER_ORIGINS=http://127.0.0.1:9000\n")
    run_demo(project, two_ports())
    known = parse(project / ".env")
    assert known["DATABASE_URL"].endswith("/var/practice.sqlite3")
    assert known["METRICS_DIR"].endswith("/var/practice-metrics") and not (project / "var" / "metrics").exists()
    assert not (project / "var" / "gatehouse.sqlite3").exists()


def test_a_file_beside_that_is_not_for_practice_is_left_alone(project: Path) -> None:
    (project / ".env").write_text(REAL)
    (project / "var").mkdir()
    (project / "var" / "practice.env").write_text(REAL)
    refused = ended(project, "-m", "tests.demo", "--port", str(free_port()), "--tenant-port", str(free_port()))
    assert refused.returncode == 1 and "is not for practice" in refused.stderr
    assert (project / "var" / "practice.env").read_text() == REAL
