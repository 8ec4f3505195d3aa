"""Giving SQLite another content, all of it or nothing.

The new content is made in a file of its own beside the database. SQLite's backup interface then copies it over the
database page by page in one transaction (https://www.sqlite.org/backup.html): whoever is killed in the midst of it has
changed nothing, and processes that have the database open read the old content before and the new one afterwards. A
file that took the place of the other would be no match for the write-ahead log beside it.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from django.db import connection, transaction

from portal.backup.errors import BackupNotRestorable, DatabaseBusy, RestoreUnderWay
from portal.backup.snapshot import standing_in

_PAGES_IN_STEP = 2000
# As long as a statement waits for the lock (portal/settings.py), and a little longer.
_PATIENCE = 30.0
# Audit rows that may come between the last look at the former log and the moment in which nobody can write any more.
_NUMBERS_BETWEEN = 10_000
# Nobody else reads the file, and where something fails, it is thrown away.
_QUICK = (
    "PRAGMA page_size = {page_size}; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; "
    "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;"
)
Progress = Callable[[int, int], None]


@contextmanager
def fresh_database() -> Iterator[Callable[[], int]]:
    """Let an empty database be the one at hand, and put it into the place of the usual one if all goes well.

    Yields what returns a number that no audit row of the usual database has, and those that still come neither.

    Raises:
        RestoreUnderWay, DatabaseBusy, BackupNotRestorable: see there. Nothing is changed.
    """
    live = Path(connection.settings_dict["NAME"])
    with _scratch_beside(live) as scratch:
        options = {"init_command": _QUICK.format(page_size=_page_size(live))}
        with standing_in(NAME=str(scratch), OPTIONS=options):
            yield lambda: _free_after(live)
            _check()
        connection.close()

        def refuse_used_numbers(left: int, total: int) -> None:
            if left and _highest(live) >= _highest(scratch):
                raise DatabaseBusy()

        # In two steps at least: after the first one nobody can write, and before the last one nothing is decided.
        pages = min(_PAGES_IN_STEP, _pages(scratch) // 2)
        copy_over(scratch, live, pages=pages, progress=refuse_used_numbers)


def check_rows() -> None:
    """Raise an IntegrityError for a row that refers to one that is not there."""
    connection.check_constraints()


@contextmanager
def loading() -> Iterator[None]:
    """Take rows in any order, whatever they refer to."""
    with connection.constraint_checks_disabled(), transaction.atomic():
        yield


def copy_over(
    source: Path, target: Path, *, pages: int = _PAGES_IN_STEP, progress: Progress = lambda left, total: None
) -> None:
    """Give a database the content of another one, in one transaction.

    Args:
        pages: how many are copied at a time.
        progress: is told after each time how many are left, of how many.

    Raises:
        DatabaseBusy: somebody else writes, and does not end.
        BackupNotRestorable: the disk is full, for example.
    """
    gives_up_at = time.monotonic() + _PATIENCE

    def step(status: int, left: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > gives_up_at:
            raise DatabaseBusy()
        progress(left, total)

    try:
        with closing(sqlite3.connect(source)) as new, closing(sqlite3.connect(target, timeout=1)) as old:
            # Power may fail as well: the new content is on the disk before anybody sees it.
            old.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
            new.backup(old, pages=pages, progress=step)
            with suppress(sqlite3.OperationalError):  # readers may hold it back, and the next one will do it
                old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise BackupNotRestorable(where="the last step", reason=str(error)) from error


@contextmanager
def _scratch_beside(live: Path) -> Iterator[Path]:
    """Make an empty file beside the database for this restore alone, and remove it again.

    It has one name, so that what a killed restore left behind is overwritten by the next one.
    """
    scratch = live.with_name(f"{live.name}.restoring")
    number = os.open(scratch, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RestoreUnderWay() from error
        if not scratch.exists() or scratch.stat().st_ino != os.fstat(number).st_ino:
            raise RestoreUnderWay()  # it ended in this moment, and took the file along
        os.truncate(number, 0)
        try:
            yield scratch
        finally:
            scratch.unlink(missing_ok=True)
    finally:
        os.close(number)


def _page_size(live: Path) -> int:
    """Return the page size of the database: the two must have the same. SQLite's own where there is none yet."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_size")
        return int(cursor.fetchone()[0])


def _pages(database: Path) -> int:
    with closing(sqlite3.connect(database)) as looking:
        return int(looking.execute("PRAGMA page_count").fetchone()[0])


def _free_after(database: Path) -> int:
    highest = _highest(database)
    return highest + _NUMBERS_BETWEEN if highest else 0


def _highest(database: Path) -> int:
    """Return the highest number of an audit row; 0 without any."""
    with closing(sqlite3.connect(database, timeout=_PATIENCE)) as looking:
        if not looking.execute("SELECT 1 FROM sqlite_master WHERE name = 'users_auditevent'").fetchone():
            return 0
        return int(looking.execute("SELECT COALESCE(MAX(id), 0) FROM users_auditevent").fetchone()[0])


def _check() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check(1)")
        found = cursor.fetchone()[0]
    if found != "ok":
        raise BackupNotRestorable(where="the new database", reason=str(found)[:200])
