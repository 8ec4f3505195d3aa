"""Reading a whole backup before anything is touched: that it is whole, what is in it, and which secrets can be read."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from cryptography.fernet import InvalidToken

from portal.backup.age import AgeReader
from portal.backup.contents import columns_of, kept_models
from portal.backup.errors import BackupDamaged
from portal.backup.making import BATCH, Contents, Report
from portal.backup.records import RecordReader, Table
from portal.backup.states import models_at, refuse_newer
from portal.backup.values import SECRET
from users.fields import cipher
from users.management.commands.organization import FileUnreadable


@dataclass(frozen=True)
class Checked:
    """What a check of a whole backup found.

    Attributes:
        unreadable: how many secrets need a key that is not here, by table and column.
    """

    contents: Contents
    unreadable: dict[str, int]


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading; raises FileUnreadable."""
    try:
        file = open(path, "rb")  # noqa: SIM115  (closed below; the error is one of opening alone)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no path"
        raise FileUnreadable(path=path.replace("\x00", "?")[:200], reason=reason) from error
    with file:
        if not file.seekable():
            raise FileUnreadable(path=path[:200], reason="it is read twice, so it must be a file")
        yield file


def read_from_start(source: BinaryIO, *, passphrase: str, name: str) -> RecordReader:
    """Begin to read a backup; raises what AgeReader and RecordReader raise."""
    try:
        source.seek(0)
        return RecordReader(AgeReader(source, passphrase, name=name))
    except OSError as error:
        raise FileUnreadable(path=name[:200], reason=error.strerror or "it cannot be read") from error


def check_backup(source: BinaryIO, *, passphrase: str, name: str, report: Report = lambda rows: None) -> Checked:
    """Read a whole backup and touch nothing.

    Args:
        name: what errors call it.
        report: is told how many rows are read, every now and then.

    Raises:
        BackupNotOne, BackupPassphraseWrong, BackupDamaged: it cannot be used.
        BackupTooNew, BackupFromNewer: this version is too old for it.
        FileUnreadable: the file cannot be read.
    """
    reader = read_from_start(source, passphrase=passphrase, name=name)
    refuse_newer(reader.head.migrations, reader.head.gatehouse)
    _refuse_other_tables(reader)
    tables: dict[str, int] = {}
    unreadable: Counter[str] = Counter()
    secrets = read = 0
    for table, rows in reader.tables():
        tables[table.name] = 0
        places = [(place, name) for place, (name, kind) in enumerate(table.columns) if kind == SECRET]
        for row in rows:
            tables[table.name] += 1
            read += 1
            for place, column in places:
                secrets += row[place] is not None
                unreadable[f"{table.name}.{column}"] += not _can_be_read(row[place])
            if not read % BATCH:
                report(read)
    return Checked(Contents(reader.head, tables, secrets), dict(+unreadable))


def _refuse_other_tables(reader: RecordReader) -> None:
    """Raise BackupDamaged for a backup whose tables are not those that its migrations make."""
    known = [Table(model._meta.db_table, columns_of(model)) for model in kept_models(models_at(reader.head.migrations))]
    if known != reader.head.tables:
        raise BackupDamaged(what="its tables are not those that its migrations make")


def _can_be_read(token: Any) -> bool:
    if token is None:
        return True
    try:
        cipher().decrypt(token)
    except (InvalidToken, TypeError):
        return False
    return True
