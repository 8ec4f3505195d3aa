"""Giving PostgreSQL another content in one transaction: our tables are removed, made anew by migrations, and filled.

Tables are removed rather than emptied, because the triggers on the audit log let nobody empty it, and nothing turns
those off: a restore is the act of whoever owns the database, and puts other triggers in their place.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db import OperationalError, connection, transaction

from portal.backup.errors import DatabaseBusy
from portal.backup.losses import audit_number
from portal.backup.states import applied_here, check_now, models_at

_PATIENCE = "30s"
_LOCK_NOT_AVAILABLE, _DEADLOCK = "55P03", "40P01"


@contextmanager
def fresh_database() -> Iterator[Callable[[], int]]:
    """Remove our tables, and what is made in the transaction takes their place if all goes well.

    Yields what returns a number that no audit row of the removed tables has.

    Who wants to read or write them meanwhile waits, and so does another restore.

    Raises:
        DatabaseBusy: see there. Nothing is changed.
    """
    with transaction.atomic():
        tables = _our_tables()
        if tables:
            _lock(tables)
        number = audit_number()  # behind the lock: nobody writes a further row
        if tables:
            _drop(tables)
        yield lambda: number


def check_rows() -> None:
    """Raise an IntegrityError for a row that refers to one that is not there."""
    check_now()


@contextmanager
def loading() -> Iterator[None]:
    """Take rows in any order, whatever they refer to: that is checked later as it is."""
    yield


def _our_tables() -> list[str]:
    """Return the tables that are there of those that the models have now, or had when the database was migrated."""
    ours = {"django_migrations"}
    for known in (apps, models_at(applied_here())):
        ours |= {model._meta.db_table for model in known.get_models(include_auto_created=True)}
    return sorted(ours & set(connection.introspection.table_names()))


def _lock(tables: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
        try:
            cursor.execute(f"LOCK TABLE {_listed(tables)} IN ACCESS EXCLUSIVE MODE")
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") in (_LOCK_NOT_AVAILABLE, _DEADLOCK):
                raise DatabaseBusy() from error
            raise
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def _drop(tables: list[str]) -> None:
    """Remove the tables and the functions of their triggers. What others built on them is not removed but an error."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgfoid::regprocedure::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND relname = ANY(%s) AND pg_table_is_visible(pg_class.oid)",
            [tables],
        )
        functions = [row[0] for row in cursor.fetchall()]
        cursor.execute(f"DROP TABLE {_listed(tables)}")
        for function in functions:
            cursor.execute(f"DROP FUNCTION {function}")


def _listed(tables: list[str]) -> str:
    return ", ".join(connection.ops.quote_name(table) for table in tables)
