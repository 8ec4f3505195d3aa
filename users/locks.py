"""Locks on something that has no row of its own to lock."""

from django.db import connection


def lock_name(name: str) -> None:
    """Let nobody else take this name until the end of the transaction; whoever wants it waits.

    SQLite needs no more than the transaction itself: they begin IMMEDIATE, and two never write at once.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
