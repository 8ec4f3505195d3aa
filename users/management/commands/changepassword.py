"""Replaces Django's own command, which knows neither federation nor the audit log."""

from users.management.base import ReplacedCommand


class Command(ReplacedCommand):
    """Points to the command that does it here."""

    help = cure = "Use `manage.py admins set-password EMAIL`: it checks who owns the password and is audited."
