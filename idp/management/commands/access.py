"""`manage.py access`: conditional access policies, from a shell. `access disable-policy` is the way back at 3 a.m."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from idp import access_policies, access_queries
from idp.access_impact import AccessImpact
from idp.access_policies import find_policy
from idp.access_rules import stored_rules
from idp.management.access_options import (
    LOCAL,
    SIGN_IN_HELP,
    given_of,
    provider_of_way,
    takes_action,
    takes_confirmation,
    takes_facts,
    takes_policy,
)
from idp.models import AccessAction, AccessPolicy
from users.management.base import DirectoryCommand, moment


def policy_row(policy: AccessPolicy) -> dict[str, Any]:
    """Return what is printed of an access policy."""
    audience = access_queries.audience_of(policy)
    return {
        "position": policy.position,
        "id": str(policy.pk),
        "name": policy.name,
        "description": policy.description,
        "resource": policy.resource,
        "action": policy.action,
        "enabled": policy.enabled,
        "everyone": policy.everyone,
        "groups": [group.name for group in audience.groups],
        "people": [person.company_email for person in audience.people],
        "except_groups": [group.name for group in audience.except_groups],
        "except_people": [person.company_email for person in audience.except_people],
        "conditions": access_queries.conditions_of(policy),
    }


class Command(DirectoryCommand):
    """List, add, change, order and delete access policies, set the default, and try a sign-in out on them."""

    help = "Manage conditional access policies: who may open the User Portal, under which circumstances."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        self.sub("policies", self.policies, "List the access policies in their order, the default last.")
        add = self.sub("add-policy", self.add_policy, "Add an access policy.")
        add.add_argument("--name", required=True, help="what the policy is called")
        add.add_argument("--position", type=int, help="its place in the order, from 1; at the end unless given")
        takes_action(add, required=True)
        takes_facts(add)
        takes_confirmation(add)
        edit = self.sub("edit-policy", self.edit_policy, "Say anew whom an access policy is about, and when.")
        takes_policy(edit).add_argument("--name", help="another name")
        takes_action(edit, required=False)
        takes_facts(edit)
        takes_confirmation(edit)
        move = self.sub("move-policy", self.move_policy, "Give an access policy another place in the order.")
        takes_policy(move).add_argument("position", type=int, help="from 1")
        takes_confirmation(move)
        for name, enabled in (("enable-policy", True), ("disable-policy", False)):
            text = f"Switch an access policy {'on' if enabled else 'off'}."
            takes_confirmation(takes_policy(self.sub(name, self._switch(enabled), text)))
        takes_confirmation(takes_policy(self.sub("delete-policy", self.delete_policy, "Delete an access policy.")))
        default = self.sub("set-default", self.set_default, "Say what happens where no policy fits.")
        default.add_argument("action", choices=AccessAction.values, help="what happens")
        takes_confirmation(default)
        attempt = self.sub("try", self.try_sign_in, "Say what a sign-in would meet. Changes nothing.")
        attempt.add_argument("email", help="the person's company email")
        attempt.add_argument("--ip", default="", help="the client's address; not known unless given")
        attempt.add_argument("--signed-in-with", default=LOCAL, help=SIGN_IN_HELP)
        attempt.add_argument("--token-second-factor", action="store_true", help="the token says that there was one")
        attempt.add_argument("--at", type=moment, help="when, such as 2030-01-31T18:00, in UTC; now unless given")

    def policies(self, options: dict[str, Any]) -> None:
        """List the policies, and the default after them."""
        rows = [policy_row(policy) for policy in access_queries.policies()]
        default = {**_DEFAULT, "action": stored_rules().default.value}
        columns = ("position", "name", "action", "enabled", "everyone", "groups", "people", "conditions")
        self.print_table([*rows, default], columns=columns, empty="")

    def add_policy(self, options: dict[str, Any]) -> None:
        """Add a policy."""
        given, position = given_of(options), options["position"]
        if options["dry_run"]:
            self._print_impact(access_policies.impact_of_adding(given, position))
            return
        understood = options["understood"]
        self._print_policy(
            access_policies.add_policy(actor=self.actor, given=given, position=position, understood=understood)
        )

    def edit_policy(self, options: dict[str, Any]) -> None:
        """Change a policy."""
        policy = find_policy(options["policy"])
        given = given_of(options, policy)
        if options["dry_run"]:
            self._print_impact(access_policies.impact_of_editing(policy, given))
            return
        understood = options["understood"]
        self._print_policy(
            access_policies.edit_policy(actor=self.actor, policy=policy, given=given, understood=understood)
        )

    def move_policy(self, options: dict[str, Any]) -> None:
        """Move a policy."""
        policy, position = find_policy(options["policy"]), options["position"]
        if options["dry_run"]:
            self._print_impact(access_policies.impact_of_moving(policy, position))
            return
        understood = options["understood"]
        self._print_policy(
            access_policies.move_policy(actor=self.actor, policy=policy, position=position, understood=understood)
        )

    def _switch(self, enabled: bool) -> Callable[[dict[str, Any]], None]:
        def switch(options: dict[str, Any]) -> None:
            policy = find_policy(options["policy"])
            if options["dry_run"]:
                self._print_impact(access_policies.impact_of_switching(policy, enabled=enabled))
                return
            given = {"enabled": enabled, "understood": options["understood"]}
            self._print_policy(access_policies.switch_policy(actor=self.actor, policy=policy, **given))

        return switch

    def delete_policy(self, options: dict[str, Any]) -> None:
        """Delete a policy."""
        policy = find_policy(options["policy"])
        if options["dry_run"]:
            self._print_impact(access_policies.impact_of_deleting(policy))
            return
        row = policy_row(policy)
        access_policies.delete_policy(actor=self.actor, policy=policy, understood=options["understood"])
        self.print_record({**row, "status": "deleted"})

    def set_default(self, options: dict[str, Any]) -> None:
        """Set the default."""
        action = options["action"]
        if options["dry_run"]:
            self._print_impact(access_policies.impact_of_default(action))
            return
        access_policies.set_default(actor=self.actor, action=action, understood=options["understood"])
        self.print_record({"name": _DEFAULT["name"], "action": action})

    def try_sign_in(self, options: dict[str, Any]) -> None:
        """Try a sign-in out on the policies."""
        (person,) = access_queries.people_named([options["email"]], field="email")
        provider = provider_of_way(options["signed_in_with"])
        tried = access_queries.try_sign_in(
            stored_rules(),
            person,
            client_ip=options["ip"],
            provider=provider,
            token_second_factor=options["token_second_factor"] and provider is not None,
            at=options["at"] or timezone.now(),
        )
        self.print_record(
            {
                "company_email": person.company_email,
                "action": tried.action.value,
                "policy": tried.policy,
                "why": tried.sentence,
                "passed": [f"{passed.name} {passed.reason}" for passed in tried.passed],
            }
        )

    def _print_impact(self, impact: AccessImpact) -> None:
        if self.as_json:
            lines = [{"key": line.key, "count": line.count, "examples": line.examples} for line in impact.lines]
            self.print_json({"changes_something": impact.changes_something, "lines": lines})
            return
        self.stdout.write("Impact:" if impact.changes_something else "Nothing that is in force changes.")
        for line in impact.lines:
            names = f" ({', '.join(line.examples)}{', …' if line.more > 0 else ''})" if line.examples else ""
            self.stdout.write(f"{line.count:>8}  {line.text}{names}")

    def _print_policy(self, policy: AccessPolicy) -> None:
        self.print_record(policy_row(find_policy(str(policy.pk))))


_DEFAULT: dict[str, Any] = {
    "position": None,
    "id": None,
    "name": "Default policy",
    "description": "",
    "resource": "user_portal",
    "enabled": True,
    "everyone": True,
    "groups": [],
    "people": [],
    "except_groups": [],
    "except_people": [],
    "conditions": ["Where no policy fits"],
}
