"""What the tests of backup and restore share."""

import gzip
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection

from portal.backup.age import AgeReader, AgeWriter
from portal.backup.contents import columns_of, kept_models
from tests.commands.running import Ran, run

PASSPHRASE = "correct horse battery staple"


def back_up(path: Path, *further: str) -> Ran:
    """Run `manage.py backup`, and see that it worked."""
    done = run("backup", str(path), "--passphrase-stdin", "--json", *further, stdin=PASSPHRASE)
    assert done.status == 0, done.err
    return done


def restore(path: Path, *further: str, passphrase: str = PASSPHRASE) -> Ran:
    """Run `manage.py restore`."""
    return run("restore", str(path), "--passphrase-stdin", "--json", *further, stdin=passphrase)


def replace(path: Path, *further: str) -> Ran:
    """Restore over a database that is in use."""
    return restore(path, "--replace", "--i-understand-the-impacts", *further)


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables that belong in a backup, as the database at hand has them."""
    rows = {}
    with connection.cursor() as cursor:
        for model in kept_models(apps):  # type: ignore[arg-type]
            names = ", ".join(connection.ops.quote_name(name) for name, _ in columns_of(model))
            cursor.execute(f"SELECT {names} FROM {model._meta.db_table}")  # noqa: S608
            rows[model._meta.db_table] = sorted(cursor.fetchall(), key=repr)
    return rows


def lines_of(path: Path) -> list[Any]:
    """Return the lines of a backup."""
    reader, content = AgeReader(io.BytesIO(path.read_bytes()), PASSPHRASE, name="it"), b""
    while chunk := reader.read_chunk():
        content += chunk
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def write_content(path: Path, content: bytes) -> Path:
    """Write an encrypted file with any content, as somebody could who knows the passphrase."""
    with path.open("wb") as file:
        writer = AgeWriter(file, PASSPHRASE)
        writer.write(content)
        writer.finish()
    return path


def write_lines(path: Path, lines: Iterable[Any]) -> Path:
    """Write a backup with these lines."""
    return write_content(path, gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))
