"""To whom an activation applies: everybody at once, a pilot group first, or whom the routing policies name already.

Each is a change of the routing policies, tried out on the plan for the impact and then stored.
"""

import uuid
from dataclasses import dataclass, replace

from idp.models import IdentityProvider, RoutingGroup, RoutingPolicy
from idp.routing_order import put_in_order, stored_order
from idp.routing_plan import Change, Plan, Rule
from users.models import Group

# Stands in a plan for the policy that an activation makes.
NEW = uuid.UUID(int=0)


@dataclass(frozen=True)
class Scope:
    """To whom an activation applies: a group where one is given, else everybody, unless the policies as they are."""

    group: Group | None = None
    as_policies_say: bool = False

    def change(self, provider: IdentityProvider) -> Change:
        """Return what it does to the routing policies."""
        return lambda plan: self._changed(plan, provider)

    def _changed(self, plan: Plan, provider: IdentityProvider) -> Plan:
        if self.as_policies_say:
            return plan
        own = self._own(plan, provider)
        if own is not None:
            return tuple(replace(rule, enabled=True) if rule is own else rule for rule in plan)
        groups = frozenset({self.group.pk}) if self.group else frozenset()
        rule = Rule(NEW, provider.pk, everyone=self.group is None, groups=groups)
        place = self._place(plan)
        return (*plan[:place], rule, *plan[place:])

    def _own(self, plan: Plan, provider: IdentityProvider) -> Rule | None:
        """Return the provider's own policy that says just this, if there is one: it is switched on again."""
        groups = {self.group.pk} if self.group else set()
        for rule in plan:
            plain = not (rule.domains or rule.except_groups or rule.except_people)
            same = rule.everyone == (self.group is None) and rule.groups == groups
            if rule.provider_id == provider.pk and same and (plain or rule.everyone):
                return rule
        return None

    def _place(self, plan: Plan) -> int:
        """Return where a new policy goes: before the first that takes everyone, after all that name some people.

        A pilot group goes before everything: whom it takes is named on purpose.
        """
        if self.group is not None:
            return 0
        return next((place for place, rule in enumerate(plan) if rule.everyone and rule.in_force), len(plan))

    def store(self, plan: Plan, provider: IdentityProvider) -> RoutingPolicy | None:
        """Store what the change does, in the caller's transaction; return the policy that it made or switched on."""
        if self.as_policies_say:
            return None
        own = self._own(plan, provider)
        if own is not None:
            policy = RoutingPolicy.objects.get(pk=own.policy_id)
            policy.enabled, policy.revision = True, policy.revision + 1
            policy.save(update_fields=["enabled", "revision", "updated_at"])
            return policy
        order = stored_order()
        name = f"{self.group.name} to {provider.name}" if self.group else f"Everyone to {provider.name}"
        policy = RoutingPolicy(
            name=free_name(name), provider=provider, everyone=self.group is None, position=len(order) + 1
        )
        policy.save(force_insert=True)
        if self.group is not None:
            RoutingGroup.objects.create(policy=policy, group=self.group)
        order.insert(self._place(plan), policy.pk)
        put_in_order(order)
        return policy


EVERYBODY = Scope()


def free_name(wanted: str) -> str:
    """Return a name for a policy that no other has, with a number behind it where that is needed."""
    number, name = 1, wanted[:100].rstrip()
    while RoutingPolicy(name=name).name_is_taken():
        number += 1
        suffix = f" ({number})"
        name = wanted[: 100 - len(suffix)].rstrip() + suffix
    return name
