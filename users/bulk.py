"""Inserting very many rows that differ in a few columns: a tenth of what `bulk_create` costs."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import connection, models

from users.plain_sql import insert_statement, table_and_columns, uncounted_fields

BATCH = 5000


def insert_like(template: models.Model, varying: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows that are the template in all columns but some, and return how many there were.

    Args:
        template: an unsaved object. Where its key is a number, the database counts it.
        varying: the names of the columns that differ.
        rows: the values of these columns. Nothing is checked but what the database checks.
    """
    kind = type(template)
    shared = [field for field in uncounted_fields(kind) if field.name not in varying]
    differing: list[Any] = [kind._meta.get_field(name) for name in varying]
    insert = insert_statement(kind, [*shared, *differing])
    copy = f"COPY {table_and_columns(kind, [*shared, *differing])} FROM STDIN"
    same = [field.get_db_prep_save(getattr(template, field.attname), connection) for field in shared]
    prepared = (
        [*same, *(field.get_db_prep_save(value, connection) for field, value in zip(differing, row, strict=True))]
        for row in rows
    )
    count = 0
    with connection.cursor() as cursor:
        # In batches, because the rows may come from a query, and nothing else can be asked while rows are copied.
        while batch := list(islice(prepared, BATCH)):
            if connection.vendor == "postgresql":
                _copy(cursor, copy, batch)
            else:
                cursor.executemany(insert, batch)
            count += len(batch)
    return count


def _copy(cursor: Any, copy: str, rows: Iterable[Sequence[Any]]) -> None:
    """Send rows in PostgreSQL's own way for many: statements would cost a round trip for each."""
    with connection.wrap_database_errors, cursor.copy(copy) as target:
        for row in rows:
            target.write_row(row)
