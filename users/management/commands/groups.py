"""`manage.py groups`: groups of people, from a shell."""

import sys
from typing import Any

from users import groups
from users.errors import InputNotText
from users.group_list import COUNTED, find_group, find_groups
from users.management.base import DirectoryCommand, at_least_one, refuse_wrong_encoding
from users.models import Group, User

GROUP = "name or id of the group"


def group_row(group: Group) -> dict[str, Any]:
    """Return what the commands print of a group."""
    counted = getattr(group, "members", COUNTED + 1)
    return {
        "id": str(group.pk),
        "name": group.name,
        "description": group.description,
        "members": counted if counted <= COUNTED else group.memberships.count(),
        "created_at": group.created_at.isoformat(),
    }


class Command(DirectoryCommand):
    """Add, list, show, change and delete groups, and add and remove members."""

    help = "Manage groups of people."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        listing = self.sub("list", self.list, "List groups.")
        listing.add_argument("--search", default="", help="only those with this in their name")
        listing.add_argument("--limit", type=at_least_one, default=1000, help="at most this many (1000 unless given)")
        add = self.sub("add", self.add, "Create a group.")
        add.add_argument("name")
        add.add_argument("--description", default="", help="what the group is for")
        show = self.sub("show", self.show, "Show a group and its members.")
        show.add_argument("group", help=GROUP)
        show.add_argument("--limit", type=at_least_one, default=1000, help="at most this many members (1000)")
        edit = self.sub("edit", self.edit, "Change what is given of a group.")
        edit.add_argument("group", help=GROUP)
        edit.add_argument("--name", help="the new name")
        edit.add_argument("--description", help="what the group is for; '' empties it")
        delete = self.sub("delete", self.delete, "Delete a group. Its members stay in the directory.")
        delete.add_argument("group", help=GROUP)
        delete.add_argument("--yes-delete", metavar="NAME", default="", help="the group's name, where it has members")
        for name, run, text in (
            ("add-members", self.add_members, "Add people by company email."),
            ("remove-members", self.remove_members, "Remove people by company email."),
        ):
            parser = self.sub(name, run, text)
            parser.add_argument("group", help=GROUP)
            parser.add_argument("emails", nargs="*", metavar="EMAIL", help="from standard input where none is given")

    def list(self, options: dict[str, Any]) -> None:
        """List groups by name."""
        page = find_groups(search=options["search"], limit=options["limit"])
        rows = [group_row(group) for group in page.rows]
        self.print_table(rows, columns=("name", "members", "description"), empty="There are no groups yet.")
        if page.next:
            self.say_more("groups", limit=len(rows))

    def add(self, options: dict[str, Any]) -> None:
        """Create a group."""
        group = groups.add_group(actor=self.actor, name=options["name"], description=options["description"])
        self.print_record(group_row(group))

    def show(self, options: dict[str, Any]) -> None:
        """Show a group."""
        group = find_group(options["group"])
        members = User.objects.filter(memberships__group=group).order_by("company_email")
        limit = options["limit"]
        emails = list(members.values_list("company_email", flat=True)[: limit + 1])
        self.print_record({**group_row(group), "emails": emails[:limit]})
        if len(emails) > limit:
            self.say_more("members", limit=limit)

    def edit(self, options: dict[str, Any]) -> None:
        """Change a group's name or description."""
        group = find_group(options["group"])
        changed = groups.edit_group(
            actor=self.actor, group=group, name=options["name"], description=options["description"]
        )
        self.print_record(group_row(changed))

    def delete(self, options: dict[str, Any]) -> None:
        """Delete a group."""
        group = find_group(options["group"])
        row = group_row(group)
        removed = groups.delete_group(actor=self.actor, group=group, confirmation=options["yes_delete"])
        self.print_record({**row, "members": removed, "deleted": True})

    def add_members(self, options: dict[str, Any]) -> None:
        """Add people by email."""
        group = find_group(options["group"])
        result = groups.add_members_by_email(actor=self.actor, group=group, text=_emails(options))
        self.print_record(
            {"group": group.name, "added": result.added, "already": result.already, "unknown": list(result.unknown)}
        )

    def remove_members(self, options: dict[str, Any]) -> None:
        """Remove people by email."""
        group = find_group(options["group"])
        removed, unknown = groups.remove_members_by_email(actor=self.actor, group=group, text=_emails(options))
        self.print_record({"group": group.name, "removed": removed, "unknown": list(unknown)})


def _emails(options: dict[str, Any]) -> str:
    """Return the emails of the arguments, or else of standard input."""
    if options["emails"]:
        text = "\n".join(options["emails"])
        refuse_wrong_encoding(text, name="The argument emails")
        return text
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise InputNotText(name="Standard input") from error
