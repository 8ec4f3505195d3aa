"""`manage.py audit`: the audit log, from a shell."""

import argparse
import json
import os
import select
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from users.audit_export import ExportFormat, event_row, export_events
from users.audit_filter import OUTCOMES, AuditFilter, moment, normal_address
from users.audit_follow import Follower
from users.audit_log import find_events
from users.management.base import PERSON, DirectoryCommand, at_least_one
from users.management.writing import writing
from users.models import AuditEvent

COLUMNS = ("at", "action", "outcome", "code", "actor", "target", "client_ip", "reference")
FILTERS = tuple(name for name in AuditFilter.__dataclass_fields__ if name != "last")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def when(text: str) -> datetime:
    """Return a moment, for argparse: 2026-11-24T09:30 in UTC, or 30m, 24h, 7d before now."""
    amount, unit = text[:-1], text[-1:]
    try:
        if amount.isascii() and amount.isdigit() and unit in UNITS:
            return timezone.now() - timedelta(**{UNITS[unit]: int(amount)})
        return moment(text)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a date and time such as 2026-11-24T09:30 nor a time ago such as 30m, 24h or 7d"
        ) from error


def address(text: str) -> str:
    """Return an address or network, for argparse."""
    normal = normal_address(text)
    if normal is None:
        raise argparse.ArgumentTypeError(f"{text!r} is neither an address nor a network such as 203.0.113.0/24")
    return normal


class Command(DirectoryCommand):
    """List audit rows, write them to a file, and follow new ones."""

    help = "Read the audit log."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        listing = self.sub("list", self.list, "List audit rows, newest first.")
        _add_filters(listing)
        listing.add_argument("--before", type=int, help="only rows that come after the one with this id, for paging")
        listing.add_argument("--limit", type=at_least_one, default=50, help="at most this many (50 unless given)")
        export = self.sub("export", self.export, "Write all audit rows that fit, newest first, as CSV or JSON Lines.")
        _add_filters(export)
        export.add_argument("--format", choices=[form.value for form in ExportFormat], default="csv", help="(csv)")
        export.add_argument("--output", type=Path, help="a file in the place of standard output")
        follow = self.sub("follow", self.follow, "Print new audit rows as they come, until Ctrl-C.")
        _add_filters(follow)
        follow.add_argument("--interval", type=_seconds, default=1.0, help="seconds between two looks (1)")

    def list(self, options: dict[str, Any]) -> None:
        """List audit rows."""
        events = find_events(_wanted(options), before=options["before"], batch=options["limit"])
        rows = [event_row(event) for event in islice(events, options["limit"])]
        if options["reference"] and rows and not self.as_json:
            for row in rows:
                details = {f"details.{name}": value for name, value in row.pop("details").items()}
                self.print_record({**row, **details})
                self.stdout.write("")
            return
        self.print_table(rows, columns=COLUMNS, empty="No audit rows fit.")

    def export(self, options: dict[str, Any]) -> None:
        """Write a file, or standard output. Counts on standard error where somebody watches."""
        written = 0

        def progress(rows: int) -> None:
            nonlocal written
            written = rows
            if sys.stderr.isatty():
                self.stderr.write(f"\r{rows:,} rows", ending="")

        wanted, form = _wanted(options), ExportFormat(options["format"])
        with writing(options["output"]), ExitStack() as stack:
            write = self._writer(options["output"], stack)
            for piece in export_events(actor=self.actor, wanted=wanted, form=form, progress=progress):
                write(piece)
        if sys.stderr.isatty():
            self.stderr.write("")
        if options["output"]:
            self.print_record({"file": str(options["output"]), "rows": written})

    def follow(self, options: dict[str, Any]) -> None:
        """Print rows as they come. Ctrl-C and a closed pipe are the ways to end it, and no errors."""
        follower = Follower.from_now(_wanted(options))
        try:
            while True:
                for event in follower.look():
                    self._print(self._line(event))
                if _reader_left(self.stdout, options["interval"]):
                    return
        except KeyboardInterrupt:
            return

    def _line(self, event: AuditEvent) -> str:
        row = event_row(event)
        if self.as_json:
            return json.dumps(row, ensure_ascii=False) + "\n"
        texts = [str(row[name] or "-") for name in COLUMNS]
        return "  ".join("".join(c if c.isprintable() else "?" for c in text) for text in texts) + "\n"

    def _print(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()

    def _writer(self, output: Path | None, stack: ExitStack) -> Callable[[str], object]:
        """Return what takes the pieces of a file. A file is this user's alone: it holds names and addresses."""
        if output is None:
            return self._print
        number = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return stack.enter_context(os.fdopen(number, "w", encoding="utf-8", newline="")).write


def _reader_left(stream: Any, seconds: float) -> bool:
    """Wait so long, and say whether the reader of a pipe has gone meanwhile: without new rows no write would tell."""
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(seconds * 1000))


def _add_filters(parser: CommandParser) -> None:
    """Add the filters of the page INSIGHTS > Directory."""
    parser.add_argument("--since", type=when, help="only from then on: 2026-11-24T09:30 (UTC), or 24h for a day ago")
    parser.add_argument("--until", type=when, help="only before then")
    parser.add_argument("--action", default="", help="an action, or the beginning of one: idp.provider")
    parser.add_argument("--outcome", choices=list(OUTCOMES), default="", help="how it ended")
    parser.add_argument("--person", default="", help=f"who did it or to whom: {PERSON}, or label")
    parser.add_argument("--actor", default="", help=f"who did it: {PERSON}, or the label of an operator")
    parser.add_argument("--address", type=address, help="the client's address, or a network: 203.0.113.0/24")
    parser.add_argument("--code", default="", help="the code of a refusal: federation.no_match")
    parser.add_argument(
        "--reference", default="", help="the reference number of an error page; `list` prints the row in full"
    )


def _wanted(options: dict[str, Any]) -> AuditFilter:
    return AuditFilter.of({name: options[name] for name in FILTERS})


def _seconds(text: str) -> float:
    """Return a pause, for argparse."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0.05 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.05 to 3600")
    return seconds
