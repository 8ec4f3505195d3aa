"""`manage.py organization`: what holds for the whole company, from a shell."""

from typing import Any

from users.management.base import DirectoryCommand
from users.models import Organization
from users.organization import RANGES, current, set_limits
from users.second_factor_rule import set_second_factor_rule


def organization_row(organization: Organization) -> dict[str, Any]:
    """Return what is printed of the settings."""
    limits = {name: getattr(organization, name) for name in RANGES}
    return {**limits, "second_factor_required": organization.second_factor_required}


class Command(DirectoryCommand):
    """Show and set what holds for the whole company: limits, retention, the rule about second factors."""

    help = "Manage the organization settings."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        self.sub("show", self.show, "Show the organization settings.")
        change = self.sub("set", self.set, "Change what is given. Shorter limits end sessions at once.")
        for name, (lowest, highest) in RANGES.items():
            option = f"--{name.replace('_', '-')}"
            change.add_argument(option, type=int, metavar="N", help=f"from {lowest} to {highest}")
        rule_help = "whether administrators must have a second factor"
        change.add_argument("--second-factor-required", choices=("yes", "no"), help=rule_help)

    def show(self, options: dict[str, Any]) -> None:
        """Show the settings."""
        self.print_record(organization_row(current()))

    def set(self, options: dict[str, Any]) -> None:
        """Change settings."""
        given, rule = {name: options[name] for name in RANGES}, options["second_factor_required"]
        if rule is None and all(value is None for value in given.values()):
            self._subparsers.choices["set"].error("nothing to set was given")
        set_limits(actor=self.actor, **given)
        if rule is not None:
            set_second_factor_rule(actor=self.actor, required=rule == "yes")
        self.print_record(organization_row(current()))
