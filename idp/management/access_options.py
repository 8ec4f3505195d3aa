"""The arguments of `manage.py access`, and what they say of a policy."""

import argparse
from datetime import time
from typing import Any

from django.core.management.base import CommandParser

from idp.access_input import WEEKDAYS, AccessInput
from idp.access_queries import groups_named, people_named
from idp.models import AccessAction, AccessPolicy, IdentityProvider, TokenFactor
from idp.queries import find_provider

LOCAL = "local"
REPEATED = "may be given several times"
SIGN_IN_HELP = f"slug, name or id of a provider, or {LOCAL} for a Gatehouse password"


def hours(text: str) -> tuple[time, time]:
    """Return beginning and end of a text such as 08:00-18:00, for argparse."""
    begins, _, ends = text.partition("-")
    try:
        return time.fromisoformat(begins), time.fromisoformat(ends)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a span such as 08:00-18:00") from error


def takes_policy(parser: CommandParser) -> CommandParser:
    """Add the argument that names a policy."""
    parser.add_argument("policy", help="name or id of the policy")
    return parser


def takes_confirmation(parser: CommandParser) -> None:
    """Add the arguments of a change that has an impact."""
    parser.add_argument("--i-understand-the-impacts", action="store_true", dest="understood", help="confirm the impact")
    parser.add_argument("--dry-run", action="store_true", help="print the impact and change nothing")


def takes_facts(parser: CommandParser) -> None:
    """Add the arguments that say what a policy is about."""
    parser.add_argument("--description", help="why there is this policy")
    parser.add_argument("--everyone", action="store_true", help="everybody who is not excepted")
    parser.add_argument("--group", action="append", default=[], help=f"the members of this group; {REPEATED}")
    parser.add_argument("--person", action="append", default=[], help=f"the person with this email; {REPEATED}")
    parser.add_argument("--except-group", action="append", default=[], help=f"but nobody of this group; {REPEATED}")
    parser.add_argument("--except-person", action="append", default=[], help=f"but not this person; {REPEATED}")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--inside", action="append", metavar="NETWORK", help=f"from this network; {REPEATED}")
    where.add_argument("--outside", action="append", metavar="NETWORK", help=f"not from this network; {REPEATED}")
    parser.add_argument("--signed-in-with", action="append", default=[], help=f"{SIGN_IN_HELP}; {REPEATED}")
    parser.add_argument(
        "--token-second-factor", choices=TokenFactor.values, default="", help="what the provider's token says of it"
    )
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--within", type=hours, metavar="FROM-TO", help="at these hours, such as 08:00-18:00")
    when.add_argument("--not-within", type=hours, metavar="FROM-TO", help="except at these hours")
    parser.add_argument("--day", action="append", default=[], choices=WEEKDAYS, help=f"the hours' days; {REPEATED}")
    parser.add_argument("--time-zone", default="UTC", help="IANA name, such as Europe/Berlin; UTC unless given")
    parser.add_argument("--disabled", action="store_true", help="do not use it yet; an edited policy stays as it is")


def given_of(options: dict[str, Any], stored: AccessPolicy | None = None) -> AccessInput:
    """Return what the arguments say of a policy.

    Args:
        stored: the policy that is changed; name, description, action and whether it is on stay unless given.

    Raises:
        AccessGroupUnknown, AccessPersonUnknown, ProviderNotFound: somebody or something named is not there.
    """
    span: tuple[time, time] | None = options["within"] or options["not_within"]
    ways = options["signed_in_with"]
    description = options["description"]
    if description is None:
        description = stored.description if stored else ""
    return AccessInput(
        name=options["name"] or (stored.name if stored else ""),
        description=description,
        action=options["action"] or (stored.action if stored else ""),
        enabled=stored.enabled if stored else not options["disabled"],
        everyone=options["everyone"],
        groups=groups_named(options["group"], field="groups"),
        people=people_named(options["person"], field="people"),
        except_groups=groups_named(options["except_group"], field="except_groups"),
        except_people=people_named(options["except_person"], field="except_people"),
        network_side="inside" if options["inside"] else "outside" if options["outside"] else "",
        networks=options["inside"] or options["outside"] or [],
        providers=[provider for way in ways if (provider := provider_of_way(way))],
        local_sign_in=LOCAL in ways,
        token_second_factor=options["token_second_factor"],
        time_side="" if span is None else "inside" if options["within"] else "outside",
        weekdays=options["day"],
        time_from=span[0] if span else None,
        time_to=span[1] if span else None,
        time_zone=options["time_zone"],
    )


def provider_of_way(way: str) -> IdentityProvider | None:
    """Return the provider that a way to sign in is, or None for a Gatehouse password; raises ProviderNotFound."""
    return None if way == LOCAL else find_provider(way)


def takes_action(parser: CommandParser, *, required: bool) -> None:
    """Add the argument that says what a policy does."""
    parser.add_argument("--action", choices=AccessAction.values, required=required, help="what it does")
