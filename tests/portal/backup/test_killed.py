"""A restore that is killed with SIGKILL in the midst of it has changed nothing; the next one works."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from portal.backup.checking import opened
from portal.backup.restoring import plan_restore, restore_backup
from tests.commands.running import ROOT, database_url
from tests.factories import OPERATOR, make_person
from tests.portal.backup.support import PASSPHRASE, back_up, everything, replace
from users.errors import DirectoryError
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

# Copies page by page, and kills itself after some of them.
COPY = """
import os, sys
from pathlib import Path
import django
django.setup()
from portal.backup.on_sqlite import copy_over
def progress(left, total):
    if left < total // 2:
        os.kill(os.getpid(), 9)
copy_over(Path(sys.argv[1]), Path(sys.argv[2]), pages=1, progress=progress)
"""


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of one person; a second one came later."""
    make_person("ada@contoso.example")
    path = tmp_path / "a.age"
    back_up(path)
    make_person("later@contoso.example")
    return path


def killed_when(backup: Path, is_in_the_midst: Callable[[], bool]) -> None:
    """Run a restore in a process of its own, and kill it as soon as it has begun to change the database."""
    command = ("manage.py", "restore", str(backup), "--replace", "--i-understand-the-impacts", "--passphrase-stdin")
    with subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url()},
        stdin=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(PASSPHRASE.encode())
        process.stdin.close()
        process.stdin = None
        while not is_in_the_midst():
            assert process.poll() is None, "it ended before it could be killed"
        process.kill()
        assert process.wait(timeout=60) == -signal.SIGKILL


def test_a_killed_restore_has_changed_nothing_and_the_next_one_works(backup: Path) -> None:
    before = everything()
    connection.close()
    if connection.vendor == "sqlite":
        scratch = Path(f"{connection.settings_dict['NAME']}.restoring")
        killed_when(backup, lambda: scratch.exists() and scratch.stat().st_size > 100_000)
        assert scratch.stat().st_mode & 0o777 == 0o600
    else:
        with psycopg.connect(database_url(), autocommit=True) as other:
            killed_when(backup, lambda: holds_our_tables(other))
    assert everything() == before
    assert replace(backup).status == 0
    assert [person.user_name for person in User.objects.all()] == ["ada"]
    if connection.vendor == "sqlite":
        assert not scratch.exists()


def holds_our_tables(other: "psycopg.Connection") -> bool:
    """Return whether the restore has removed the tables, in a transaction that is not at its end."""
    locks = "SELECT COUNT(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL"
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return int(other.execute(f"{locks} AND {here}").fetchone()[0]) > 100


def test_a_copy_that_is_killed_between_two_pages_has_changed_nothing(tmp_path: Path) -> None:
    """The last step on SQLite, with a reader who has the database open as a serving process has."""
    old, new = tmp_path / "old.sqlite3", tmp_path / "new.sqlite3"
    for path, text in ((old, "old"), (new, "new")):
        with closing(sqlite3.connect(path, isolation_level=None)) as made:
            made.execute(f"PRAGMA journal_mode = {'WAL' if path == old else 'DELETE'}")
            made.execute("CREATE TABLE words (word text)")
            made.executemany("INSERT INTO words VALUES (?)", [(f"{text} {number}" * 50,) for number in range(500)])
    with closing(sqlite3.connect(old)) as reader:
        before = reader.execute("SELECT * FROM words").fetchall()
        command = [sys.executable, "-c", COPY, str(new), str(old)]
        done = subprocess.run(command, cwd=ROOT, timeout=60, check=False)  # noqa: S603  (our own command)
        assert done.returncode == -signal.SIGKILL
        assert reader.execute("SELECT * FROM words").fetchall() == before
    with closing(sqlite3.connect(old)) as later:
        assert later.execute("SELECT * FROM words").fetchall() == before
        assert later.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_readers_see_the_old_content_before_and_the_new_one_afterwards(tmp_path: Path, backup: Path) -> None:
    if connection.vendor != "sqlite":
        return  # there readers wait for the end of the transaction
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as reader:
        count = "SELECT COUNT(*) FROM users_user"
        assert reader.execute(count).fetchone() == (2,)
        assert replace(backup).status == 0
        assert reader.execute(count).fetchone() == (1,)
        reader.execute("BEGIN")
        assert reader.execute(count).fetchone() == (1,)
        make_person("later@contoso.example")
        back_up(tmp_path / "b.age")
        assert replace(tmp_path / "b.age").status == 0
        assert reader.execute(count).fetchone() == (1,)
        reader.execute("ROLLBACK")
        assert reader.execute(count).fetchone() == (2,)


def test_a_writer_who_does_not_end_is_named(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "sqlite":
        monkeypatch.setattr("portal.backup.on_sqlite._PATIENCE", 0.1)
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            refused = not_recorded(backup, lambda: writer.execute("ROLLBACK"))
    else:
        monkeypatch.setattr("portal.backup.on_postgresql._PATIENCE", "100ms")
        with psycopg.connect(database_url()) as writer:
            writer.execute("SELECT COUNT(*) FROM users_user")
            refused = not_recorded(backup, writer.rollback)
    assert refused == "portal.backup.database_busy"
    assert User.objects.count() == 2


def not_recorded(backup: Path, let_go: Callable[[], object]) -> str:
    """Restore by the service, because a command would wait for the writer with its audit row; then let go."""
    known = {"passphrase": PASSPHRASE, "name": "it"}
    with opened(str(backup)) as source, pytest.raises(DirectoryError) as raised:
        plan = plan_restore(source, **known, report=lambda rows: None)
        restore_backup(source, plan=plan, actor=OPERATOR, **known)
    let_go()
    return raised.value.code
