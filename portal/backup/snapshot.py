"""Looking at the database as it is at one moment, while others go on changing it."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend


@contextmanager
def standing_in(**options: Any) -> Iterator[BaseDatabaseWrapper]:
    """Let a second connection be the database of this thread for a while, with some settings of its own.

    Args:
        options: settings such as NAME; OPTIONS are added to those of the first connection.
    """
    usual = connections[DEFAULT_DB_ALIAS]
    settings = copy.deepcopy(usual.settings_dict)
    settings["OPTIONS"].update(options.pop("OPTIONS", {}))
    settings.update(options, CONN_MAX_AGE=0, CONN_HEALTH_CHECKS=False)
    second = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, DEFAULT_DB_ALIAS)
    connections[DEFAULT_DB_ALIAS] = second
    try:
        yield second
    finally:
        connections[DEFAULT_DB_ALIAS] = usual
        second.close()


@contextmanager
def snapshot() -> Iterator[None]:
    """Show everything that is asked for inside as it is now, and let nothing be changed.

    Nobody waits for it. PostgreSQL: one transaction REPEATABLE READ, READ ONLY. SQLite: one deferred transaction, which
    takes no lock but that of a reader; as long as it lasts the write-ahead log grows, because its beginning is not
    written back into the database.
    """
    usual = connections[DEFAULT_DB_ALIAS]
    is_sqlite = usual.vendor == "sqlite"
    # Other transactions of ours begin IMMEDIATE, as those who write must.
    options = {"transaction_mode": "DEFERRED"} if is_sqlite else {}
    with standing_in(OPTIONS=options) as second, transaction.atomic(), second.cursor() as cursor:
        if is_sqlite:
            cursor.execute("PRAGMA query_only = ON")
            cursor.execute("PRAGMA mmap_size = 0")  # what is read once need not stay in this process
            cursor.execute("SELECT COUNT(*) FROM sqlite_master")  # a snapshot begins with the first look
        else:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield
