"""Inserting and changing very many rows that differ in a few columns: a tenth of what the ORM's bulk methods cost."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connection, models

from users.plain_sql import table_and_columns, uncounted_fields

BATCH = 10_000
# In KiB. SQLite's usual 2 MB would be written out and read again for every few rows of so many.
_ROOM = 65_536


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
    target = table_and_columns(kind, [*shared, *differing])
    same = [field.get_db_prep_save(getattr(template, field.attname), connection) for field in shared]
    prepared = (
        [field.get_db_prep_save(value, connection) for field, value in zip(differing, row, strict=True)] for row in rows
    )
    count = 0
    with connection.cursor() as cursor:
        # In batches, because the rows may come from a query, and nothing else can be asked while rows are copied.
        while batch := list(islice(prepared, BATCH)):
            if connection.vendor == "postgresql":
                _copy(cursor, f"COPY {target} FROM STDIN", same, batch)
            else:
                _insert(cursor, target, same, batch)
            count += len(batch)
    return count


def _copy(cursor: Any, copy: str, same: list[Any], rows: Iterable[list[Any]]) -> None:
    """Send rows in PostgreSQL's own way for many: statements would cost a round trip for each."""
    with connection.wrap_database_errors, cursor.copy(copy) as target:
        for row in rows:
            target.write_row([*same, *row])


def _insert(cursor: Any, target: str, same: list[Any], rows: list[list[Any]]) -> None:
    """Insert rows in one statement for all: where triggers watch a table, each statement costs SQLite most of it."""
    marks = ["%s"] * len(same) + [f"json_extract(value, '$[{index}]')" for index in range(len(rows[0]))]
    cursor.execute(
        f"INSERT INTO {target} SELECT {', '.join(marks)} FROM json_each(%s)",  # noqa: S608  (our own names)
        [*same, json.dumps(rows)],
    )


def update_each(kind: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Give each of many rows its own values in some columns, and return how many there were.

    Args:
        columns: their names.
        rows: the row's key, then the values.
    """
    key: Any = kind._meta.pk
    fields: list[Any] = [key, *(kind._meta.get_field(name) for name in columns)]
    prepared = [
        [field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=True)] for row in rows
    ]
    if prepared:
        with connection.cursor() as cursor:
            update = _update_from_arrays if connection.vendor == "postgresql" else _update_one_by_one
            update(cursor, kind, fields, prepared)
    return len(prepared)


def _update_from_arrays(cursor: Any, kind: type[models.Model], fields: list[Any], rows: list[list[Any]]) -> None:
    """Update in one statement: its triggers run once for each."""
    quote = connection.ops.quote_name
    # As text, because a cast to a column's width would cut a value that is too long instead of refusing it.
    types = ("text" if isinstance(field, models.CharField) else field.db_type(connection) for field in fields)
    arrays = ", ".join(f"%s::{db_type}[]" for db_type in types)
    names = ", ".join(quote(field.column) for field in fields)
    settings = ", ".join(f"{quote(field.column)} = given.{quote(field.column)}" for field in fields[1:])
    table, key = quote(kind._meta.db_table), quote(fields[0].column)
    cursor.execute(
        f"UPDATE {table} SET {settings} FROM unnest({arrays}) AS given({names}) "  # noqa: S608  (our own names)
        f"WHERE {table}.{key} = given.{key}",
        [list(column) for column in zip(*rows, strict=True)],
    )


def _update_one_by_one(cursor: Any, kind: type[models.Model], fields: list[Any], rows: list[list[Any]]) -> None:
    quote = connection.ops.quote_name
    settings = ", ".join(f"{quote(field.column)} = %s" for field in fields[1:])
    statement = f"UPDATE {quote(kind._meta.db_table)} SET {settings} WHERE {quote(fields[0].column)} = %s"  # noqa: S608
    cursor.executemany(statement, [[*values, key] for key, *values in rows])


@contextmanager
def room_for_many() -> Iterator[None]:
    """Let SQLite keep the pages of one large transaction in memory while it lasts."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size")
        before = int(cursor.fetchone()[0])
        cursor.execute(f"PRAGMA cache_size = -{_ROOM}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = {before}")
