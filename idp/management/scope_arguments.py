"""The arguments by which commands say to whom an activation applies."""

from typing import Any

from django.core.management.base import CommandParser

from idp.activation_scope import Scope
from users.group_list import find_group


def takes_scope(parser: CommandParser) -> None:
    """Let a subcommand be told to whom an activation applies."""
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--group", metavar="GROUP", help="a pilot: only the members of this group")
    text = "only whom the provider's routing policies name already"
    scope.add_argument("--as-policies-say", action="store_true", help=text)


def scope_of(options: dict[str, Any]) -> Scope:
    """Return to whom it applies: everybody unless told.

    Raises:
        GroupNotFound: there is no such group.
    """
    group = options.get("group")
    return Scope(find_group(group) if group else None, bool(options.get("as_policies_say")))
