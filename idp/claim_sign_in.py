"""What claims change of a person at the sign-in, in its transaction. Identity is settled before; nothing is asked."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils import timezone

from idp.claim_plan import ClaimPlan, GroupRule, Outcome, Rules, plan_claims
from idp.models import ClaimGroup, ClaimMapping, ClaimOverage, IdentityProvider
from idp.protocol.types import IdTokenClaims
from users import provided
from users.audit import Actor, record
from users.models import Group, GroupMembership, User
from users.plain_sql import insert_if_new

# An overage is noted this exactly: in a large company it happens at every sign-in.
OVERAGE_PRECISION = timedelta(hours=1)


def stored_rules(provider: IdentityProvider) -> Rules:
    """Return a provider's rules as they are stored now."""
    mappings = ClaimMapping.objects.filter(provider=provider).values_list("field", "claim")
    groups = ClaimGroup.objects.filter(provider=provider).values_list("claim", "value", "group_id")
    return Rules(provider.pk, dict(mappings), tuple(GroupRule(*values) for values in groups))


def rules_of(provider: IdentityProvider) -> Rules:
    """Return the rules of a provider that was just read, asking the database only where it has changed since.

    Every change of a rule moves the provider's revision. Most providers have no rules, and a sign-in then asks nothing.
    """
    return _remembered(provider.pk, provider.revision, provider.updated_at)


@lru_cache(maxsize=64)
def _remembered(pk: uuid.UUID, *seen: Any) -> Rules:
    return stored_rules(IdentityProvider(pk=pk))


def plan_for(rules: Rules, claims: Mapping[str, Any], person: User) -> ClaimPlan:
    """Return what claims change of a stored person."""
    return plan_claims(rules, claims, person, memberships_of(rules, person))


def memberships_of(rules: Rules, person: User) -> dict[uuid.UUID, uuid.UUID | None]:
    """Return a person's groups among those of the rules, each with the provider that gave it, or None."""
    if not rules.groups or person._state.adding:
        return {}
    named = {rule.group_id for rule in rules.groups}
    return dict(GroupMembership.objects.filter(person=person, group__in=named).values_list("group_id", "given_by"))


def apply_claims(*, actor: Actor, provider: IdentityProvider, claims: IdTokenClaims, person: User) -> dict[str, Any]:
    """Let a verified token's claims change the person who signs in, in the caller's transaction.

    Call it before the link is noted: whoever deletes a person locks her before her links, too.

    Returns:
        Facts for the sign-in's audit row: what the provider left out, and what could not be used.
    """
    rules = rules_of(provider)
    if not rules:
        return {}
    plan = plan_for(rules, claims.raw, person)
    if plan.changes_something:
        locked = provided.lock_for_claims(person, [move.group_id for move in plan.moves])
        if locked is None:
            return {}  # deleted in the same moment; her link is gone as well, which refuses the sign-in
        plan = plan_for(rules, claims.raw, locked)
        write_plan(actor=actor.as_person(person), provider=provider, plan=plan, person=locked)
        for name, value in plan.wanted.items():
            setattr(person, name, value)
    for claim in plan.overage:
        _note_overage(provider, claim)
    facts = {"claims_left_out": plan.overage, "claims_ignored": plan.ignored}
    return {name: values for name, values in facts.items() if values}


def apply_claims_first(
    *, actor: Actor, provider: IdentityProvider, claims: IdTokenClaims, person: User
) -> dict[str, Any]:
    """Apply the claims as `apply_claims` does, in a transaction of their own, where there are rules.

    Before the access policies are asked: they go by the groups that the provider gives and takes now, and whom they
    refuse keeps them, or she would be refused for ever.
    """
    if not rules_of(provider):
        return {}
    with transaction.atomic():
        return apply_claims(actor=actor, provider=provider, claims=claims, person=person)


def write_plan(*, actor: Actor, provider: IdentityProvider, plan: ClaimPlan, person: User) -> None:
    """Write what a plan changes of a locked person: one audit row for the fields, and one for each membership."""
    changes = provided.keep_fields(person, plan.wanted)
    if changes:
        details = {"provider": provider.name, "changes": changes, "ignored": plan.ignored}
        if not plan.ignored:
            del details["ignored"]
        record("idp.identity.attributes_updated", actor=actor, target=person, details=details)
    groups = Group.objects.in_bulk([move.group_id for move in plan.moves])
    for move in plan.moves:
        group = groups.get(move.group_id)
        if group is None:  # its rule was removed in the same moment, and then the group
            continue
        facts = {"provider": provider.name, "claims": list(move.claims)}
        if move.outcome is Outcome.JOINS:
            provided.join_group(actor, person, group, given_by=provider.pk, facts=facts)
        else:
            provided.leave_group(actor, person, group, facts)


def _note_overage(provider: IdentityProvider, claim: str) -> None:
    now, rows = timezone.now(), ClaimOverage.objects.filter(provider=provider, claim=claim)
    last = rows.values_list("last_at", flat=True).first()
    if last is None:
        insert_if_new(ClaimOverage(provider=provider, claim=claim, last_at=now))
    elif now - last >= OVERAGE_PRECISION:
        rows.update(last_at=now)


def shown_plan(plan: ClaimPlan) -> dict[str, Any]:
    """Return a plan as JSON types, with the names that groups have now, for a rehearsal and for a preview."""
    names = dict(Group.objects.filter(pk__in=[each.group_id for each in plan.groups]).values_list("pk", "name"))
    groups = [
        {"group": names.get(each.group_id, ""), "claims": list(each.claims), "outcome": each.outcome.value}
        for each in plan.groups
    ]
    return {
        "fields": [asdict(each) | {"outcome": each.outcome.value} for each in plan.fields],
        "groups": sorted(groups, key=lambda each: each["group"].casefold()),
        "left_out": plan.overage,
        "ignored": plan.ignored,
    }
