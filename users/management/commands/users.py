"""`manage.py users`: people, from a shell."""

from typing import Any

from users import services
from users.errors import CompanyEmailInvalid
from users.management.base import DirectoryCommand, read_secret
from users.models import State, User


def person_row(person: User) -> dict[str, Any]:
    """Return what the commands print of a person."""
    return {
        "id": str(person.pk),
        "user_name": person.user_name,
        "company_email": person.company_email,
        "display_name": person.display_name,
        "state": person.state,
        "admin_role": person.admin_role,
        "external_id": person.external_id,
        "has_password": person.has_usable_password(),
        "created_at": person.created_at.isoformat(),
    }


class Command(DirectoryCommand):
    """Add, list, show, activate and suspend people."""

    help = "Manage people."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        add = self.sub("add", self.add, "Add a person.")
        add.add_argument("email", nargs="?", help="company email")
        add.add_argument("--email", "--company-email", dest="email_option", help="company email")
        for option in ("--user-name", "--display-name", "--given-name", "--family-name", "--external-id"):
            add.add_argument(option, default="")
        add.add_argument("--state", choices=State.values, default=State.STAGED.value, help="staged unless given")
        add.add_argument("--password-stdin", action="store_true", help="read a password from standard input")
        listing = self.sub("list", self.list, "List people.")
        listing.add_argument("--state", choices=State.values)
        listing.add_argument("--limit", type=int, default=1000, help="at most this many (1000 unless given)")
        for name, run, text in (
            ("show", self.show, "Show a person."),
            ("activate", self.activate, "Let a person sign in."),
            ("suspend", self.suspend, "Refuse a person every sign-in, and end all sessions."),
        ):
            self.sub(name, run, text).add_argument("person", help="company email, user name or id")

    def add(self, options: dict[str, Any]) -> None:
        """Add a person."""
        email = options["email"] or options["email_option"]
        if not email:
            raise CompanyEmailInvalid()
        names = ("user_name", "display_name", "given_name", "family_name", "external_id")
        person = services.add_person(
            actor=self.actor,
            company_email=email,
            state=State(options["state"]),
            password=read_secret("Password") if options["password_stdin"] else None,
            **{name: options[name] for name in names},
        )
        self.print_record(person_row(person))

    def list(self, options: dict[str, Any]) -> None:
        """List people by company email."""
        people = User.objects.order_by("company_email")
        if options["state"]:
            people = people.filter(state=options["state"])
        rows = [person_row(person) for person in people[: max(options["limit"], 0)]]
        columns = ("company_email", "display_name", "state", "admin_role")
        self.print_table(rows, columns=columns, empty="There are no people yet.")

    def show(self, options: dict[str, Any]) -> None:
        """Show a person."""
        self.print_record(person_row(services.find_person(options["person"])))

    def activate(self, options: dict[str, Any]) -> None:
        """Activate a person."""
        person = services.activate_person(actor=self.actor, person=services.find_person(options["person"]))
        self.print_record(person_row(person))

    def suspend(self, options: dict[str, Any]) -> None:
        """Suspend a person."""
        person = services.suspend_person(actor=self.actor, person=services.find_person(options["person"]))
        self.print_record(person_row(person))
