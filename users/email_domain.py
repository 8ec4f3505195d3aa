"""The domain of a company email, in the one form that the database has an index for."""

from typing import Any

from django.db import connection
from django.db.models import CharField, Func


class EmailDomain(Func):
    """What stands behind the @ of an email. Emails are plain: they hold one."""

    arity = 1
    output_field = CharField()
    template = "SUBSTR(%(expressions)s, INSTR(%(expressions)s, '@') + 1)"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the same in PostgreSQL's words."""
        template = "SUBSTRING(%(expressions)s, STRPOS(%(expressions)s, '@') + 1)"
        return self.as_sql(compiler, connection, template=template, **context)


def domain_of(email: str) -> str:
    """Return the domain of an email that somebody typed, as company emails have theirs."""
    return email.strip().lower().rpartition("@")[2]


def domain_sql(column: str) -> str:
    """Return the same as `EmailDomain` for plain SQL.

    Args:
        column: its quoted name, with its table where that is needed.
    """
    if connection.vendor == "postgresql":
        return f"SUBSTRING({column}, STRPOS({column}, '@') + 1)"
    return f"SUBSTR({column}, INSTR({column}, '@') + 1)"
