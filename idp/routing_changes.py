"""Changes of the routing policies, tried out on a plan before anything is stored: who would be sent where by each."""

from dataclasses import replace

from idp.activation_scope import NEW
from idp.impact import ProviderImpact, routing_impact
from idp.models import IdentityProvider, RoutingPolicy
from idp.routing_errors import RoutingOrderInvalid
from idp.routing_inputs import PolicyInput
from idp.routing_plan import Change, Plan, Rule, stored_plan


def impact_of_adding(provider: IdentityProvider, given: PolicyInput, position: int | None = None) -> ProviderImpact:
    """Return what a new policy would change; raises as `add_policy` does on bad input."""
    plan = stored_plan()
    return routing_impact(provider, plan, with_new(given.rule(NEW, provider), place_in(position, plan))(plan))


def impact_of_editing(policy: RoutingPolicy, given: PolicyInput) -> ProviderImpact:
    """Return what a changed policy would change; raises as `edit_policy` does on bad input."""
    plan = stored_plan()
    return routing_impact(policy.provider, plan, with_rule(given.rule(policy.pk, policy.provider))(plan))


def impact_of_switching(policy: RoutingPolicy, *, enabled: bool) -> ProviderImpact:
    """Return what switching a policy on or off would change."""
    plan = stored_plan()
    return routing_impact(policy.provider, plan, switched(policy, enabled)(plan))


def impact_of_moving(policy: RoutingPolicy, position: int) -> ProviderImpact:
    """Return what another place in the order would change."""
    plan = stored_plan()
    return routing_impact(policy.provider, plan, moved(policy, position)(plan))


def impact_of_deleting(policy: RoutingPolicy) -> ProviderImpact:
    """Return what the deletion of a policy would change."""
    plan = stored_plan()
    return routing_impact(policy.provider, plan, without(policy)(plan))


def with_new(rule: Rule, place: int) -> Change:
    """Return the change that puts a rule at a place, counted from 0."""
    return lambda plan: (*plan[:place], rule, *plan[place:])


def with_rule(rule: Rule) -> Change:
    """Return the change that puts a rule in the place of the one with its id."""
    return lambda plan: tuple(rule if each.policy_id == rule.policy_id else each for each in plan)


def switched(policy: RoutingPolicy, enabled: bool) -> Change:
    """Return the change that switches a policy on or off."""
    return lambda plan: tuple(replace(rule, enabled=enabled) if rule.policy_id == policy.pk else rule for rule in plan)


def without(policy: RoutingPolicy) -> Change:
    """Return the change that leaves a policy out."""
    return lambda plan: tuple(rule for rule in plan if rule.policy_id != policy.pk)


def moved(policy: RoutingPolicy, position: int) -> Change:
    """Return the change that gives a policy another place, counted from 1; it raises RoutingOrderInvalid."""

    def change(plan: Plan) -> Plan:
        if not 1 <= position <= len(plan):
            raise RoutingOrderInvalid(position=position, count=len(plan))
        own = next(rule for rule in plan if rule.policy_id == policy.pk)
        return with_new(own, position - 1)(without(policy)(plan))

    return change


def place_in(position: int | None, plan: Plan) -> int:
    """Return where a new policy goes, counted from 0; raises RoutingOrderInvalid."""
    if position is None:
        return len(plan)
    if not 1 <= position <= len(plan) + 1:
        raise RoutingOrderInvalid(position=position, count=len(plan) + 1)
    return position - 1
