"""`manage.py users`: people, from a shell."""

from typing import Any

from users import services
from users.errors import CompanyEmailInvalid
from users.management.base import FROM_STDIN, PERSON, DirectoryCommand, at_least_one, read_secret
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
    """Add, list, show, activate, suspend and unlock people, and set passwords and external IDs."""

    help = "Manage people."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        add = self.sub("add", self.add, "Add a person.")
        add.add_argument("email", nargs="?", help="company email")
        add.add_argument("--email", "--company-email", dest="email_option", help="company email")
        for option, text in (
            ("--user-name", "proposed from the company email unless given"),
            ("--display-name", "given and family name unless given"),
            ("--given-name", "given name"),
            ("--family-name", "family name"),
            ("--external-id", "object ID at the provider, for somebody whom the company email does not find"),
        ):
            add.add_argument(option, default="", help=text)
        add.add_argument("--state", choices=State.values, help="unless given, as the organization settings say")
        add.add_argument("--password-stdin", action="store_true", help="read a password from standard input")
        listing = self.sub("list", self.list, "List people.")
        listing.add_argument("--state", choices=State.values, help="only people in this state")
        listing.add_argument("--limit", type=at_least_one, default=1000, help="at most this many (1000 unless given)")
        for name, run, text in (
            ("show", self.show, "Show a person."),
            ("activate", self.activate, "Let a person sign in."),
            ("suspend", self.suspend, "Refuse a person every sign-in, and end all sessions."),
            ("unlock", self.unlock, "Forget a person's failed sign-ins."),
        ):
            self.sub(name, run, text).add_argument("person", help=PERSON)
        password_help = "Give a person a new password, read from standard input, and end all sessions."  # noqa: S105
        set_password = self.sub("set-password", self.set_password, password_help)
        set_password.add_argument("person", help=PERSON)
        set_password.add_argument("--password-stdin", action="store_true", help=FROM_STDIN)
        id_help = "Say which account at the provider a person is, for the first sign-in with it."
        set_external_id = self.sub("set-external-id", self.set_external_id, id_help)
        set_external_id.add_argument("person", help=PERSON)
        set_external_id.add_argument("external_id", metavar="ID", help="object ID at the provider; '' for none")

    def add(self, options: dict[str, Any]) -> None:
        """Add a person."""
        email = options["email"] or options["email_option"]
        if not email:
            raise CompanyEmailInvalid()
        names = ("user_name", "display_name", "given_name", "family_name", "external_id")
        person = services.add_person(
            actor=self.actor,
            company_email=email,
            state=State(options["state"]) if options["state"] else None,
            password=read_secret("Password") if options["password_stdin"] else None,
            **{name: options[name] for name in names},
        )
        self.print_record(person_row(person))

    def list(self, options: dict[str, Any]) -> None:
        """List people by company email."""
        people = User.objects.order_by("company_email")
        if options["state"]:
            people = people.filter(state=options["state"])
        rows = [person_row(person) for person in people[: options["limit"]]]
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

    def unlock(self, options: dict[str, Any]) -> None:
        """Unlock a person."""
        person = services.find_person(options["person"])
        failures = services.unlock_person(actor=self.actor, person=person)
        self.print_record({**person_row(person), "failures_forgotten": failures})

    def set_password(self, options: dict[str, Any]) -> None:
        """Set a password."""
        person = services.find_person(options["person"])
        changed = services.set_person_password(actor=self.actor, person=person, password=read_secret("New password"))
        self.print_record(person_row(changed))

    def set_external_id(self, options: dict[str, Any]) -> None:
        """Set or clear an external ID."""
        person = services.find_person(options["person"])
        changed = services.set_external_id(actor=self.actor, person=person, external_id=options["external_id"])
        self.print_record(person_row(changed))
