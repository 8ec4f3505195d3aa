"""Conditions in the form that the database at hand has an index for, or has none for."""

from typing import Any

from django.db import connection
from django.db.models import Func, Q


def starts_with(column: str, text: str) -> Q:
    """Return the condition that a column begins with a text, in the form that the database has an index for."""
    if connection.vendor == "postgresql":
        return Q(**{f"{column}__startswith": text})
    return Q(**{f"{column}__gte": text, f"{column}__lt": f"{text}\U0010ffff"})


class Unindexed(Func):
    """A column that SQLite is not to look up by: it takes every equality for rare, and would then sort nearly all rows.

    PostgreSQL knows better, by its statistics. (https://www.sqlite.org/optoverview.html, "unary +")
    """

    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the column with a sign before it, which changes nothing but the plan."""
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)
