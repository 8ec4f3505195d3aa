"""Databases of their own for tests of upgrades, on whatever server the tests run on."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.db import connection


@contextmanager
def empty_database(directory: Path) -> Iterator[str]:
    """Give out the URL of an empty database, and remove it afterwards."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{directory / 'upgrade.sqlite3'}"
        return
    name = f"upgrade_{uuid.uuid4().hex}"
    with psycopg.connect(_url("postgres"), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield _url(name)
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _url(name: str) -> str:
    settings = connection.settings_dict
    account = f"{quote(settings['USER'])}:{quote(settings['PASSWORD'])}"
    return f"postgres://{account}@{quote(settings['HOST'], safe='')}:{settings['PORT']}/{name}"


@contextmanager
def a_write_is_open(url: str) -> Iterator[None]:
    """Hold a transaction open that has written to the table of people."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    with psycopg.connect(url) as server:
        server.execute("UPDATE users_user SET state = state")
        yield
