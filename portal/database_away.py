"""Telling a database that does not answer from a defect of ours: the one passes by itself, the other does not."""

import sqlite3
from collections.abc import Iterator

from django.db import InterfaceError, OperationalError

# SQLite raises the same error for a statement that is wrong. These say that the file cannot be used now
# (https://www.sqlite.org/rescode.html): another writer holds it, the disk is full or fails, or it may not be written.
_FILE_TROUBLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_PRIMARY_CODE = 0xFF


def is_database_away(error: BaseException | None) -> bool:
    """Return whether an exception, or what led to it, is a database that does not answer or gave up.

    On PostgreSQL that is a connection that was refused or cut, a server that starts or stops, one without room for
    another connection, and a deadlock: another try helps. On SQLite it is a file that cannot be used now.
    """
    return any(_says_so(each) for each in _with_causes(error))


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _says_so(error: BaseException) -> bool:
    if not isinstance(error, InterfaceError | OperationalError):
        return False
    if isinstance(error.__cause__, sqlite3.Error):
        code = getattr(error.__cause__, "sqlite_errorcode", None)
        return code is not None and code & _PRIMARY_CODE in _FILE_TROUBLE
    return True
