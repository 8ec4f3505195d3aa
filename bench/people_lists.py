"""The list of people, with a thousand and with a million: each page of it may take at most twice as long."""

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from cryptography.fernet import Fernet
from psycopg import sql

from bench.measuring import say
from bench.reporting import table
from bench.running import clean_environment, in_own_process

FEW = 1_000
# A million people with all their indexes take SQLite some minutes.
LONGEST = 1800


def people_report(database_url: str, many: int) -> str:
    """Measure the list with `FEW` people and with many, and return the figures side by side.

    Args:
        database_url: of a PostgreSQL server, or empty for SQLite files.
    """
    few, much = (_measured(database_url, number) for number in (FEW, many))
    rows = []
    for name, (milliseconds, shown) in much["pages"].items():
        before, shown_before = few["pages"][name]
        ratio = milliseconds / before
        verdict = "yes" if ratio <= 2 else "NO"
        rows.append(
            (name, f"{before:.1f}", str(shown_before), f"{milliseconds:.1f}", str(shown), f"{ratio:.2f}", verdict)
        )
    headings = ("list of people, ms", f"{FEW:,} people", "rows", f"{many:,} people", "rows", "ratio", "at most 2")
    return f"\n{table(headings, rows)}\n\n{many:,} people were added in {much['fill_seconds']:.0f} s."


def _measured(database_url: str, people: int) -> dict[str, Any]:
    say(f"list of people: {people:,}")
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as directory:
        url, drop = _database(database_url, Path(directory))
        environment = clean_environment() | {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "ENV_FILE": os.devnull,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "DATABASE_URL": url,
            "ALLOWED_HOSTS": "127.0.0.1",
            "METRICS_DIR": str(Path(directory) / "metrics"),
        }
        try:
            return in_own_process("bench.people_pages", {"people": people}, environment, timeout=LONGEST)
        finally:
            if drop:
                with psycopg.connect(database_url, autocommit=True) as connection:
                    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(drop)))


def _database(database_url: str, directory: Path) -> tuple[str, str]:
    """Return the address of a new database, and its name where it has to be dropped."""
    if not database_url:
        return f"sqlite:///{directory / 'people.sqlite3'}", ""
    name = f"bench_people_{secrets.token_hex(4)}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{database_url.rpartition('/')[0]}/{name}", name
