"""The database: whether it can be reached, is of use, is up to date, and what will be missing soon."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import NotSupportedError

from idp.steps import Finding
from portal.doctor.examination import Examination, not_ok, ok

DATABASE, MIGRATIONS = "Database", "Migrations"
_MEGABYTE = 1_000_000
# Housekeeping, a command or two, and the replacement of an instance while the old one ends.
_SPARE_CONNECTIONS = 10


def look_at_database(examination: Examination) -> None:
    """Add the lines of the database."""
    hint = "Start the database server, and compare DATABASE_URL: host, port, name, user and password."
    examination.look(DATABASE, _reach, hint=hint)
    examination.look(MIGRATIONS, _migrations, needs=(DATABASE,))
    lines = _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL
    for name, work in lines.items():
        examination.look(name, work, needs=(DATABASE,))


def _ask(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
        return row[0] if row else None


def _reach() -> Finding[None]:
    connection.ensure_connection()
    version = ".".join(str(part) for part in connection.get_database_version())
    try:
        connection.check_database_version_supported()
    except NotSupportedError as error:
        return not_ok(f"{connection.display_name} {version} is too old.", str(error))
    return ok(f"{connection.display_name} {version} answers.")


def _migrations() -> Finding[None]:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        return not_ok(f"{len(waiting)} are not applied, the first is {waiting[0][0]}.", "Run `manage.py migrate`.")
    unknown = {key for key in executor.loader.applied_migrations if key[0] in executor.loader.migrated_apps}
    unknown -= set(executor.loader.disk_migrations)
    if unknown:
        return not_ok(
            f"The database has {len(unknown)} migrations that this version does not know: it is of a newer version.",
            "Go on with the newer version, or restore the backup that was made before it.",
            "warning",
        )
    return ok("All are applied.")


def _journal() -> Finding[None]:
    mode = str(_ask("PRAGMA journal_mode"))
    if mode != "wal":
        return not_ok(f"The journal mode is {mode}.", "Put the file on a local file system, where WAL works.")
    return ok("Write-ahead log, as it must be.")


def _integrity() -> Finding[None]:
    said = str(_ask("PRAGMA quick_check(1)"))
    if said != "ok":
        return not_ok(f"SQLite finds the file damaged: {said[:200]}.", "Stop the service and restore the last backup.")
    return ok("SQLite finds no damage.")


def _disk() -> Finding[None]:
    path = Path(str(connection.settings_dict["NAME"]))
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    text = f"The file has {size // _MEGABYTE} MB, and {free // _MEGABYTE} MB are free beside it."
    if free < 100 * _MEGABYTE:
        return not_ok(text, "Make room now: without it nothing can be written, and nobody can sign in.")
    if free < max(500 * _MEGABYTE, size):
        return not_ok(text, "Make room: a backup or VACUUM needs as much as the file has.", "warning")
    return ok(text)


def _encoding() -> Finding[None]:
    encoding = str(_ask("SHOW server_encoding"))
    if encoding != "UTF8":
        return not_ok(f"The database has the encoding {encoding}.", "Make one with UTF8, and restore a backup there.")
    return ok("UTF8.")


def _trigrams() -> Finding[None]:
    if not _ask("SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'"):
        hint = "As a superuser, in this database: CREATE EXTENSION pg_trgm; then `manage.py migrate`."
        return not_ok("The extension pg_trgm is missing, which searches for people need.", hint)
    return ok("pg_trgm is there.")


def _connections() -> Finding[None]:
    reserved = int(_ask("SHOW superuser_reserved_connections"))
    usable = int(_ask("SHOW max_connections")) - reserved
    needed = settings.WORKERS * settings.THREADS + _SPARE_CONNECTIONS
    text = f"The server allows {usable}; one instance needs up to {needed} (WORKERS x THREADS, and a few)."
    if needed > usable:
        return not_ok(text, "Raise max_connections of the server, or lower WORKERS or THREADS.")
    return ok(f"{text} That is enough for {usable // needed}.")


def _writable() -> Finding[None]:
    if _ask("SELECT pg_is_in_recovery()"):
        return not_ok("This server is a standby: it can only be read.", "Let DATABASE_URL name the primary.")
    return ok("The server is no standby.")


def _encryption() -> Finding[None]:
    host = str(connection.settings_dict["HOST"])
    if not host or host.startswith("/") or host in {"localhost", "127.0.0.1", "::1"}:
        return ok("On this machine.")
    if not _ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"):
        hint = "Add ?sslmode=verify-full to DATABASE_URL, unless the network between them is yours alone."
        return not_ok(f"The connection to {host} is not encrypted.", hint, "warning")
    return ok(f"TLS to {host}.")


def _clock() -> Finding[None]:
    before, at, after = datetime.now(UTC), _ask("SELECT clock_timestamp()"), datetime.now(UTC)
    apart = max((before - at).total_seconds(), (at - after).total_seconds(), 0.0)
    hint = "Let both machines set their clocks from the network (NTP), such as with `timedatectl set-ntp true`."
    if apart > 2:
        text = f"The clocks of this machine and of the database differ by {apart:.0f} seconds."
        return not_ok(text, hint, "failed" if apart > 30 else "warning")
    return ok("Its clock and ours agree.")


_SQLITE = {"Database journal": _journal, "Database integrity": _integrity, "Disk space": _disk}
_POSTGRESQL = {
    "Database encoding": _encoding,
    "Database extension": _trigrams,
    "Database connections": _connections,
    "Database is writable": _writable,
    "Database encryption": _encryption,
    "Database clock": _clock,
}
