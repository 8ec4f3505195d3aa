"""Replaces Django's own command, which knows neither roles nor the audit log."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

MESSAGE = "Use `manage.py admins add EMAIL --password-stdin`: it checks the role and is audited."


class Command(BaseCommand):
    """Points to the command that does it here."""

    help = MESSAGE

    def run_from_argv(self, argv: list[str]) -> None:
        """Refuse whatever arguments a guide for Django may have told people to give."""
        self.stderr.write(MESSAGE)
        sys.exit(2)

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse a call from code as well."""
        raise CommandError(MESSAGE, returncode=2)
