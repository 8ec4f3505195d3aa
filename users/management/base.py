"""What all of Gatehouse's commands share: subcommands, `--json`, secrets from standard input, and errors with codes."""

import argparse
import contextlib
import getpass
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, NoReturn, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from users.audit import Actor, operator, record_refusal
from users.errors import DirectoryError, InputNotText
from users.log_context import LogContext, log_context, log_context_from_now_on
from users.management.writing import writing

STDIN_LIMIT = 8192
FROM_STDIN = "read from standard input, as always"
PERSON = "company email, user name or id"


class DirectoryParser(CommandParser):
    """Reports a wrong call in the way of a DirectoryError: with a code, and as JSON where JSON was asked for."""

    wants_json = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Notice `--json` before anything can be wrong."""
        self.wants_json = "--json" in (sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        if self.wants_json:
            error = {"code": "usage", "message": message, "hint": self.format_usage().strip(), "field": ""}
            sys.stderr.write(json.dumps({"error": {**error, "reference": ""}}) + "\n")
            raise SystemExit(2)
        if self.called_from_command_line:
            self.print_usage(sys.stderr)
            self.exit(2, f"{self.prog}: error: {message}\n[usage]\n")
        raise CommandError(f"Error: {message}\n[usage]", returncode=2)


def at_least_one(text: str) -> int:
    """Return a number for `--limit`, for argparse."""
    if not (text.isascii() and text.isdigit() and text.strip("0")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text) if len(text) < 10 else 10**9  # more than that no database counts


def day(text: str) -> date:
    """Return a date, for argparse."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date in the form YYYY-MM-DD") from error


def moment(text: str) -> datetime:
    """Return a date with a time, in UTC unless it says otherwise, for argparse."""
    try:
        at = datetime.fromisoformat(text)
        return (at if timezone.is_aware(at) else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date and time such as 2030-01-31T18:00") from error


class DirectoryCommand(BaseCommand):
    """A command with subcommands. A subclass lists them in `add_subcommands`, one method each.

    A DirectoryError ends the command with its message, hint and code on standard error, and its own exit status.
    """

    actor: Actor

    def get_version(self) -> str:
        """Return what `--version` prints."""
        return f"Gatehouse {settings.VERSION}"

    def add_arguments(self, parser: CommandParser) -> None:
        """Set up the subcommands."""
        parser.__class__ = DirectoryParser  # Django makes the outermost one, and lets nobody choose its class
        self._subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        self.add_subcommands()

    def add_subcommands(self) -> None:
        """Register every subcommand with `self.sub()`."""
        raise NotImplementedError

    def sub(self, name: str, run: Callable[..., None], help_text: str) -> CommandParser:
        """Register one subcommand and return its parser for further arguments."""
        parser: CommandParser = self._subparsers.add_parser(name, help=help_text, description=help_text)
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON for machines")
        parser.set_defaults(run=run)
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as the process's one command. What is left to be closed at its very end is part of it."""
        log_context_from_now_on(LogContext(command=argv[1], is_typed=True))
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand."""
        self.actor = operator()
        self.as_json = bool(options.get("as_json"))
        command = type(self).__module__.rpartition(".")[2]
        with log_context(LogContext(request_id=self.actor.request_id, command=command, is_typed=True)):
            self._run(options)

    def _run(self, options: dict[str, Any]) -> None:
        try:
            for name, value in options.items():
                refuse_wrong_encoding(value, name=f"The argument {name}")
            with writing(None):
                options["run"](options)
                self.stdout.flush()
        except DirectoryError as error:
            if not error.reference:
                # A database that is not there yet must not hide the refusal that the operator is to read.
                with contextlib.suppress(DatabaseError):
                    record_refusal("operator.command.refused", actor=self.actor, error=error)
            detail = getattr(error, "admin_detail", "") or error.message
            hint = getattr(error, "admin_hint", "") or error.hint
            if not self.as_json:
                text = f"{detail}\n{hint}\n[{error.code}] reference {error.reference or '-'}"
                raise CommandError(text, returncode=error.exit_status) from error
            # Django puts "CommandError: " before what it prints, and that would be no JSON.
            fields = {"code": error.code, "message": detail, "hint": hint, "field": error.field}
            self.stderr.write(json.dumps({"error": {**fields, "reference": error.reference}}), lambda text: text)
            raise SystemExit(error.exit_status) from error

    def print_json(self, value: Any) -> None:
        """Print one JSON value."""
        self.stdout.write(json.dumps(value, indent=2, default=str))

    def print_record(self, row: Mapping[str, Any]) -> None:
        """Print one record: JSON, or a line for each member."""
        if self.as_json:
            self.print_json(row)
            return
        width = max(len(name) for name in row)
        for name, value in row.items():
            self.stdout.write(f"{name.ljust(width)}  {_text(value)}")

    def print_table(self, rows: Iterable[Mapping[str, Any]], *, columns: tuple[str, ...], empty: str) -> None:
        """Print records: a JSON list, or a table of some columns."""
        listed = list(rows)
        if self.as_json:
            self.print_json(listed)
            return
        if not listed:
            self.stdout.write(empty)
            return
        cells = [[_text(row[column]) for column in columns] for row in listed]
        widths = [max(len(line[i]) for line in [list(columns), *cells]) for i in range(len(columns))]
        for line in [[column.upper() for column in columns], *cells]:
            padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
            self.stdout.write("  ".join(padded).rstrip())

    def say_more(self, what: str, *, limit: int) -> None:
        """Say on standard error that a list was cut: who reads its output as JSON is not disturbed."""
        self.stderr.write(f"There are more {what}: --limit {limit} cut the list. Ask with a larger --limit.")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "-"
    if value is True or value is False:
        return "yes" if value else "no"
    text = "-" if value is None or value == "" else str(value)
    return "".join(character if character.isprintable() else "?" for character in text)


def read_secret(prompt: str, stream: TextIO | None = None) -> str:
    """Return a secret from standard input, without the line break at its end. A terminal is asked without echo.

    Secrets never come as arguments: the process list and the shell's history show those to everybody.
    """
    source = stream or sys.stdin
    if source.isatty():
        return getpass.getpass(f"{prompt}: ")
    try:
        secret = source.read(STDIN_LIMIT).rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputNotText(name="Standard input") from error
    refuse_wrong_encoding(secret, name="Standard input")
    return secret


def refuse_wrong_encoding(value: object, *, name: str) -> None:
    """Raise InputNotText for a text that Python could only take in as lone surrogates."""
    if not isinstance(value, str):
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputNotText(name=name) from error


class ReplacedCommand(BaseCommand):
    """Stands in for a command of Django's that goes past the services; `cure` names ours."""

    cure = ""

    def run_from_argv(self, argv: list[str]) -> None:
        """Refuse whatever arguments a guide for Django may have told people to give."""
        self.stderr.write(self.cure)
        sys.exit(2)

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse a call from code as well."""
        raise CommandError(self.cure, returncode=2)
