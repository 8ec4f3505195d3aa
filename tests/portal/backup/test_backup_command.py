"""`manage.py backup`: the file that comes out, what is left when nothing does, and what is refused."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from portal.backup.making import key_fingerprint
from tests.browsing import last_event
from tests.commands.running import ROOT, database_url, in_shell, run
from tests.entra_tenant import PracticeTenant
from tests.factories import make_person
from tests.portal.backup.installation import install
from tests.portal.backup.support import PASSPHRASE, back_up, lines_of
from users.models import AuditEvent, User

pytestmark = pytest.mark.django_db(transaction=True)


def refused(path: Path | str, *further: str, passphrase: str = PASSPHRASE) -> tuple[int, str]:
    done = run("backup", str(path), "--passphrase-stdin", "--json", *further, stdin=passphrase)
    return done.status, done.error["code"]


def test_a_backup_says_what_is_in_it_and_is_for_its_owner_alone(tmp_path: Path, tenant: PracticeTenant) -> None:
    there = install(tenant)
    path = tmp_path / "gatehouse.age"
    made = back_up(path).json
    assert path.stat().st_mode & 0o777 == 0o600 and os.listdir(tmp_path) == [path.name]
    assert (made["file"], made["bytes"], made["format"]) == (str(path), path.stat().st_size, 1)
    assert made["gatehouse"] == settings.VERSION and made["public_url"] == settings.PUBLIC_URL
    assert made["database"] == connection.vendor and made["migrations"]["users"] >= "0017_provided_people"
    assert made["keys"] == [key_fingerprint(settings.ENCRYPTION_KEYS[0])]
    assert made["tables"]["users_user"] == User.objects.count() and made["rows"] == sum(made["tables"].values())
    assert made["secrets"] == 4  # two client secrets, a certificate's key and the seed of an app
    noted = last_event(action="backup.made")
    assert noted.details == {"rows": made["rows"], "bytes": made["bytes"], "secrets": 4, "as_of": made["made_at"]}
    text = path.read_bytes()
    for secret in (tenant.client_secret, there.app.seed, settings.ENCRYPTION_KEYS[0], PASSPHRASE, "contoso"):
        assert secret.encode() not in text


def test_neither_keys_nor_plain_secrets_nor_sessions_are_inside(tmp_path: Path, tenant: PracticeTenant) -> None:
    there = install(tenant)
    path = tmp_path / "a.age"
    back_up(path)
    inside = repr(lines_of(path))
    assert "ada@contoso.example" in inside
    for secret in (tenant.client_secret, there.app.seed, settings.ENCRYPTION_KEYS[0], settings.SECRET_KEY, PASSPHRASE):
        assert secret not in inside
    tables = {line["table"] for line in lines_of(path) if isinstance(line, dict) and "table" in line}
    assert not tables & {"users_usersession", "idp_upstreamgrant", "idp_spentstate", "users_setuptoken"}


def test_in_words_it_is_a_list_of_facts(tmp_path: Path) -> None:
    done = run("backup", str(tmp_path / "a.age"), "--passphrase-stdin", stdin=PASSPHRASE + "\n")
    assert done.status == 0 and "gatehouse" in done.out and "rows" in done.out and done.err == ""


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.age"
    path.write_text("the last good one")
    assert refused(path) == (3, "portal.backup.file_exists")
    assert path.read_text() == "the last good one"
    back_up(path, "--force")
    assert path.read_bytes().startswith(b"age-encryption.org/v1\n") and path.stat().st_mode & 0o777 == 0o600
    link = tmp_path / "link.age"
    link.symlink_to(tmp_path / "nowhere")
    assert refused(link) == (3, "portal.backup.file_exists")


@pytest.mark.parametrize("passphrase", ["", "\n", "eleven char", "x" * 11 + "\n"])
def test_a_short_passphrase_is_refused(tmp_path: Path, passphrase: str) -> None:
    assert refused(tmp_path / "a.age", passphrase=passphrase) == (2, "portal.backup.passphrase_weak")
    assert os.listdir(tmp_path) == []


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "no" / "a.age") == (2, "users.file_not_written")
    assert last_event(action="operator.command.refused").error_code == "users.file_not_written"


def test_a_full_disk_leaves_nothing_behind_and_the_old_backup_as_it_was(tmp_path: Path) -> None:
    for _ in range(50):
        make_person()
    path = tmp_path / "a.age"
    path.write_text("the last good one")
    # No file may grow beyond 1 KiB: what the system says then is what it says of a quota.
    limited = f"ulimit -f 1; exec {sys.executable} manage.py backup {path} --force --json --passphrase-stdin"
    done = subprocess.run(  # noqa: S603  (our own command)
        ["/bin/bash", "-c", f"trap '' XFSZ; {limited}"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url(), "PYTHONDONTWRITEBYTECODE": "1"},
        input=PASSPHRASE.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and b"users.file_not_written" in done.stderr, done.stderr
    assert os.listdir(tmp_path) == ["a.age"] and path.read_text() == "the last good one"


def test_standard_output_takes_a_backup_that_can_be_restored(tmp_path: Path) -> None:
    make_person("ada@contoso.example")
    done = subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, "manage.py", "backup", "-", "--passphrase-stdin", "--json"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url()},
        input=PASSPHRASE.encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert b'"users_user": 1' in done.stderr and PASSPHRASE.encode() not in done.stderr
    path = tmp_path / "a.age"
    path.write_bytes(done.stdout)
    checked = in_shell("restore", str(path), "--dry-run", "--json", stdin=PASSPHRASE.encode())
    assert checked.status == 0 and checked.json["tables"]["users_user"] == 1


def test_a_terminal_is_asked_twice_and_takes_no_backup(tmp_path: Path) -> None:
    for answers, expected in (
        ((PASSPHRASE, PASSPHRASE), ""),
        ((PASSPHRASE, PASSPHRASE + "x"), "portal.backup.passphrases_differ"),
    ):
        path = tmp_path / "a.age"
        status, shown = on_terminal(["backup", str(path)], answers)
        assert (status == 0, path.exists()) == (not expected, not expected), shown
        assert expected in shown and PASSPHRASE not in shown
        path.unlink(missing_ok=True)
    status, shown = on_terminal(["backup", "-"], ())
    assert status == 2 and "portal.backup.to_terminal" in shown


def on_terminal(arguments: list[str], answers: tuple[str, ...]) -> tuple[int, str]:
    """Run a command on a terminal, answer what it asks, and return its status and what the terminal shows."""
    ours, its = os.openpty()
    process = subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url()},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(its), os.O_RDWR)),  # its terminal, which getpass opens
    )
    os.close(its)
    shown = ""
    try:
        for answer in answers:
            while not shown.endswith(": "):
                shown += os.read(ours, 1000).decode()
            os.write(ours, answer.encode() + b"\n")
            shown += " "
        while True:
            shown += os.read(ours, 1000).decode()
    except OSError:  # the other side is closed
        pass
    finally:
        os.close(ours)
    return process.wait(timeout=60), shown


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_leaves_nothing_behind(tmp_path: Path, number: signal.Signals, status: int) -> None:
    make_person()
    with subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "manage.py", "backup", str(tmp_path / "a.age"), "--passphrase-stdin"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url()},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdin is not None
        process.stdin.write(PASSPHRASE.encode())
        process.stdin.close()
        process.stdin = None
        while not os.listdir(tmp_path) and process.poll() is None:
            continue  # the file is made before scrypt begins, which takes far longer than a signal
        process.send_signal(number)
        said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == status and "no backup was made" in said, said
    assert os.listdir(tmp_path) == []
    assert not AuditEvent.objects.filter(action="backup.made").exists()


def test_an_empty_database_has_nothing_to_back_up(tmp_path: Path) -> None:
    empty = f"sqlite:///{tmp_path}/empty.sqlite3"
    done = in_shell("backup", str(tmp_path / "a.age"), "--json", stdin=PASSPHRASE.encode(), DATABASE_URL=empty)
    assert (done.status, done.error["code"]) == (3, "portal.backup.database_empty")
    assert not (tmp_path / "a.age").exists()


def test_a_database_of_a_newer_version_is_left_to_that(tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('users', '9999_later', '2030-01-01')"
        )
    try:
        assert refused(tmp_path / "a.age") == (3, "portal.backup.database_from_newer")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_later'")
