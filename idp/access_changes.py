"""Changes of the access policies as data: tried out on the rules before anything is stored."""

import uuid
from collections.abc import Callable
from dataclasses import replace

from idp.access import Action, Rule
from idp.access_errors import AccessActionUnknown, AccessOrderInvalid, AccessPolicyNotFound
from idp.access_rules import Rules
from idp.models import AccessAction, AccessPolicy

Change = Callable[[Rules], Rules]
# Stands in the rules for the policy that is not stored yet.
NEW = uuid.UUID(int=0)


def known_action(action: str) -> Action:
    """Return the action of this name; raises AccessActionUnknown."""
    if action not in AccessAction.values:
        raise AccessActionUnknown(action=action[:40])
    return Action(action)


def with_new(rule: Rule, place: int) -> Change:
    """Return the change that adds a rule at a place, counted from 0."""
    return lambda rules: replace(rules, listed=(*rules.listed[:place], rule, *rules.listed[place:]))


def with_rule(rule: Rule) -> Change:
    """Return the change that puts a rule in the place of the one that its policy had."""
    return lambda rules: replace(
        rules, listed=tuple(rule if each.policy_id == rule.policy_id else each for each in rules.listed)
    )


def with_switched(policy: AccessPolicy, enabled: bool) -> Change:
    """Return the change that switches a policy on or off."""
    return lambda rules: replace(
        rules,
        listed=tuple(replace(each, enabled=enabled) if each.policy_id == policy.pk else each for each in rules.listed),
    )


def without(policy: AccessPolicy) -> Change:
    """Return the change that takes a policy away."""
    return lambda rules: replace(rules, listed=tuple(each for each in rules.listed if each.policy_id != policy.pk))


def with_moved(policy: AccessPolicy, position: int) -> Change:
    """Return the change that gives a policy a place, counted from 1; raises AccessOrderInvalid when it is made."""

    def change(rules: Rules) -> Rules:
        if not 1 <= position <= len(rules.listed):
            raise AccessOrderInvalid(position=position, count=len(rules.listed))
        own = next((each for each in rules.listed if each.policy_id == policy.pk), None)
        if own is None:
            raise AccessPolicyNotFound()
        return with_new(own, position - 1)(without(policy)(rules))

    return change


def place_of(position: int | None, rules: Rules) -> int:
    """Return where a new policy goes, counted from 0."""
    if position is None:
        return len(rules.listed)
    if not 1 <= position <= len(rules.listed) + 1:
        raise AccessOrderInvalid(position=position, count=len(rules.listed) + 1)
    return position - 1
