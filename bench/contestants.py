"""Who is measured, and the environment in which each is prepared and served."""

import json
import os
import secrets
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from cryptography.fernet import Fernet
from psycopg import sql

from bench.running import Server, clean_environment, free_port, in_own_process

SERVED = ("gatehouse", "stock", "minimal")
SETTINGS = {
    "gatehouse": "portal.settings",
    "stock": "bench.rivals.stock.settings",
    "minimal": "bench.rivals.minimal.settings",
    "irreducible": "bench.rivals.settings",
}


@dataclass(frozen=True)
class Place:
    """Where the provider is, and how it is reached.

    Attributes:
        scheme: `http` or `https`.
        kind: the provider's kind at Gatehouse, `oidc` or `entra`.
        directory: for everything that is written; holds the certificates.
        bundle: the file of trusted certificates in that directory.
        database_url: of a PostgreSQL server, or empty for a SQLite file each.
        persistent: the rivals that keep database connections for as long as Gatehouse does; the others have Django's
            default, and open one for every request.
    """

    origin: str
    scheme: str
    kind: str
    directory: Path
    bundle: str
    database_url: str
    persistent: tuple[str, ...]

    @property
    def ca_file(self) -> str:
        """The trusted certificates, the same for every contestant."""
        return str(self.directory / self.bundle)


@dataclass
class Contestant:
    """One contestant, prepared for one provider."""

    name: str
    place: Place
    port: int
    environment: dict[str, str]
    start: str = ""
    server: Server | None = None

    @property
    def origin(self) -> str:
        """Where its server listens."""
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Make its database, with everything in it that a first sign-in needs."""
        self.start = in_own_process("bench.prepare", {"contestant": self.name}, self.environment)["start"]

    def serve(self, workers: int, threads: int) -> Server:
        """Start its server: gunicorn with processes and threads, as `manage.py run` serves Gatehouse."""
        application = "portal.wsgi:application" if self.name == "gatehouse" else "bench.rivals.wsgi:application"
        options = ["--bind", f"127.0.0.1:{self.port}", "--workers", str(workers), "--worker-class", "gthread"]
        # A proxy in front keeps its connections; with gunicorn's 2 s a slow contestant would lose them in mid-round.
        options += ["--threads", str(threads), "--timeout", "60", "--keep-alive", "75", "--log-level", "warning"]
        options += ["--forwarded-allow-ips=", "--no-control-socket"]
        self.server = Server.start(
            f"{self.name} ({self.place.scheme})",
            [sys.executable, "-m", "gunicorn", application, *options],
            self.environment,
            self.place.directory / f"{self.name}-{self.place.scheme}.log",
        )
        self.server.wait_for_port(self.port)
        return self.server


def contestant(name: str, place: Place) -> Contestant:
    """Return a contestant with an environment, a database and a port of its own."""
    port = free_port()
    environment = clean_environment() | {
        "DJANGO_SETTINGS_MODULE": SETTINGS[name],
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": _database_url(name, place),
        "PROVIDER_ORIGIN": place.origin,
        "BENCH_KIND": place.kind,
        "UPSTREAM_CA_FILE": place.ca_file,
        "PYTHONUNBUFFERED": "1",
    }
    if name == "gatehouse":
        environment |= {"ENV_FILE": os.devnull, "ENCRYPTION_KEYS": Fernet.generate_key().decode(), "DEBUG": "false"}
        # Not into what an installation in this folder counts.
        environment["METRICS_DIR"] = str(place.directory / f"metrics-{place.scheme}")
        insecure = place.scheme == "http" or place.kind == "entra"
        environment |= {"INSECURE_ISSUER_ORIGINS": place.origin} if insecure else {"PRIVATE_ISSUER_HOSTS": "127.0.0.1"}
    else:
        shared = _gatehouse_database_settings(place)
        if name not in place.persistent:
            shared = {"OPTIONS": shared["OPTIONS"]}
        environment["DATABASE_SETTINGS"] = json.dumps(shared)
        environment["STATIC_ROOT"] = str(place.directory / f"static-{name}")
        # The stock library knows no setting for it, but `requests` knows this variable.
        environment["REQUESTS_CA_BUNDLE"] = place.ca_file
    return Contestant(name, place, port, environment)


@lru_cache
def _gatehouse_database_settings(place: Place) -> dict[str, Any]:
    """Return how Gatehouse opens such a database; it says so itself, so that a change there is one here as well."""
    environment = clean_environment() | {
        "DJANGO_SETTINGS_MODULE": SETTINGS["gatehouse"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "none",
        "ENCRYPTION_KEYS": "",
        "DATABASE_URL": place.database_url or f"sqlite:///{place.directory / 'none.sqlite3'}",
    }
    found: dict[str, Any] = in_own_process("bench.database_settings", {}, environment)
    return found


def _database_url(name: str, place: Place) -> str:
    if not place.database_url:
        return f"sqlite:///{place.directory / f'{name}-{place.scheme}.sqlite3'}"
    base, _, _ = place.database_url.rpartition("/")
    database = f"bench_{name}_{place.scheme}_{secrets.token_hex(4)}"
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    return f"{base}/{database}"


def drop_database(contestant: Contestant) -> None:
    """Remove what `contestant()` made on a PostgreSQL server; a SQLite file goes with its directory."""
    server = contestant.place.database_url
    if server:
        database = contestant.environment["DATABASE_URL"].rpartition("/")[2]
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
