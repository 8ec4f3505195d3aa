"""Replaces Django's own command, which knows neither federation nor the audit log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """Points to the command that does it here."""

    help = "Use `manage.py admins set-password` instead."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what Django's own command takes, so that the answer is about the command and not its arguments."""
        parser.add_argument("username", nargs="?")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse."""
        raise CommandError("Use `manage.py admins set-password EMAIL`: it checks who owns the password and is audited.")
