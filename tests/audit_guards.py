"""Taking the triggers off the audit log for a moment: production has no way to do that, and a flush needs one."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from django.apps import apps
from django.db import connection, transaction

_migration = import_module("users.migrations.0014_audit_guards")


@contextmanager
def lifted() -> Iterator[None]:
    """Remove the triggers, and make them again as the migration does. In one transaction: nobody else sees it."""
    editor = connection.SchemaEditorClass(connection)  # not entered: on SQLite that is a matter of foreign keys
    with transaction.atomic():
        _migration.drop_guards(apps, editor)
        yield
        _migration.create_guards(apps, editor)
