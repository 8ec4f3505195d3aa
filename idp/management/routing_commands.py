"""The subcommands of `manage.py idp` about routing policies: who signs in with which provider."""

from argparse import BooleanOptionalAction
from collections.abc import Callable, Sequence
from typing import Any

from django.core.management.base import CommandParser

from idp import routing_changes, routing_policies, routing_queries
from idp.impact import ProviderImpact
from idp.management.guard_commands import guard_of, takes_guard
from idp.models import RoutingPolicy
from idp.queries import find_provider
from idp.routing_counts import people_per_policy
from idp.routing_errors import RoutingGroupUnknown, RoutingPersonUnknown
from idp.routing_inputs import PolicyInput
from idp.routing_policies import find_policy
from users.errors import PersonNotFound
from users.group_errors import GroupNotFound
from users.group_list import find_group
from users.management.base import DirectoryCommand
from users.models import Group, User
from users.services import find_person

UNDERSTOOD = "confirm the impact"
DRY_RUN = "print the impact and change nothing"
WHILE_DOWN = "let these people use their Gatehouse passwords while health checks say that the provider is down"


def policy_row(policy: RoutingPolicy) -> dict[str, Any]:
    """Return what is printed of a routing policy."""
    words = routing_queries.audience_of(policy)
    return {
        "position": policy.position,
        "id": str(policy.pk),
        "name": policy.name,
        "description": policy.description,
        "provider": policy.provider.slug,
        "enabled": policy.enabled,
        "in_force": policy.is_in_force,
        "on_trial_until": policy.guard.until if policy.guard else None,
        "everyone": policy.everyone,
        "groups": [group.name for group in words.groups],
        "domains": list(words.domains),
        "except_groups": [group.name for group in words.except_groups],
        "except_people": [person.company_email for person in words.except_people],
        "password_while_down": policy.password_while_down,
        "passwords_open": policy.opens_passwords,
    }


class RoutingCommands(DirectoryCommand):
    """List, add, change, order and delete routing policies, and say who goes where."""

    print_impact: Callable[[ProviderImpact], None]

    def add_routing_subcommands(self) -> None:
        """Register the subcommands."""
        listed = self.sub("policies", self.policies, "List the routing policies in their order.")
        listed.add_argument("--count", action="store_true", help="count the people whom each takes")
        where = self.sub("who-goes-where", self.who_goes_where, "Say where a person signs in, and why.")
        where.add_argument("email", help="the company email")
        add = self.sub("add-policy", self.add_policy, "Add a routing policy for a provider.")
        add.add_argument("provider", help="slug, name or id of the provider")
        add.add_argument("--name", required=True, help="what the policy is called")
        add.add_argument("--position", type=int, help="its place in the order, from 1; at the end unless given")
        _takes_audience(add)
        _takes_confirmation(add)
        takes_guard(add)
        edit = self.sub("edit-policy", self.edit_policy, "Change a routing policy; whom it takes may be given anew.")
        _takes_policy(edit).add_argument("--name", help="another name")
        _takes_audience(edit)
        _takes_confirmation(edit)
        move = self.sub("move-policy", self.move_policy, "Give a routing policy another place in the order.")
        _takes_policy(move).add_argument("position", type=int, help="from 1")
        _takes_confirmation(move)
        for name, enabled in (("enable-policy", True), ("disable-policy", False)):
            text = f"Switch a routing policy {'on' if enabled else 'off'}."
            switch = _takes_policy(self.sub(name, self._switch(enabled), text))
            _takes_confirmation(switch)
            if enabled:
                takes_guard(switch)
        _takes_confirmation(_takes_policy(self.sub("delete-policy", self.delete_policy, "Delete a routing policy.")))

    def policies(self, options: dict[str, Any]) -> None:
        """List the policies."""
        policies = routing_queries.policies()
        rows = [policy_row(policy) for policy in policies]
        columns: tuple[str, ...] = ("position", "name", "provider", "enabled", "password_while_down", "everyone")
        columns += ("groups", "domains")
        if options["count"]:
            counts = people_per_policy()
            for row, policy in zip(rows, policies, strict=True):
                row["people"] = counts.by_policy.get(policy.pk, 0)
            columns = (*columns, "people")
        self.print_table(rows, columns=columns, empty="There are no routing policies: everybody signs in locally.")

    def who_goes_where(self, options: dict[str, Any]) -> None:
        """Say where a person signs in."""
        answer = routing_queries.explain(options["email"])
        self.print_record(
            {
                "company_email": answer.email,
                "known": answer.person is not None,
                "provider": answer.provider.slug if answer.provider else None,
                "policy": answer.policy.name if answer.policy else None,
                "why": answer.sentence,
            }
        )

    def add_policy(self, options: dict[str, Any]) -> None:
        """Add a policy."""
        provider, given = find_provider(options["provider"]), _given(options, name=options["name"])
        if options["dry_run"]:
            self.print_impact(routing_changes.impact_of_adding(provider, given, options["position"]))
            return
        policy = routing_policies.add_policy(
            actor=self.actor,
            provider=provider,
            given=given,
            position=options["position"],
            understood=options["understood"],
            guard=guard_of(options),
        )
        self._print_policy(policy)

    def edit_policy(self, options: dict[str, Any]) -> None:
        """Change a policy."""
        policy = find_policy(options["policy"])
        given = _given(options, name=options["name"] or policy.name, stored=policy)
        if options["dry_run"]:
            self.print_impact(routing_changes.impact_of_editing(policy, given))
            return
        understood = options["understood"]
        self._print_policy(
            routing_policies.edit_policy(actor=self.actor, policy=policy, given=given, understood=understood)
        )

    def move_policy(self, options: dict[str, Any]) -> None:
        """Move a policy."""
        policy, position = find_policy(options["policy"]), options["position"]
        if options["dry_run"]:
            self.print_impact(routing_changes.impact_of_moving(policy, position))
            return
        understood = options["understood"]
        self._print_policy(
            routing_policies.move_policy(actor=self.actor, policy=policy, position=position, understood=understood)
        )

    def _switch(self, enabled: bool) -> Callable[[dict[str, Any]], None]:
        def switch(options: dict[str, Any]) -> None:
            policy = find_policy(options["policy"])
            if options["dry_run"]:
                self.print_impact(routing_changes.impact_of_switching(policy, enabled=enabled))
                return
            given = {"enabled": enabled, "understood": options["understood"]}
            given |= {"guard": guard_of(options)} if enabled else {}
            self._print_policy(routing_policies.switch_policy(actor=self.actor, policy=policy, **given))

        return switch

    def delete_policy(self, options: dict[str, Any]) -> None:
        """Delete a policy."""
        policy = find_policy(options["policy"])
        if options["dry_run"]:
            self.print_impact(routing_changes.impact_of_deleting(policy))
            return
        row = policy_row(policy)
        routing_policies.delete_policy(actor=self.actor, policy=policy, understood=options["understood"])
        self.print_record({**row, "status": "deleted"})

    def _print_policy(self, policy: RoutingPolicy) -> None:
        self.print_record(policy_row(find_policy(str(policy.pk))))


def _given(options: dict[str, Any], *, name: str, stored: RoutingPolicy | None = None) -> PolicyInput:
    before = stored or RoutingPolicy()
    settings = {
        field: getattr(before, field) if options[field] is None else options[field]
        for field in ("description", "password_while_down")
    }
    enabled = stored.enabled if stored else not options["disabled"]
    return PolicyInput(name=name, enabled=enabled, **settings, **_audience(options, stored))


def _audience(options: dict[str, Any], stored: RoutingPolicy | None) -> dict[str, Any]:
    """Return whom the policy takes: as given, or as before where nothing is given of a policy that there is."""
    if stored and not any(options[name] for name in ("everyone", "group", "domain", "except_group", "except_person")):
        return vars(routing_queries.audience_of(stored))
    return {
        "everyone": options["everyone"],
        "groups": _groups(options["group"]),
        "domains": options["domain"],
        "except_groups": _groups(options["except_group"]),
        "except_people": _people(options["except_person"]),
    }


def _groups(names: Sequence[str]) -> list[Group]:
    found = []
    for name in names:
        try:
            found.append(find_group(name))
        except GroupNotFound as error:
            raise RoutingGroupUnknown(group=name[:100]) from error
    return found


def _people(emails: Sequence[str]) -> list[User]:
    found = []
    for email in emails:
        try:
            found.append(find_person(email))
        except PersonNotFound as error:
            raise RoutingPersonUnknown(email=email[:254]) from error
    return found


def _takes_policy(parser: CommandParser) -> CommandParser:
    parser.add_argument("policy", help="name or id of the policy")
    return parser


def _takes_audience(parser: CommandParser) -> None:
    repeated = "may be given several times"
    parser.add_argument("--description", help="why there is this policy")
    parser.add_argument("--everyone", action="store_true", help="take everybody who is not excepted")
    parser.add_argument("--group", action="append", default=[], help=f"take the members of this group; {repeated}")
    parser.add_argument("--domain", action="append", default=[], help=f"take this email domain; {repeated}")
    parser.add_argument("--except-group", action="append", default=[], help=f"but nobody of this group; {repeated}")
    parser.add_argument("--except-person", action="append", default=[], help=f"but not this person; {repeated}")
    while_down = "--password-while-down"
    parser.add_argument(while_down, action=BooleanOptionalAction, default=None, help=WHILE_DOWN)
    parser.add_argument("--disabled", action="store_true", help="do not use it yet; an edited policy stays as it is")


def _takes_confirmation(parser: CommandParser) -> None:
    parser.add_argument("--i-understand-the-impacts", action="store_true", dest="understood", help=UNDERSTOOD)
    parser.add_argument("--dry-run", action="store_true", help=DRY_RUN)
