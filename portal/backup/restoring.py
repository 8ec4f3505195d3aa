"""Bringing a backup back: all of it, or nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Protocol

from django.core.management.sql import emit_post_migrate_signal
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection

from idp.errors import ImpactNotConfirmed
from portal.backup import on_postgresql, on_sqlite
from portal.backup.checking import Checked, check_backup, read_from_start
from portal.backup.errors import BackupDamaged, BackupNotRestorable, BackupSecretsUnreadable, DatabaseInUse
from portal.backup.losses import Losses, losses_here
from portal.backup.making import BATCH, Report
from portal.backup.records import RecordReader, Table
from portal.backup.sequences import count_on
from portal.backup.states import is_current, migrate_to
from portal.backup.values import converters, into_database
from users.action_links import void_all
from users.audit import Actor, record
from users.counts import fold_counts


class _Place(Protocol):
    """What both databases do in their own ways."""

    def fresh_database(self) -> AbstractContextManager[Callable[[], int]]: ...
    def loading(self) -> AbstractContextManager[None]: ...
    def check_rows(self) -> None: ...


@dataclass(frozen=True)
class Consent:
    """What the operator agreed to.

    Attributes:
        replace, understood: to lose what is in the database.
        without_keys: to secrets that cannot be read.
    """

    replace: bool = False
    understood: bool = False
    without_keys: bool = False


@dataclass(frozen=True)
class Plan:
    """What a restore would do, once the whole backup was read.

    Attributes:
        losses: what it would replace.
    """

    checked: Checked
    losses: Losses

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is printed for machines."""
        head = self.checked.contents.head
        return {
            **self.checked.contents.as_dict(),
            "is_current": is_current(head.migrations),
            "unreadable_secrets": sum(self.checked.unreadable.values()),
            "replaces": self.losses.numbers(),
        }


def plan_restore(source: BinaryIO, *, passphrase: str, name: str, report: Report) -> Plan:
    """Read the whole backup, and look at what it would replace. Touches nothing; raises what `check_backup` raises."""
    checked = check_backup(source, passphrase=passphrase, name=name, report=report)
    return Plan(checked, losses_here(since=checked.contents.head.made_at))


def refuse_unless_agreed(plan: Plan, consent: Consent) -> None:
    """Raise DatabaseInUse, ImpactNotConfirmed or BackupSecretsUnreadable where the operator did not agree to it."""
    if plan.losses.is_in_use and not consent.replace:
        raise DatabaseInUse(losses=plan.losses.in_words())
    if plan.losses.is_in_use and not consent.understood:
        raise ImpactNotConfirmed()
    unreadable = plan.checked.unreadable
    if unreadable and not consent.without_keys:
        keys = ", ".join(plan.checked.contents.head.keys)
        where = ", ".join(f"{count} in {place}" for place, count in sorted(unreadable.items()))
        raise BackupSecretsUnreadable(count=sum(unreadable.values()), where=where, keys=keys)


def restore_backup(
    source: BinaryIO, *, plan: Plan, actor: Actor, passphrase: str, name: str, report: Report = lambda rows: None
) -> None:
    """Put a backup into the place of what the database has. The file is verified once more while it is read.

    A backup of an older version is brought back as it was, and migrated from there.

    Args:
        plan: of the same file.
        report: is told how many rows are written, every now and then.

    Raises:
        BackupDamaged, BackupNotRestorable, DatabaseBusy, RestoreUnderWay: see there. Nothing was changed.
    """
    place: _Place = on_sqlite if connection.vendor == "sqlite" else on_postgresql
    where = _Where()
    try:
        with place.fresh_database() as free_number:
            reader = read_from_start(source, passphrase=passphrase, name=name)
            if reader.head != plan.checked.contents.head:
                raise BackupDamaged(what="it is another one than a moment ago")
            where.is_now = "the tables of its time"
            migrate_to(reader.head.migrations)
            with place.loading():
                _load(reader, where, report)
            where.is_now = "what rows refer to"
            place.check_rows()
            where.is_now = "the migrations since then"
            if not is_current(reader.head.migrations):
                migrate_to(None)
            where.is_now = "what is changed by a restore"
            _finish(actor, plan, free_number())
            where.is_now = "the last step"
    except DatabaseError as error:
        reason = str(error).partition("\n")[0][:200]
        raise BackupNotRestorable(where=where.is_now, reason=reason) from error


class _Where:
    """Which part is under way, for an error to name."""

    is_now = "the beginning"


def _load(reader: RecordReader, where: _Where, report: Report) -> None:
    done = 0
    for table, rows in reader.tables():
        where.is_now = table.name
        done += _fill(table, rows, lambda count, before=done: report(before + count))  # type: ignore[misc]


def _fill(table: Table, rows: Iterator[list[Any]], report: Report) -> int:
    """Insert the rows of a table and return how many there were. What a migration put there is removed."""
    quote = connection.ops.quote_name
    target = f"{quote(table.name)} ({', '.join(quote(name) for name, _ in table.columns)})"
    counted = _Counted(table, rows, report)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {quote(table.name)}")  # noqa: S608  (our own names)
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in counted:
                    copy.write_row(row)
        else:
            values = iter(counted)
            while batch := list(islice(values, BATCH)):
                _insert(cursor, target, table, batch)
        cursor.execute(f"SELECT COUNT(*) FROM {quote(table.name)}")  # noqa: S608
        if cursor.fetchone()[0] != counted.rows:
            raise BackupNotRestorable(where=table.name, reason="it has other rows now than the backup")
    return counted.rows


def _insert(cursor: Any, target: str, table: Table, rows: list[list[Any]]) -> None:
    """Insert some rows into SQLite in one statement: each one costs the index for parts of names most of it.

    JSON has no bytes; the few tables with those take their rows one by one.
    """
    places = range(len(table.columns))
    if "bytes" in table.kinds:
        cursor.executemany(f"INSERT INTO {target} VALUES ({', '.join('%s' for _ in places)})", rows)  # noqa: S608
        return
    values = ", ".join(f"json_extract(value, '$[{place}]')" for place in places)
    rows_as_json = json.dumps(rows, ensure_ascii=False)
    cursor.execute(f"INSERT INTO {target} SELECT {values} FROM json_each(%s)", [rows_as_json])  # noqa: S608


class _Counted:
    """The rows of a table as the database takes them, counted."""

    def __init__(self, table: Table, rows: Iterator[list[Any]], report: Report) -> None:
        self.rows = 0
        self._table = table
        self._source = rows
        self._report = report

    def __iter__(self) -> Iterator[list[Any]]:
        convert = converters(into_database(), self._table.kinds)
        for row in self._source:
            try:
                for place, as_stored in convert:
                    if row[place] is not None:
                        row[place] = as_stored(row[place])
            except (TypeError, ValueError) as error:
                raise BackupDamaged(what=f"the table {self._table.name} has a value of another kind") from error
            self.rows += 1
            yield row
            if not self.rows % BATCH:
                self._report(self.rows)


def _finish(actor: Actor, plan: Plan, number: int) -> None:
    """Change what must not come back as it was, and note the restore as the newest row of the audit log.

    Args:
        number: what no audit row of the replaced database comes after: none is given twice.
    """
    emit_post_migrate_signal(verbosity=0, interactive=False, db=DEFAULT_DB_ALIAS)
    contents = plan.checked.contents
    voided = void_all()
    fold_counts()
    count_on(audit_number=number)
    details = {
        "as_of": contents.head.made_at,
        "from": contents.head.public_url,
        "version": contents.head.gatehouse,
        "rows": contents.rows,
        "links_voided": voided,
        "unreadable_secrets": sum(plan.checked.unreadable.values()),
        "replaced": plan.losses.numbers(),
    }
    record("backup.restored", actor=actor, details=details)
