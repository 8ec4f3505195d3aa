"""Databases at some state of the migrations: which one, what its tables look like, and how to get to another."""

from collections.abc import Iterable

from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import StateApps

from portal.backup.errors import BackupFromNewer, DatabaseFromNewer

Migrations = list[tuple[str, str]]
# How many unknown migrations are named.
_NAMED = 3


def applied_here() -> Migrations:
    """Return the migrations that the database at hand has; none where it is empty.

    Raises:
        DatabaseFromNewer: this version does not know one of them.
    """
    applied = sorted(MigrationRecorder(connection).applied_migrations())
    unknown = _unknown(applied)
    if unknown:
        raise DatabaseFromNewer(unknown=unknown)
    return applied


def refuse_newer(applied: Migrations, version: str) -> None:
    """Raise BackupFromNewer for a backup with migrations that this version does not know."""
    unknown = _unknown(applied)
    if unknown:
        raise BackupFromNewer(version=version, unknown=unknown)


def is_current(applied: Migrations) -> bool:
    """Return whether a database with these migrations needs no others."""
    return set(_loader().graph.nodes) <= set(applied)


def models_at(applied: Migrations) -> StateApps:
    """Return the models as they were once these migrations were applied."""
    loader = _loader()
    apps: StateApps = loader.project_state(_newest(loader, applied)).apps
    return apps


def migrate_to(applied: Migrations | None) -> None:
    """Bring the database at hand to the state that these migrations make; None for the current one.

    In one transaction with the rest, where the caller has one: what is checked at its end is checked after each
    migration, because PostgreSQL changes no table of which something is left to check.
    """
    executor = MigrationExecutor(connection, progress_callback=_check_now)
    graph = executor.loader.graph
    executor.migrate(graph.leaf_nodes() if applied is None else _newest(executor.loader, applied))


def check_now() -> None:
    """Check at once what PostgreSQL would check at the end of the transaction."""
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _check_now(action: str, migration: Migration | None = None, fake: bool | None = None, /) -> None:
    if action == "apply_success":
        check_now()


def _loader() -> MigrationLoader:
    return MigrationLoader(None)


def _newest(loader: MigrationLoader, applied: Iterable[tuple[str, str]]) -> Migrations:
    """Return those of the migrations that none of the others builds on."""
    names = set(applied)
    below = {parent.key for name in names for parent in loader.graph.node_map[name].parents}
    return sorted(names - below)


def _unknown(applied: Migrations) -> str:
    known = _loader().graph.node_map
    unknown = [f"{app}.{name}" for app, name in applied if (app, name) not in known]
    more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
    return ", ".join(unknown[:_NAMED]) + more
