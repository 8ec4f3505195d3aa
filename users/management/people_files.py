"""The subcommands of `manage.py users` about files of people."""

import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from users.errors import InputNotText
from users.import_errors import ImportFileTooLarge, ImportFileUnreadable, ImportHasProblems, ImportPeopleChanged
from users.import_store import problems_of
from users.management.base import DirectoryCommand
from users.management.writing import writing
from users.models import AdminRole, ImportMode, ImportStatus, PeopleImport, State
from users.people_csv import MAX_BYTES
from users.people_export import export_people
from users.people_import import advance_import, confirm_import, discard_import, upload_people
from users.people_list import ANY_ROLE, LINKED, NEVER, NO_ROLE, UNLINKED, PeopleFilter

# How many problems are printed; a machine gets all of them.
SHOWN = 100


class ProgressBar:
    """Says on a terminal how far long work is; elsewhere nothing."""

    WIDTH = 30

    def __init__(self, stream: TextIO, total: int, label: str) -> None:
        self.stream, self.total, self.label = stream, total, label
        self.begun = time.monotonic()
        self.is_shown = stream.isatty() and total > 0

    def show(self, done: int) -> None:
        """Draw the bar anew."""
        if not self.is_shown:
            return
        filled = self.WIDTH * done // self.total
        rate = done / max(time.monotonic() - self.begun, 0.001)
        bar = f"[{'#' * filled}{'.' * (self.WIDTH - filled)}]"
        self.stream.write(f"\r{self.label} {bar} {done:,} of {self.total:,} rows, {rate:,.0f}/s ")
        self.stream.flush()

    def end(self) -> None:
        """Go on in the next line."""
        if self.is_shown:
            self.stream.write("\n")


class PeopleFileCommands(DirectoryCommand):
    """Import people from CSV, and export them."""

    def add_file_subcommands(self) -> None:
        """Register the subcommands."""
        importing = self.sub("import", self.import_people, "Add and change people from a CSV file.")
        importing.add_argument("source", metavar="FILE", help="a CSV file, or - for standard input")
        importing.add_argument("--dry-run", action="store_true", help="check every row and change nothing")
        importing.add_argument(
            "--good-ones", action="store_true", help="import the rows without problems; otherwise all or nothing"
        )
        exporting = self.sub("export", self.export_people, "Write people as CSV, as `users import` reads it again.")
        exporting.add_argument("--output", metavar="FILE", default="-", help="where to; standard output unless given")
        exporting.add_argument("--search", default="", help="the beginning of an email or user name, or part of a name")
        exporting.add_argument("--state", choices=State.values, default="", help="only people in this state")
        roles = [ANY_ROLE, NO_ROLE, *AdminRole.values]
        exporting.add_argument("--role", choices=roles, default="", help="only people with this role")
        sign_ins = [LINKED, UNLINKED, NEVER]
        exporting.add_argument("--sign-in", choices=sign_ins, default="", help="only people who sign in so")

    def import_people(self, options: dict[str, Any]) -> None:
        """Import people, or say what an import would do."""
        name, content = read_bytes(options["source"])
        people_import = upload_people(actor=self.actor, file_name=name, content=content)
        try:
            people_import = self._drive(people_import, "Checking")
            if not options["dry_run"]:
                mode = ImportMode.GOOD if options["good_ones"] else ImportMode.ALL
                people_import = confirm_import(actor=self.actor, people_import=people_import, mode=mode)
                people_import = self._drive(people_import, "Importing")
            self._print_result(people_import, dry_run=options["dry_run"])
            if options["dry_run"] and people_import.problems and not options["good_ones"]:
                raise ImportHasProblems(problems=f"{people_import.problems:,}", rows=f"{people_import.rows:,}")
        except ImportHasProblems:
            if not options["dry_run"]:
                self._print_result(people_import, dry_run=True)
            raise
        finally:
            discard_import(actor=self.actor, people_import=people_import)

    def _drive(self, people_import: PeopleImport, label: str) -> PeopleImport:
        """Take step after step until the file is checked, or written."""
        bar = ProgressBar(sys.stderr, people_import.read, label)
        while people_import.status not in (ImportStatus.CHECKED, ImportStatus.DONE):
            try:
                people_import = advance_import(actor=self.actor, people_import=people_import, report=bar.show)
            except ImportPeopleChanged:
                self._undo(people_import)
                raise
        bar.end()
        return people_import

    def _undo(self, people_import: PeopleImport) -> None:
        """Undo what was written of a file that was to be written as a whole."""
        people_import.refresh_from_db()
        while people_import.status == ImportStatus.UNDOING:
            people_import = advance_import(actor=self.actor, people_import=people_import, seconds=0)

    def _print_result(self, people_import: PeopleImport, *, dry_run: bool) -> None:
        problems = problems_of(people_import)
        columns = ("line", "label", "field", "code", "reason")
        counts = {name: getattr(people_import, name) for name in ("rows", "added", "updated", "unchanged", "problems")}
        ended = {} if dry_run else {"sessions_ended": people_import.sessions_ended}
        ignored = {"columns_ignored": people_import.unknown}
        if self.as_json:
            rows = [dict(zip(columns, row, strict=True)) for row in problems.values_list(*columns).iterator()]
            self.print_json({**counts, **ended, **ignored, "dry_run": dry_run, "problem_rows": rows})
            return
        for row in problems[:SHOWN]:
            self.stderr.write(f"line {row.line}: {row.label}: {row.reason} [{row.code}]")
        more = problems.count() - SHOWN
        if more > 0:
            self.stderr.write(f"and {more:,} more; --json lists all of them")
        self.print_record({**counts, **ended, **ignored, "dry_run": dry_run})

    def export_people(self, options: dict[str, Any]) -> None:
        """Export people."""
        given = {name: options[name] for name in ("search", "state", "role", "sign_in")}
        lines = export_people(actor=self.actor, wanted=PeopleFilter(**given))
        if options["output"] == "-":
            with writing(None):
                for text in lines:
                    self.stdout.write(text, ending="")
                self.stdout.flush()
            return
        # The whole directory is nothing for other accounts of this machine.
        with (
            writing(options["output"]),
            open(options["output"], "w", encoding="utf-8", newline="", opener=_for_owner_only) as file,
        ):
            file.writelines(lines)


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def read_bytes(source: str) -> tuple[str, bytes]:
    """Return the name and the bytes of a file, or of standard input for "-".

    Raises:
        ImportFileUnreadable, ImportFileTooLarge, InputNotText: see there.
    """
    try:
        if source != "-":
            with open(source, "rb") as file:
                content = file.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise ImportFileTooLarge(megabytes=MAX_BYTES // 1024 // 1024)
            return Path(source).name, content
        stream = getattr(sys.stdin, "buffer", None)
        content = stream.read(MAX_BYTES + 1) if stream else sys.stdin.read().encode()
        return "standard input", content
    except UnicodeError as error:
        raise InputNotText(name="Standard input") from error
    except (OSError, ValueError) as error:
        raise _unreadable(source, error) from error


def _unreadable(source: str, error: Exception) -> ImportFileUnreadable:
    reason = getattr(error, "strerror", None) or "it is no path"
    return ImportFileUnreadable(name=ascii(source[:200]).strip("'"), reason=reason)
