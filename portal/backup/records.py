"""The content of a backup: compressed lines of JSON that say what they are, one line for each row.

    {"magic": "gatehouse-backup", "format": 1, "gatehouse": …, "tables": …}     the head
    {"table": "users_user"}                                                      for each table, in the head's order
    ["a1b2…", "ada@contoso.example", …]                                              a row
    {"rows": 1, "sha256": …}                                                         how many, and the digest of them
    {"tables": 38, "rows": 12345}                                                the end

The first two members of the head stay what they are in every later format.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portal.backup.age import AgeReader, AgeWriter
from portal.backup.errors import BackupDamaged, BackupNotOne, BackupTooNew

MAGIC = "gatehouse-backup"
FORMAT = 1
# As `gzip` reads and writes it: `age --decrypt FILE | gunzip` shows the lines.
_GZIP = 31
_LEVEL = 6
_PIECE = 256 * 1024
# The longest rows are those of an import of people under way: some thousand lines of a file, compressed.
_LONGEST = 64 * 1024 * 1024


@dataclass(frozen=True)
class Table:
    """One table of a backup, with the kind of each column (see portal.backup.values)."""

    name: str
    columns: list[tuple[str, str]]

    @property
    def kinds(self) -> list[str]:
        """The kinds alone."""
        return [kind for _, kind in self.columns]


@dataclass(frozen=True)
class Head:
    """What a backup says of itself.

    Attributes:
        gatehouse: the version that made it.
        made_at: when its content was current, ISO 8601 in UTC.
        public_url: of the installation.
        database: which kind it had.
        keys: the fingerprints of its ENCRYPTION_KEYS.
        migrations: the applied ones, as (app, name).
    """

    gatehouse: str
    made_at: str
    public_url: str
    database: str
    keys: list[str]
    migrations: list[tuple[str, str]]
    tables: list[Table]

    def as_dict(self) -> dict[str, Any]:
        """Return the first line."""
        tables = [{"name": table.name, "columns": table.columns} for table in self.tables]
        return {"magic": MAGIC, "format": FORMAT, **vars(self), "tables": tables}

    @classmethod
    def of(cls, line: dict[str, Any]) -> "Head":
        """Read the first line; raises BackupNotOne, BackupTooNew or BackupDamaged."""
        if line.get("magic") != MAGIC:
            raise BackupNotOne(path="This")
        number = line.get("format")
        if not isinstance(number, int) or number > FORMAT:
            raise BackupTooNew(found=number, known=FORMAT)
        try:
            tables = [Table(each["name"], [(name, kind) for name, kind in each["columns"]]) for each in line["tables"]]
            texts = {name: str(line[name]) for name in ("gatehouse", "made_at", "public_url", "database")}
            datetime.fromisoformat(texts["made_at"]).astimezone(UTC)
            migrations = [(str(app), str(name)) for app, name in line["migrations"]]
            return cls(**texts, keys=[str(key) for key in line["keys"]], migrations=migrations, tables=tables)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BackupDamaged(what="its head is not complete") from error


@dataclass
class _Sum:
    """Count and digest of the rows of one table."""

    rows: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    def add(self, line: bytes) -> None:
        self.rows += 1
        self._digest.update(line)

    def as_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "sha256": self._digest.hexdigest()}


class RecordWriter:
    """Writes the lines of a backup."""

    def __init__(self, target: AgeWriter, head: Head) -> None:
        self._target = target
        self._compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._counts: list[int] = []
        self._write(_line(head.as_dict()))

    def write_table(self, name: str, rows: Iterable[list[Any]]) -> int:
        """Write the rows of a table, and return how many there were."""
        self._write(_line({"table": name}))
        total = _Sum()
        for row in rows:
            line = _line(row)
            total.add(line)
            self._write(line)
        self._write(_line(total.as_dict()))
        self._counts.append(total.rows)
        return total.rows

    def finish(self) -> None:
        """Write the end."""
        self._write(_line({"tables": len(self._counts), "rows": sum(self._counts)}))
        self._target.write(self._compress.flush())
        self._target.finish()

    def _write(self, line: bytes) -> None:
        if compressed := self._compress.compress(line):
            self._target.write(compressed)


class RecordReader:
    """Reads the lines of a backup, and believes none of its sums."""

    def __init__(self, source: AgeReader) -> None:
        self._lines = _lines(source)
        self.head = Head.of(self._next(dict))

    def tables(self) -> Iterator[tuple[Table, Iterator[list[Any]]]]:
        """Yield each table with its rows, which have to be taken before the next table; raises BackupDamaged.

        What comes out is right at the end alone: only then are all sums compared.
        """
        rows = 0
        for table in self.head.tables:
            if self._next(dict) != {"table": table.name}:
                raise BackupDamaged(what=f"the table {table.name} is not where it should be")
            total = _Sum()
            yield table, self._rows(table, total)
            rows += total.rows
        if self._next(dict) != {"tables": len(self.head.tables), "rows": rows}:
            raise BackupDamaged(what="it has other rows than it says")
        if next(self._lines, None) is not None:
            raise BackupDamaged(what="something follows its end")

    def _rows(self, table: Table, total: _Sum) -> Iterator[list[Any]]:
        for line in self._lines:
            if not line.startswith(b"["):
                if _parsed(line) != total.as_dict():
                    break
                return
            total.add(line)
            row = _parsed(line)
            if len(row) != len(table.columns):
                break
            yield row
        raise BackupDamaged(what=f"the table {table.name} has other rows than it says")

    def _next(self, kind: type[Any]) -> Any:
        value = _parsed(next(self._lines, b"null"))
        if not isinstance(value, kind):
            raise BackupDamaged(what="its lines are not in order")
        return value


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BackupDamaged(what="one of its lines cannot be read") from error


def _lines(source: AgeReader) -> Iterator[bytes]:
    """Yield the lines, with their ends, of the content."""
    rest = bytearray()
    for piece in _decompressed(source):
        start = 0
        rest += piece
        while (end := rest.find(b"\n", start)) >= 0:
            yield bytes(rest[start : end + 1])
            start = end + 1
        del rest[:start]
        if len(rest) > _LONGEST:
            raise BackupDamaged(what="one of its lines has no end")
    if rest:
        raise BackupDamaged(what="its last line has no end")


def _decompressed(source: AgeReader) -> Iterator[bytes]:
    """Yield the content in pieces of bounded size, however well it was compressed."""
    decompress = zlib.decompressobj(_GZIP)
    while chunk := source.read_chunk():
        try:
            while chunk:
                yield decompress.decompress(chunk, _PIECE)
                chunk = decompress.unconsumed_tail
        except zlib.error as error:
            raise BackupNotOne(path="What this file holds") from error
        if decompress.unused_data:
            raise BackupDamaged(what="something follows its end")
    if not decompress.eof:
        raise BackupDamaged(what="its content is cut off")
