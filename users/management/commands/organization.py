"""`manage.py organization`: what holds for the whole company, from a shell."""

from typing import Any

from users.management.base import DirectoryCommand
from users.models import Organization
from users.organization import RANGES, current, set_limits


def organization_row(organization: Organization) -> dict[str, Any]:
    """Return what is printed of the settings."""
    return {name: getattr(organization, name) for name in RANGES}


class Command(DirectoryCommand):
    """Show and set how long sessions live, and how long the audit log is kept."""

    help = "Manage the organization settings."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        self.sub("show", self.show, "Show the organization settings.")
        change = self.sub("set", self.set, "Change what is given. Shorter limits end sessions at once.")
        for name, (lowest, highest) in RANGES.items():
            option = f"--{name.replace('_', '-')}"
            change.add_argument(option, type=int, metavar="N", help=f"from {lowest} to {highest}")

    def show(self, options: dict[str, Any]) -> None:
        """Show the settings."""
        self.print_record(organization_row(current()))

    def set(self, options: dict[str, Any]) -> None:
        """Change settings."""
        given = {name: options[name] for name in RANGES}
        if all(value is None for value in given.values()):
            self._subparsers.choices["set"].error("nothing to set was given")
        self.print_record(organization_row(set_limits(actor=self.actor, **given)))
