"""Plain SQL for what every sign-in does: one row inserted, and values as the database at hand stores them.

The ORM spends several times as long on putting such a statement together as the database on running it
(docs/performance.md). Names and values still come from the models.
"""

from functools import lru_cache
from typing import Any

from django.db import connection, models


def stored(model: type[models.Model], name: str, value: Any) -> Any:
    """Return a value as the database at hand stores it in a field.

    Args:
        name: the field's name.
    """
    return model._meta.get_field(name).get_db_prep_save(value, connection)  # type: ignore[union-attr]


def insert(row: models.Model) -> bool:
    """Insert a new object, and return whether it is new: a row that is there already stays as it is.

    Without signals, and without telling the object a key that the database counts. One statement needs no transaction,
    and a key that is taken none to roll back: the database decides between two that come at once.
    """
    statement, fields = _insert_into(type(row), connection.vendor)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.rowcount)


@lru_cache
def _insert_into(model: type[models.Model], vendor: str) -> tuple[str, list["models.Field[Any, Any]"]]:
    """Return the statement for a model, and the fields whose values it takes."""
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column or "") for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    into = f"INSERT INTO {quote(model._meta.db_table)} ({columns})"
    return f"{into} VALUES ({marks}) ON CONFLICT DO NOTHING", fields
