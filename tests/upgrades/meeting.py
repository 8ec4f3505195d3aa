"""`python -m tests.upgrades.meeting`: the former version meets each schema on the way to the present one.

A process of its own, on the empty database that DATABASE_URL names: the migrations before the former version use
Django's default database. Prints what it saw as JSON.
"""

import json
from typing import Any

import django

django.setup()

from django.apps.registry import Apps  # noqa: E402  (after the set-up)
from django.db import connection  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402
from django.test import Client  # noqa: E402

from tests.upgrades import old_code  # noqa: E402
from tests.upgrades.released import former_targets  # noqa: E402

TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname",
}


def triggers() -> list[str]:
    """Return the triggers of all tables: SQLite makes some tables anew, and theirs would be gone."""
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS[connection.vendor])
        return [name for (name,) in cursor.fetchall()]


def unfilled(former: Apps) -> list[str]:
    """Return the columns that the former version does not fill, and the database does not either."""
    found = []
    for model in old_code.models_of(former):
        known = {field.column for field in model._meta.concrete_fields}
        table = model._meta.db_table
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                rows = cursor.execute(f'PRAGMA table_info("{table}")').fetchall()
                columns = {name: bool(filled is not None or not strict) for _, name, _, strict, filled, _ in rows}
            else:
                cursor.execute(
                    "SELECT column_name, is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' "
                    "FROM information_schema.columns WHERE table_schema = current_schema AND table_name = %s",
                    [table],
                )
                columns = dict(cursor.fetchall())
        found += [f"{table}.{name}" for name, is_filled in columns.items() if name not in known and not is_filled]
    return found


def seen(former: Apps) -> dict[str, Any]:
    """Return what both versions see of the database as it is now."""
    ready = Client(SERVER_NAME="127.0.0.1").get("/readyz")
    return {
        "went": old_code.do_all(former),
        "contents": old_code.contents(former),
        "triggers": triggers(),
        "unfilled": unfilled(former),
        "ready": [ready.status_code, ready.json()["migrations"]],
    }


def main() -> None:
    """Migrate as the former version did, then on, one migration at a time."""
    executor = MigrationExecutor(connection)
    executor.migrate(former_targets(executor.loader))
    former = executor.loader.project_state(former_targets(executor.loader)).apps
    old_code.keep_rows(former)
    story = [("before", seen(former))]
    executor = MigrationExecutor(connection)
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        MigrationExecutor(connection).migrate([(migration.app_label, migration.name)])
        story.append((f"{migration.app_label}.{migration.name}", seen(former)))
    print(json.dumps(story))  # noqa: T201


if __name__ == "__main__":
    main()
