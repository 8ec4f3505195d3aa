"""How `migrate` waits for what others hold, so that a server that still serves does not wait for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from users.errors import DirectoryError

# 55P03, lock_not_available: what PostgreSQL answers once lock_timeout is over.
LOCK_NOT_AVAILABLE = "55P03"
ONE_AT_A_TIME = "one migrate at a time"


class MigrationBlocked(DirectoryError):
    """Somebody else's transaction holds what a migration needs."""

    code = "users.migration_blocked"
    message = "A migration waited {attempts} times for a lock that another transaction holds, {seconds} s each."
    hint = (
        "What is migrated so far stays, nothing is half done, and the portal goes on serving. Find what is open for "
        "long (a backup, an export, a forgotten shell; on PostgreSQL in pg_stat_activity), let it end, and run "
        "`manage.py migrate` again."
    )
    http_status = 503
    exit_status = 3


def is_blocked(error: OperationalError) -> bool:
    """Return whether a statement failed because it waited too long for somebody else."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        # The lowest byte is the primary code: https://www.sqlite.org/rescode.html#extrc
        return cause.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return getattr(cause, "sqlstate", "") == LOCK_NOT_AVAILABLE


@contextmanager
def impatient(connection: BaseDatabaseWrapper, milliseconds: int) -> Iterator[None]:
    """Let no statement wait for a lock for longer than this.

    A statement that waits for a table holds up all that come after it, sign-ins among them, for as long as it waits.
    """
    on_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if on_postgresql:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{milliseconds}ms"])
        else:
            before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
            cursor.execute(f"PRAGMA busy_timeout = {milliseconds:d}")
    try:
        yield
    finally:
        # A connection that is gone has forgotten it by itself.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout" if on_postgresql else f"PRAGMA busy_timeout = {before:d}")


@contextmanager
def alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let nobody else migrate at the same time: two instances that start at once would make the same table.

    The lock is PostgreSQL's own and ends with the connection. SQLite, on one machine, has one writer at a time.
    """
    if connection.vendor != "postgresql":
        # What Django asks of a locked SQLite would look like a lack of JSON: asked here, while nobody else writes.
        with transaction.atomic(using=connection.alias):
            _ = connection.features.supports_json_field
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [ONE_AT_A_TIME])
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [ONE_AT_A_TIME])
