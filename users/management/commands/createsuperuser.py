"""Replaces Django's own command, which knows neither roles nor the audit log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Points to the command that does it here."""

    help = "Use `manage.py admins add` instead."

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse."""
        raise CommandError("Use `manage.py admins add EMAIL --password-stdin`: it checks the role and is audited.")
