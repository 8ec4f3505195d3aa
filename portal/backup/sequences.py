"""Letting the database count on from the rows that were brought back with their numbers."""

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection

from users.models import AuditEvent


def count_on(*, audit_number: int) -> None:
    """Give new rows numbers that no row has.

    Args:
        audit_number: the next audit row comes after this one as well: whoever ships the log elsewhere goes by numbers.
    """
    table = AuditEvent._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # AUTOINCREMENT counts on by itself from the rows; the line is there as soon as there was a row.
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s AND seq < %s", [table, audit_number])
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT %s, %s "
                "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = %s)",
                [table, audit_number, table],
            )
            return
        models = apps.get_models(include_auto_created=True)
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence(%s, 'id'), "  # noqa: S608  (our own name)
            f"GREATEST(%s, COALESCE((SELECT MAX(id) FROM {table}), 0), 1))",
            [table, audit_number],
        )
