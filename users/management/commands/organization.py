"""`manage.py organization`: what holds for the whole company, from a shell."""

from pathlib import Path
from typing import Any

from users import organization_profile
from users.default_states import COLUMNS, STATES
from users.errors import DirectoryError
from users.logo import MAX_BYTES
from users.management.base import DirectoryCommand
from users.models import Organization, OrganizationLogo, State
from users.organization import RANGES, check_limits, current, set_limits
from users.second_factor_rule import set_second_factor_rule

SUPPORT = ("email", "url", "phone", "note")
_EMPTY = "'' for none"


class FileUnreadable(DirectoryError):
    """The file that a command was given cannot be opened."""

    code = "users.file_unreadable"
    message = "{path} cannot be read: {reason}."
    hint = "Check the path, and that this user may read the file."
    exit_status = 4


def organization_row(organization: Organization) -> dict[str, Any]:
    """Return what is printed of the settings."""
    logo = OrganizationLogo.objects.filter(pk=1).values("sha256", "width", "height").first()
    names = ["name", *(f"support_{name}" for name in SUPPORT), *COLUMNS.values(), *RANGES, "second_factor_required"]
    row = {name: getattr(organization, name) for name in names}
    return {**row, "logo": f"{logo['width']}x{logo['height']} {logo['sha256']}" if logo else None}


def read_picture(path: str) -> bytes:
    """Return a file, or as much of it as shows that it is too large for a logo; raises FileUnreadable."""
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no path"
        raise FileUnreadable(path=path.replace("\x00", "?")[:200], reason=reason) from error


class Command(DirectoryCommand):
    """Show and set the company's name, logo and support contact, how new people begin, limits and rules."""

    help = "Manage the organization settings."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        self.sub("show", self.show, "Show the organization settings.")
        change = self.sub("set", self.set, "Change what is given. Shorter limits end sessions at once.")
        change.add_argument("--name", help=f"of the company; {_EMPTY}")
        for name, text in zip(SUPPORT, ("email", "https address", "phone number", "sentence"), strict=True):
            change.add_argument(f"--support-{name}", metavar="TEXT", help=f"whom to ask for help: {text}; {_EMPTY}")
        for source, column in COLUMNS.items():
            option = f"--{column.replace('_', '-')}"
            change.add_argument(option, choices=STATES, help=f"of new people; {source.label}")
        for name, (lowest, highest) in RANGES.items():
            option = f"--{name.replace('_', '-')}"
            change.add_argument(option, type=int, metavar="N", help=f"from {lowest} to {highest}")
        rule_help = "whether administrators must have a second factor"
        change.add_argument("--second-factor-required", choices=("yes", "no"), help=rule_help)
        set_logo = self.sub("set-logo", self.set_logo, "Show a picture as the company's logo.")
        set_logo.add_argument("file", metavar="FILE", help="PNG, JPEG or WebP, at most 2 MB and 4000 x 4000 pixels")
        self.sub("remove-logo", self.remove_logo, "Show no logo any more.")

    def show(self, options: dict[str, Any]) -> None:
        """Show the settings."""
        self.print_record(organization_row(current()))

    def set(self, options: dict[str, Any]) -> None:
        """Change settings: all that are given, or none."""
        limits = {name: options[name] for name in RANGES}
        stored = current()
        support = {name: options[f"support_{name}"] for name in SUPPORT}
        states = {source: State(options[column]) for source, column in COLUMNS.items() if options[column]}
        rule = options["second_factor_required"]
        if (
            rule is None
            and options["name"] is None
            and not states
            and all(v is None for v in (*limits.values(), *support.values()))
        ):
            self._subparsers.choices["set"].error("nothing to set was given")
        contact = {name: getattr(stored, f"support_{name}") if v is None else v for name, v in support.items()}
        # Everything is looked at before anything is stored.
        check_limits(limits)
        organization_profile.clean_name(options["name"] or "")
        organization_profile.clean_support(**contact)
        if options["name"] is not None:
            organization_profile.set_name(actor=self.actor, name=options["name"])
        organization_profile.set_support(actor=self.actor, **contact)
        organization_profile.set_default_states(actor=self.actor, states=states)
        set_limits(actor=self.actor, **limits)
        if rule is not None:
            set_second_factor_rule(actor=self.actor, required=rule == "yes")
        self.print_record(organization_row(current()))

    def set_logo(self, options: dict[str, Any]) -> None:
        """Show another logo."""
        organization_profile.set_logo(actor=self.actor, data=read_picture(options["file"]))
        self.print_record(organization_row(current()))

    def remove_logo(self, options: dict[str, Any]) -> None:
        """Show no logo any more."""
        organization_profile.remove_logo(actor=self.actor)
        self.print_record(organization_row(current()))
