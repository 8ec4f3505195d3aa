"""`manage.py users`: people, from a shell."""

from collections.abc import Callable
from typing import Any

from users import people, schedules, services
from users.errors import CompanyEmailInvalid
from users.factors import reset_second_factor
from users.group_list import groups_of
from users.invitations import send_invitation
from users.management.base import FROM_STDIN, PERSON, at_least_one, moment, read_secret
from users.management.mailing import print_mailing
from users.management.people_files import PeopleFileCommands
from users.models import State, User
from users.passwords import send_password_reset

NAMES = (
    ("--user-name", "proposed from the company email unless given"),
    ("--display-name", "given and family name unless given"),
    ("--given-name", "given name"),
    ("--family-name", "family name"),
    ("--title", "job title"),
    ("--department", "department"),
    ("--phone-number", "phone number"),
    ("--locale", "language tag, such as en-GB"),
    ("--external-id", "object ID at the provider, for somebody whom the company email does not find"),
)
FIELDS = tuple(option[2:].replace("-", "_") for option, _ in NAMES)


def person_row(person: User) -> dict[str, Any]:
    """Return what the commands print of a person."""
    return {
        "id": str(person.pk),
        "user_name": person.user_name,
        "company_email": person.company_email,
        "display_name": person.display_name,
        "state": person.effective_state,
        "admin_role": person.admin_role,
        "external_id": person.external_id,
        "has_password": person.has_usable_password(),
        "created_at": person.created_at.isoformat(),
    }


def details_row(person: User) -> dict[str, Any]:
    """Return what the commands print of one person alone."""
    return {
        **person_row(person),
        "given_name": person.given_name,
        "family_name": person.family_name,
        "title": person.title,
        "department": person.department,
        "phone_number": person.phone_number,
        "locale": person.locale,
        "source": person.source,
        "groups": [group.name for group in groups_of(person)],
        "state_reason": person.state_reason,
        "state_changed_at": person.state_changed_at.isoformat() if person.state_changed_at else None,
        "scheduled_state": person.scheduled_state,
        "scheduled_at": person.scheduled_at.isoformat() if person.scheduled_at else None,
        "scheduled_reason": person.scheduled_reason,
    }


class Command(PeopleFileCommands):
    """Everything that is done with one person, and the list of people."""

    help = "Manage people."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        add = self.sub("add", self.add, "Add a person.")
        add.add_argument("email", nargs="?", help="company email")
        add.add_argument("--email", "--company-email", dest="email_option", help="company email")
        for option, text in NAMES:
            add.add_argument(option, default="", help=text)
        add.add_argument("--state", choices=State.values, help="unless given, as the organization settings say")
        add.add_argument("--password-stdin", action="store_true", help="read a password from standard input")
        listing = self.sub("list", self.list, "List people.")
        listing.add_argument("--state", choices=State.values, help="only people in this state")
        listing.add_argument("--limit", type=at_least_one, default=1000, help="at most this many (1000 unless given)")
        for name, run, text in (
            ("show", self.show, "Show a person."),
            ("unlock", self.unlock, "Forget a person's failed sign-ins."),
            ("reset-mfa", self.reset_mfa, "Take a person's second factors and recovery codes away; end all sessions."),
            ("unschedule", self.unschedule, "Cancel the change of state that is to come."),
        ):
            self.sub(name, run, text).add_argument("person", help=PERSON)
        self.add_changes()
        invite_help = "Mail a person without a password a link to choose one, and print it."
        invite = self.sub("invite", self.invite, invite_help)
        invite.add_argument("person", help=PERSON)
        invite.add_argument("--activate", action="store_true", help="let a staged person sign in with it at once")
        reset_help = "Mail a person a link for a new password, and print it."
        self.sub("send-reset", self.send_reset, reset_help).add_argument("person", help=PERSON)
        password_help = "Give a person a new password, read from standard input, and end all sessions."  # noqa: S105
        set_password = self.sub("set-password", self.set_password, password_help)
        set_password.add_argument("person", help=PERSON)
        set_password.add_argument("--password-stdin", action="store_true", help=FROM_STDIN)
        id_help = "Say which account at the provider a person is, for the first sign-in with it."
        set_external_id = self.sub("set-external-id", self.set_external_id, id_help)
        set_external_id.add_argument("person", help=PERSON)
        set_external_id.add_argument("external_id", metavar="ID", help="object ID at the provider; '' for none")
        self.add_file_subcommands()

    def add_changes(self) -> None:
        """Register the subcommands that change or delete a person."""
        edit = self.sub("edit", self.edit, "Change what is given; '' empties it.")
        edit.add_argument("person", help=PERSON)
        edit.add_argument("--company-email", help="what the person signs in with from then on")
        for option, _ in NAMES:
            edit.add_argument(option, help=f"the new {option[2:].replace('-', ' ')}")
        for name, run, text in (
            ("activate", self.activate, "Let a person sign in."),
            ("suspend", self.suspend, "Refuse a person every sign-in, and end all sessions."),
            ("schedule", self.schedule, "Let a person be suspended or active from a moment on."),
        ):
            parser = self.sub(name, run, text)
            parser.add_argument("person", help=PERSON)
            if name == "schedule":
                choices = (State.ACTIVE.value, State.SUSPENDED.value)
                parser.add_argument("state", choices=choices, help="active or suspended")
                parser.add_argument("at", type=moment, help="such as 2030-01-31T18:00, in UTC unless it says otherwise")
            parser.add_argument("--reason", default="", help="for those who read it later")
        delete = self.sub("delete", self.delete, "Delete a person with sessions, links and memberships.")
        delete.add_argument("person", help=PERSON)
        delete.add_argument("--yes-delete", metavar="EMAIL", default="", help="the person's company email, to confirm")

    def add(self, options: dict[str, Any]) -> None:
        """Add a person."""
        email = options["email"] or options["email_option"]
        if not email:
            raise CompanyEmailInvalid()
        person = services.add_person(
            actor=self.actor,
            company_email=email,
            state=State(options["state"]) if options["state"] else None,
            password=read_secret("Password") if options["password_stdin"] else None,
            **{name: options[name] for name in FIELDS},
        )
        self.print_record(person_row(person))

    def list(self, options: dict[str, Any]) -> None:
        """List people by company email."""
        people = User.objects.order_by("company_email")
        if options["state"]:
            schedules.apply_scheduled_states()
            people = people.filter(state=options["state"])
        limit = options["limit"]
        rows = [person_row(person) for person in people[: limit + 1]]
        columns = ("company_email", "display_name", "state", "admin_role")
        self.print_table(rows[:limit], columns=columns, empty="There are no people yet.")
        if len(rows) > limit:
            self.say_more("people", limit=limit)

    def show(self, options: dict[str, Any]) -> None:
        """Show a person."""
        self.print_record(details_row(services.find_person(options["person"])))

    def edit(self, options: dict[str, Any]) -> None:
        """Change a person."""
        person = services.find_person(options["person"])
        changes = {name: options[name] for name in ("company_email", *FIELDS)}
        self.print_record(details_row(people.edit_person(actor=self.actor, person=person, **changes)))

    def activate(self, options: dict[str, Any]) -> None:
        """Activate a person."""
        self._set_state(services.activate_person, options)

    def suspend(self, options: dict[str, Any]) -> None:
        """Suspend a person."""
        self._set_state(services.suspend_person, options)

    def _set_state(self, service: Callable[..., User], options: dict[str, Any]) -> None:
        person = services.find_person(options["person"])
        self.print_record(details_row(service(actor=self.actor, person=person, reason=options["reason"])))

    def schedule(self, options: dict[str, Any]) -> None:
        """Schedule a state."""
        person, state = services.find_person(options["person"]), State(options["state"])
        values = {"state": state, "at": options["at"], "reason": options["reason"]}
        self.print_record(details_row(schedules.schedule_state(actor=self.actor, person=person, **values)))

    def unschedule(self, options: dict[str, Any]) -> None:
        """Cancel what is scheduled."""
        person = services.find_person(options["person"])
        self.print_record(details_row(schedules.cancel_schedule(actor=self.actor, person=person)))

    def delete(self, options: dict[str, Any]) -> None:
        """Delete a person."""
        person = services.find_person(options["person"])
        row = person_row(person)
        people.delete_person(actor=self.actor, person=person, confirmation=options["yes_delete"])
        self.print_record({**row, "deleted": True})

    def unlock(self, options: dict[str, Any]) -> None:
        """Unlock a person."""
        person = services.find_person(options["person"])
        failures = services.unlock_person(actor=self.actor, person=person)
        self.print_record({**person_row(person), "failures_forgotten": failures})

    def invite(self, options: dict[str, Any]) -> None:
        """Invite a person."""
        person = services.find_person(options["person"])
        print_mailing(self, send_invitation(actor=self.actor, person=person, activate=options["activate"]))

    def send_reset(self, options: dict[str, Any]) -> None:
        """Send a link for a new password."""
        person = services.find_person(options["person"])
        print_mailing(self, send_password_reset(actor=self.actor, person=person))

    def reset_mfa(self, options: dict[str, Any]) -> None:
        """Reset a person's second factor."""
        person = services.find_person(options["person"])
        removed = reset_second_factor(actor=self.actor, person=person)
        self.print_record({**person_row(person), "factors_removed": removed})

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
