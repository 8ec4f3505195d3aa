"""`manage.py admins`: administrators, from a shell. The way back in when nobody can sign in."""

import argparse
from typing import Any

from django.conf import settings

from users import administrators
from users.admin_invitations import invite_administrator, withdraw_admin_invitation
from users.administrators_list import Listed, every_administrator
from users.break_glass import make_link
from users.errors import NotAnAdministrator
from users.factors import reset_second_factor
from users.management.base import FROM_STDIN, PERSON, DirectoryCommand, read_secret
from users.management.commands.users import person_row
from users.management.mailing import print_break_glass, print_mailing
from users.models import AdminRole
from users.services import find_person, unlock_person


def role(text: str) -> AdminRole:
    """Return a role from its name, with dashes or underscores, for argparse."""
    try:
        return AdminRole(text.strip().lower().replace("-", "_").replace(" ", "_"))
    except ValueError as error:
        choices = ", ".join(AdminRole.values)
        raise argparse.ArgumentTypeError(f"{text!r} is not a role. The roles are: {choices}") from error


def _invitation(listed: Listed) -> str:
    """Say what somebody is invited to be, or nothing."""
    return f"{listed.role.value}, {listed.state[0].lower()}" if listed.invitation else ""


class Command(DirectoryCommand):
    """Add, invite, list, unlock and remove administrators, set roles and passwords, reset factors; make the first."""

    help = "Manage administrators."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        roles = ", ".join(AdminRole.values)
        add = self.sub("add", self.add, "Give a role to a person, new or known. Reads a password from standard input.")
        add.add_argument("email", nargs="?", help="company email")
        add.add_argument("--email", "--company-email", dest="email_option", help="company email")
        add.add_argument("--role", type=role, default=AdminRole.ADMINISTRATOR_WITH_BILLING, help=roles)
        add.add_argument("--display-name", "--name", default="", dest="display_name", help="a new person's name")
        add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        self.sub("list", self.list, "List administrators, and who is invited to be one.")
        set_role = self.sub("set-role", self.set_role, "Change an administrator's role.")
        set_role.add_argument("person", help=PERSON)
        set_role.add_argument("role", type=role, nargs="?", help=roles)
        set_role.add_argument("--role", type=role, dest="role_option", help=roles)
        set_password = self.sub(
            "set-password", self.set_password, "Give an administrator a new password, read from standard input."
        )
        set_password.add_argument("person", help=PERSON)
        set_password.add_argument("--password-stdin", action="store_true", help=FROM_STDIN)
        unlock = self.sub("unlock", self.unlock, "Forget an administrator's failed sign-ins.")
        unlock.add_argument("person", help=PERSON)
        reset_help = "Take an administrator's second factors and recovery codes away, and end all sessions."
        self.sub("reset-mfa", self.reset_mfa, reset_help).add_argument("person", help=PERSON)
        remove = self.sub("remove", self.remove, "Take an administrator's role away. The person stays.")
        remove.add_argument("person", help=PERSON)
        invite = self.sub("invite", self.invite, "Invite an administrator: print the link, and mail it.")
        invite.add_argument("email", help="company email, of somebody new or of a person of the directory")
        invite.add_argument("--role", type=role, required=True, help=roles)
        invite.add_argument("--name", "--display-name", default="", dest="display_name", help="a new person's name")
        invite.add_argument("--no-mail", action="store_true", help="only print the link")
        withdraw = self.sub("withdraw-invitation", self.withdraw, "Make an invitation that was sent void.")
        withdraw.add_argument("person", help=PERSON)
        break_glass_help = "Print a link that lets an administrator in once, without password and second factor."
        self.sub("break-glass", self.break_glass, break_glass_help).add_argument("person", help=PERSON)
        self.sub("setup-link", self.setup_link, "Print a one-time link that creates the first administrator.")

    def add(self, options: dict[str, Any]) -> None:
        """Add an administrator."""
        person = administrators.add_administrator(
            actor=self.actor,
            company_email=options["email"] or options["email_option"] or "",
            role=options["role"],
            password=read_secret("Password") if options["password_stdin"] else None,
            display_name=options["display_name"],
        )
        self.print_record(person_row(person))

    def list(self, options: dict[str, Any]) -> None:
        """List administrators."""
        rows = [{**person_row(each.person), "invitation": _invitation(each)} for each in every_administrator()]
        columns = ("company_email", "display_name", "admin_role", "state", "has_password", "invitation")
        self.print_table(rows, columns=columns, empty="There are no administrators yet: `manage.py admins setup-link`.")

    def set_role(self, options: dict[str, Any]) -> None:
        """Set a role."""
        new = options["role"] or options["role_option"]
        if new is None:
            self._subparsers.choices["set-role"].error("a role is needed")
        person = find_person(options["person"])
        self.print_record(person_row(administrators.set_admin_role(actor=self.actor, person=person, role=new)))

    def set_password(self, options: dict[str, Any]) -> None:
        """Set a password."""
        person = find_person(options["person"])
        password = read_secret("New password")
        changed = administrators.set_admin_password(actor=self.actor, person=person, password=password)
        self.print_record(person_row(changed))

    def unlock(self, options: dict[str, Any]) -> None:
        """Unlock an administrator."""
        person = find_person(options["person"])
        if person.admin_role is None:
            raise NotAnAdministrator(label=person.label)
        failures = unlock_person(actor=self.actor, person=person)
        self.print_record({**person_row(person), "failures_forgotten": failures})

    def reset_mfa(self, options: dict[str, Any]) -> None:
        """Reset an administrator's second factor."""
        person = find_person(options["person"])
        if person.admin_role is None:
            raise NotAnAdministrator(label=person.label)
        removed = reset_second_factor(actor=self.actor, person=person)
        self.print_record({**person_row(person), "factors_removed": removed})

    def remove(self, options: dict[str, Any]) -> None:
        """Remove a role."""
        person = administrators.remove_administrator(actor=self.actor, person=find_person(options["person"]))
        self.print_record(person_row(person))

    def invite(self, options: dict[str, Any]) -> None:
        """Invite an administrator."""
        mailing = invite_administrator(
            actor=self.actor,
            company_email=options["email"],
            role=options["role"],
            display_name=options["display_name"],
            mail=not options["no_mail"],
        )
        print_mailing(self, mailing)

    def withdraw(self, options: dict[str, Any]) -> None:
        """Withdraw an invitation."""
        person = withdraw_admin_invitation(actor=self.actor, person=find_person(options["person"]))
        self.print_record(person_row(person))

    def break_glass(self, options: dict[str, Any]) -> None:
        """Print a break-glass link."""
        print_break_glass(self, make_link(actor=self.actor, person=find_person(options["person"])))

    def setup_link(self, options: dict[str, Any]) -> None:
        """Print the set-up link."""
        token = administrators.issue_setup_link(actor=self.actor)
        url = f"{settings.PUBLIC_URL}/admin/set-up/{token}/"
        if self.as_json:
            self.print_json({"url": url, "valid_minutes": 60})
        else:
            self.stdout.write(f"{url}\nIt works once, within one hour.")
