"""`manage.py backup`: everything that makes this installation what it is, in one encrypted file."""

import sys
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandParser

from portal.backup.errors import BackupPassphrasesDiffer, BackupToTerminal
from portal.backup.files import new_file, refuse_existing
from portal.backup.making import Contents, check_passphrase, count_rows, note_backup, write_backup
from portal.management.backing_up import BackupCommand
from users.management.base import read_secret
from users.management.interruption import Interruption
from users.management.writing import writing


class Command(BackupCommand):
    """Writes a backup while the portal serves."""

    help = (
        "Write a backup of the database, encrypted with a passphrase, while the portal serves. ENCRYPTION_KEYS are not "
        "in it: keep them apart."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file."""
        self.take_file(parser, "where to; - for standard output")
        parser.add_argument("--force", action="store_true", help="replace a file that is there")
        parser.set_defaults(run=self.back_up)

    def back_up(self, options: dict[str, Any]) -> None:
        """Back up, or leave nothing behind."""
        path = None if options["file"] == "-" else Path(options["file"])
        if path is None:
            if sys.stdout.isatty():
                raise BackupToTerminal()
        else:
            refuse_existing(path, replace=options["force"])
        passphrase = _new_passphrase()
        with Interruption() as self.interruption:
            try:
                contents, size = self._write(path, passphrase, replace=options["force"])
            except KeyboardInterrupt:
                self.stderr.write("Interrupted: no backup was made.")
                raise SystemExit(self.interruption.exit_status) from None
        if not note_backup(actor=self.actor, contents=contents, size=size):
            self.stderr.write("Not noted in the audit log: the database waits for `manage.py migrate`.")
        self._print(contents, options["file"], size)

    def _write(self, path: Path | None, passphrase: str, *, replace: bool) -> tuple[Contents, int]:
        report = self.progress("Backing up", count_rows)
        with writing(path):
            if path is None:
                target = _Measured(sys.stdout.buffer)
                contents = write_backup(target, passphrase=passphrase, report=report)  # type: ignore[arg-type]
                sys.stdout.buffer.flush()
            else:
                with new_file(path, replace=replace) as file:
                    target = _Measured(file)
                    contents = write_backup(target, passphrase=passphrase, report=report)  # type: ignore[arg-type]
        self.end_line()
        return contents, target.size

    def _print(self, contents: Contents, name: str, size: int) -> None:
        """Say what is in it; on standard error where standard output is the backup itself."""
        if name == "-":
            self.stdout = self.stderr
            self.stdout.style_func = str
        known = contents.as_dict()
        record = {"file": name, "bytes": size, **known}
        if not self.as_json:
            record |= {"migrations": None, "tables": len(contents.tables)}
            del record["migrations"]
        self.print_record(record)


class _Measured:
    """A file that knows how much was written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return self._file.write(data)


def _new_passphrase() -> str:
    """Return a passphrase that is good enough. One that is typed is typed twice: nobody sees a slip.

    Raises:
        BackupPassphraseWeak, BackupPassphrasesDiffer: see there.
    """
    is_typed = sys.stdin.isatty()
    passphrase = read_secret("Passphrase of the backup")
    check_passphrase(passphrase)
    if is_typed and read_secret("The same once more") != passphrase:
        raise BackupPassphrasesDiffer()
    return passphrase
