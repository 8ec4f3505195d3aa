"""`manage.py migrate`: Django's own, while the former version serves: it never waits for long in front of sign-ins."""

import contextlib
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as DjangosMigrate
from django.db import DatabaseError, OperationalError, connections

from users.audit import operator, record_refusal
from users.management.base import at_least_one
from users.migration_locks import MigrationBlocked, alone, impatient, is_blocked

# Between two attempts, for those who came to wait behind the one before.
PAUSE_SECONDS = 1


class Command(DjangosMigrate):
    """Migrates with a limit on how long a statement waits for a lock, and tries again."""

    help = (
        "Bring the database up to date, while the former version serves. A migration waits for a lock for a short time "
        "only, because sign-ins wait behind it meanwhile; it is tried again then. One runs at a time. Nothing is half "
        "done where it gives up."
    )

    # Asked in `handle`, where nobody else writes: while somebody does, SQLite would seem to know no JSON.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how long to wait, and how often."""
        super().add_arguments(parser)
        parser.add_argument("--skip-checks", action="store_true", help="skip system checks")
        parser.add_argument(
            "--lock-timeout",
            type=at_least_one,
            default=3000,
            metavar="MILLISECONDS",
            help="how long a statement waits for a lock before it is given up and tried again (3000)",
        )
        parser.add_argument("--attempts", type=at_least_one, default=10, help="how often it is tried (10)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate; where a lock is not to be had, try again a few times."""
        connection, attempts = connections[options["database"]], options["attempts"]
        with impatient(connection, options["lock_timeout"]):
            for attempt in range(1, attempts + 1):
                try:
                    with alone(connection):
                        if not options["skip_checks"]:
                            self.check(databases=[connection.alias])
                        super().handle(*args, **options)
                    return
                except OperationalError as error:
                    if not is_blocked(error):
                        raise
                if attempt < attempts:
                    self.stderr.write(f"Another transaction holds a lock: attempt {attempt} of {attempts} gave way.")
                    time.sleep(PAUSE_SECONDS)
            self._give_up(MigrationBlocked(attempts=attempts, seconds=options["lock_timeout"] / 1000))

    def _give_up(self, error: MigrationBlocked) -> None:
        """End with the refusal; a database without an audit log yet does not hide it."""
        with contextlib.suppress(DatabaseError):
            record_refusal("operator.command.refused", actor=operator(), error=error)
        text = f"{error.message}\n{error.hint}\n[{error.code}] reference {error.reference or '-'}"
        raise CommandError(text, returncode=error.exit_status)
