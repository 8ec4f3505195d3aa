"""The subcommands of `manage.py users` about files of people."""

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from users.errors import InputNotText
from users.import_errors import (
    ImportFileTooLarge,
    ImportFileUnreadable,
    ImportHasProblems,
    ImportNotReady,
    ImportPeopleChanged,
)
from users.import_store import problems_of
from users.management.base import DirectoryCommand
from users.management.interruption import Interruption
from users.management.writing import writing
from users.models import AdminRole, ImportMode, ImportStatus, PeopleImport, State
from users.people_csv import MAX_BYTES
from users.people_export import export_people
from users.people_import import (
    Aborted,
    abort_import,
    advance_import,
    confirm_import,
    discard_import,
    upload_people,
)
from users.people_list import ANY_ROLE, LINKED, NEVER, NO_ROLE, UNLINKED, PeopleFilter

# How many problems are printed; a machine gets all of them.
SHOWN = 100
ENDS = {
    Aborted.FORGOTTEN: "Aborted: nothing is imported, and the file is forgotten.",
    Aborted.UNDOING: "Aborted: what was written is undone. Sessions that ended stay ended.",
    Aborted.STOPPED: "Aborted: {added:,} people were added and {updated:,} changed; the rest of the file is left out.",
    Aborted.TOO_LATE: "Everything was written already when the import was interrupted.",
}
LEFT = "Interrupted while undoing. `manage.py housekeeping` undoes the rest once 5 minutes have passed."


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
        with Interruption() as self.interruption:
            people_import = upload_people(actor=self.actor, file_name=name, content=content)
            try:
                self._import(people_import, options)
            except KeyboardInterrupt:
                self._abort(people_import)
                raise SystemExit(self.interruption.exit_status) from None
            finally:
                # What cannot be brought to its end here, such as when the database goes away, is left to housekeeping.
                with contextlib.suppress(ImportNotReady):
                    discard_import(actor=self.actor, people_import=people_import)

    def _import(self, people_import: PeopleImport, options: dict[str, Any]) -> None:
        dry_run, good_ones = options["dry_run"], options["good_ones"]
        people_import = self._drive(people_import, "Checking")
        try:
            if not dry_run:
                mode = ImportMode.GOOD if good_ones else ImportMode.ALL
                people_import = confirm_import(actor=self.actor, people_import=people_import, mode=mode)
                people_import = self._drive(people_import, "Importing")
            self._print_result(people_import, dry_run=dry_run)
            if dry_run and people_import.problems and not good_ones:
                raise ImportHasProblems(problems=f"{people_import.problems:,}", rows=f"{people_import.rows:,}")
        except ImportHasProblems:
            if not dry_run:
                self._print_result(people_import, dry_run=True)
            raise

    def _drive(self, people_import: PeopleImport, label: str) -> PeopleImport:
        """Take step after step until the file is checked, or written."""
        bar = ProgressBar(sys.stderr, people_import.read, label)

        def report(done: int) -> None:
            bar.show(done)
            self.interruption.check()

        while people_import.status not in (ImportStatus.CHECKED, ImportStatus.DONE):
            try:
                people_import = advance_import(actor=self.actor, people_import=people_import, report=report)
            except ImportPeopleChanged:
                self._undo(people_import)
                raise
        bar.end()
        return people_import

    def _undo(self, people_import: PeopleImport) -> None:
        """Undo what was written of a file that was to be written as a whole."""
        people_import.refresh_from_db()
        bar = ProgressBar(sys.stderr, people_import.done_rows, "Undoing")
        while people_import.status == ImportStatus.UNDOING:
            bar.show(bar.total - people_import.done_rows)
            people_import = advance_import(actor=self.actor, people_import=people_import, seconds=0)
        bar.end()

    def _abort(self, people_import: PeopleImport) -> None:
        """Give the import up, and say what that means. A further interruption leaves the undoing to housekeeping."""
        with self.interruption.deaf():
            people_import.refresh_from_db()
            how = abort_import(actor=self.actor, people_import=people_import)
        stays = how in (Aborted.STOPPED, Aborted.TOO_LATE)
        written = {name: getattr(people_import, name) if stays else 0 for name in ("added", "updated")}
        word, text = how.value, ENDS[how].format(**written)
        if sys.stderr.isatty():
            self.stderr.write("")
        if how == Aborted.UNDOING:
            try:
                self._undo(people_import)
                word = "undone"
            except KeyboardInterrupt:
                text = LEFT
        if self.as_json:
            self.print_json({"aborted": word, **written})
        self.stderr.write(text)

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
            self.stderr.write(f"line {row.line}: {row.label or '(empty)'}: {row.reason} [{row.code}]")
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
