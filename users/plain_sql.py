"""Plain SQL for what every sign-in does: one row inserted, and values as the database at hand stores them.

The ORM spends several times as long on putting such a statement together as the database on running it
(docs/performance.md). Names and values still come from the models.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connection, models


def stored(model: type[models.Model], name: str, value: Any) -> Any:
    """Return a value as the database at hand stores it in a field.

    Args:
        name: the field's name.
    """
    return model._meta.get_field(name).get_db_prep_save(value, connection)  # type: ignore[union-attr]


def as_uuid(value: Any) -> uuid.UUID:
    """Return an identifier that plain SQL read as PostgreSQL gives it; SQLite gives its digits."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def as_moment(value: Any) -> datetime | None:
    """Return a moment, or None, that plain SQL read as PostgreSQL gives it; SQLite gives its text, in UTC."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def insert(row: models.Model) -> None:
    """Insert a new object, without signals and without telling it a key that the database counts.

    Raises:
        IntegrityError: the database does not take it.
    """
    _insert(row, "")


def insert_if_new(row: models.Model) -> bool:
    """Insert an object as `insert` does, and return whether it is new: a row that is there already stays as it is.

    One statement needs no transaction, and a key that is taken none to roll back: the database decides between two
    that come at once.
    """
    return _insert(row, " ON CONFLICT DO NOTHING")


def insert_statement(model: type[models.Model], fields: Sequence["models.Field[Any, Any]"]) -> str:
    """Return the statement that inserts one row, with a mark for each field's value."""
    marks = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {table_and_columns(model, fields)} VALUES ({marks})"  # noqa: S608  (our own names)


def table_and_columns(model: type[models.Model], fields: Sequence["models.Field[Any, Any]"]) -> str:
    """Return a model's table and the columns of some fields, quoted, as `table (column, column)`."""
    quote = connection.ops.quote_name
    return f"{quote(model._meta.db_table)} ({', '.join(quote(field.column or '') for field in fields)})"


def uncounted_fields(model: type[models.Model]) -> list["models.Field[Any, Any]"]:
    """Return the fields of a model that have columns, without a key that the database counts."""
    return [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]


def _insert(row: models.Model, on_conflict: str) -> bool:
    """Insert a row, and return whether there is one more."""
    statement, fields = _insert_into(type(row), connection.vendor)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement + on_conflict, values)
        return bool(cursor.rowcount)


@lru_cache
def _insert_into(model: type[models.Model], vendor: str) -> tuple[str, list["models.Field[Any, Any]"]]:
    """Return the statement for a model, and the fields whose values it takes: the same for every row."""
    fields = uncounted_fields(model)
    return insert_statement(model, fields), fields
