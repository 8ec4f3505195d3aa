"""Replaces Django's own command, which knows neither roles nor the audit log."""

from users.management.base import ReplacedCommand


class Command(ReplacedCommand):
    """Points to the command that does it here."""

    help = cure = "Use `manage.py admins add EMAIL --password-stdin`: it checks the role and is audited."
