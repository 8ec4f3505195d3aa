"""Locks on something that has no row of its own to lock."""

import uuid
from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import QuerySet


def lock_name(name: str) -> None:
    """Let nobody else take this name until the end of the transaction; whoever wants it waits.

    SQLite needs no more than the transaction itself: they begin IMMEDIATE, and two never write at once.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def keep_rows(rows: "QuerySet[Any]", wanted: Collection[uuid.UUID]) -> bool:
    """Return whether all of these rows are still there, and keep them until the end of the transaction.

    Args:
        wanted: their keys.
    """
    locked = rows.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
    return len(locked.values_list("pk", flat=True)) == len(wanted)
