"""Making a backup while people sign in."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from portal.backup.age import AgeWriter
from portal.backup.contents import columns_of, kept_models
from portal.backup.errors import BackupPassphraseWeak, DatabaseNotMigrated
from portal.backup.records import FORMAT, Head, RecordWriter, Table
from portal.backup.snapshot import snapshot
from portal.backup.states import applied_here, models_at
from portal.backup.values import SECRET, converters, from_database
from users.audit import Actor, record

LEAST_PASSPHRASE = 12
BATCH = 2000

Report = Callable[[int], None]


@dataclass(frozen=True)
class Contents:
    """What is in a backup.

    Attributes:
        tables: how many rows each has.
        secrets: how many values are encrypted with ENCRYPTION_KEYS.
    """

    head: Head
    tables: dict[str, int]
    secrets: int

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(self.tables.values())

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is printed for machines."""
        head = self.head
        migrations = {app: name for app, name in sorted(head.migrations)}
        facts = {name: getattr(head, name) for name in ("gatehouse", "made_at", "public_url", "database", "keys")}
        return {
            "format": FORMAT,
            **facts,
            "migrations": migrations,
            "rows": self.rows,
            "secrets": self.secrets,
            "tables": self.tables,
        }


def check_passphrase(passphrase: str) -> None:
    """Raise BackupPassphraseWeak for one that is too short."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise BackupPassphraseWeak(least=LEAST_PASSPHRASE)


def key_fingerprint(key: str) -> str:
    """Return what tells a key from others and nothing of it: keys are 256 random bits, so that none can be guessed."""
    return hashlib.sha256(f"gatehouse key {key}".encode()).hexdigest()[:16]


def write_backup(target: BinaryIO, *, passphrase: str, report: Report = lambda rows: None) -> Contents:
    """Write the database as it is at one moment, encrypted, in constant memory. Nobody has to wait meanwhile.

    Args:
        report: is told how many rows are written, after each batch.

    Raises:
        BackupPassphraseWeak, DatabaseNotMigrated, DatabaseFromNewer: see there. Nothing is written.
    """
    check_passphrase(passphrase)
    with snapshot():
        head = _head()
        writer = AgeWriter(target, passphrase)
        records = RecordWriter(writer, head)
        counter = _Counter(report)
        tables = {table.name: records.write_table(table.name, counter.count(table)) for table in head.tables}
        records.finish()
    return Contents(head, tables, counter.secrets)


def count_rows() -> int:
    """Return how many rows a backup would have about now, for those who watch."""
    with snapshot(), connection.cursor() as cursor:
        total = 0
        for model in kept_models(models_at(applied_here())):
            cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
            total += cursor.fetchone()[0]
        return total


def note_backup(*, actor: Actor, contents: Contents, size: int) -> bool:
    """Write down in the audit log that a backup was made, and return whether that was possible.

    A database that waits for the migrations of this version may not take a row of it.
    """
    details = {"rows": contents.rows, "bytes": size, "secrets": contents.secrets, "as_of": contents.head.made_at}
    with suppress(DatabaseError), transaction.atomic():
        record("backup.made", actor=actor, details=details)
        return True
    return False


def _head() -> Head:
    applied = applied_here()
    if not any(app == "users" for app, _ in applied):
        raise DatabaseNotMigrated()
    return Head(
        gatehouse=settings.VERSION,
        made_at=timezone.now().isoformat(),
        public_url=settings.PUBLIC_URL,
        database=connection.vendor,
        keys=[key_fingerprint(key) for key in settings.ENCRYPTION_KEYS],
        migrations=applied,
        tables=[Table(model._meta.db_table, columns_of(model)) for model in kept_models(models_at(applied))],
    )


class _Counter:
    """Takes rows from the database, and counts them and the secrets among them."""

    def __init__(self, report: Report) -> None:
        self.secrets = 0
        self._rows = 0
        self._report = report
        self._convert = from_database()

    def count(self, table: Table) -> Iterator[list[Any]]:
        """Yield the rows of a table as they are written."""
        convert = converters(self._convert, table.kinds)
        secrets = [place for place, kind in enumerate(table.kinds) if kind == SECRET]
        for row in chain.from_iterable(self._batches(table)):
            values = list(row)
            for place, as_text in convert:
                if values[place] is not None:
                    values[place] = as_text(values[place])
            self.secrets += sum(values[place] is not None for place in secrets)
            yield values

    def _batches(self, table: Table) -> Iterator[list[tuple[Any, ...]]]:
        quote = connection.ops.quote_name
        names = ", ".join(quote(name) for name, _ in table.columns)
        with connection.chunked_cursor() as cursor:
            cursor.execute(f"SELECT {names} FROM {quote(table.name)}")  # noqa: S608  (our own names)
            while batch := cursor.fetchmany(BATCH):
                self._rows += len(batch)
                yield batch
                self._report(self._rows)
