"""What can be done with routing policies. Each change is tried out on a plan first: who would be sent where by it."""

import uuid

from django.db import IntegrityError, transaction

from idp.activation_scope import NEW
from idp.guard_returns import settle_locked
from idp.guards import GuardTerms, guard_for_new, place_guard, release
from idp.impact import require_confirmed, routing_impact
from idp.lockout_safety import require_local_administrator
from idp.models import IdentityProvider, RoutingDomain, RoutingException, RoutingGroup, RoutingPolicy
from idp.provider_status import end_sessions_against_policies
from idp.routing_changes import moved, place_in, switched, with_new, with_rule, without
from idp.routing_errors import RoutingChangedMeanwhile, RoutingNameTaken, RoutingPolicyNotFound, RoutingTooMany
from idp.routing_inputs import PolicyInput, facts_of, fill
from idp.routing_order import lock_routing, put_in_order, stored_order
from idp.routing_plan import Change, Plan, Rule, stored_plan
from users.audit import Actor, audited, record
from users.errors import PersonNotFound
from users.group_errors import GroupNotFound
from users.locks import keep_rows
from users.models import Group, User
from users.permissions import Permission
from users.services import require

MOST_POLICIES = 200


def find_policy(identifier: str) -> RoutingPolicy:
    """Return the policy with this id, or else with this name in any case; raises RoutingPolicyNotFound."""
    policies = RoutingPolicy.objects.select_related("provider")
    try:
        found = policies.filter(pk=uuid.UUID(identifier)).first()
    except ValueError:
        found = policies.filter(name_key=RoutingPolicy(name=identifier.strip()).key()).first()
    if found is None:
        raise RoutingPolicyNotFound()
    return found


@audited("idp.routing_policy.added")
def add_policy(
    *,
    actor: Actor,
    provider: IdentityProvider,
    given: PolicyInput,
    position: int | None = None,
    understood: bool = False,
    fingerprint: str | None = None,
    guard: GuardTerms | None = None,
) -> RoutingPolicy:
    """Add a policy at a place in the order, or at its end.

    Args:
        guard: how it goes back by itself unless it is confirmed; None for no such thing.

    Raises:
        RoutingNameInvalid, RoutingDescriptionInvalid, RoutingNameTaken, EmailDomainInvalid, RoutingAudienceMissing,
        RoutingGroupContradictory, RoutingTooMany, RoutingOrderInvalid: bad input.
        ImpactNotConfirmed, ImpactChanged: it would change how somebody signs in, and that was not confirmed.
        NoLocalAdministrator: it would send people away while nobody could come in and repair.
        GroupNotFound, PersonNotFound: a group or a person that it names was deleted meanwhile.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    settle_locked()
    plan = stored_plan()
    if len(plan) >= MOST_POLICIES:
        raise RoutingTooMany(most=MOST_POLICIES, what="routing policies")
    place = place_in(position, plan)
    policy = RoutingPolicy(provider=provider, position=len(plan) + 1)
    fill(policy, given)
    rule = given.rule(NEW, provider)
    numbers = _confirmed(provider, plan, with_new(rule, place), understood, fingerprint)
    _save(policy, force_insert=True)
    _name(policy, rule)
    order = stored_order()
    order.insert(place, order.pop())
    put_in_order(order)
    watched = _guard(policy, guard)
    end_sessions_against_policies()
    details = {**facts_of(policy, given), **numbers, **watched, "position": place + 1}
    record("idp.routing_policy.added", actor=actor, target=policy, details=details)
    return policy


@audited("idp.routing_policy.edited")
def edit_policy(
    *,
    actor: Actor,
    policy: RoutingPolicy,
    given: PolicyInput,
    seen_revision: int | None = None,
    understood: bool = False,
    fingerprint: str | None = None,
) -> RoutingPolicy:
    """Change a policy; it keeps its provider and its place.

    Args:
        seen_revision: the revision that the form showed; None where the caller showed none.

    Raises:
        RoutingPolicyNotFound, RoutingChangedMeanwhile: it is not what it was.
        the same as `add_policy`.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    policy = _locked(policy)
    if seen_revision not in (None, policy.revision):
        raise RoutingChangedMeanwhile()
    rule = given.rule(policy.pk, policy.provider)
    fill(policy, given)
    numbers = _confirmed(policy.provider, stored_plan(), with_rule(rule), understood, fingerprint)
    policy.revision += 1
    _save(policy)
    for named in (RoutingGroup, RoutingDomain, RoutingException):
        named._default_manager.filter(policy=policy).delete()
    _name(policy, rule)
    end_sessions_against_policies()
    record("idp.routing_policy.edited", actor=actor, target=policy, details={**facts_of(policy, given), **numbers})
    return policy


@audited("idp.routing_policy.switched")
def switch_policy(
    *,
    actor: Actor,
    policy: RoutingPolicy,
    enabled: bool,
    understood: bool = False,
    fingerprint: str | None = None,
    guard: GuardTerms | None = None,
) -> RoutingPolicy:
    """Switch a policy on or off. Doing it twice changes nothing.

    Args:
        guard: how switching it on goes back by itself; see `add_policy`.

    Raises:
        GuardMinutesInvalid, GuardPercentInvalid: the guard would guard nothing.
        RoutingPolicyNotFound, ImpactNotConfirmed, ImpactChanged, NoLocalAdministrator: see `add_policy`.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    policy = _locked(policy)
    if policy.enabled == enabled:
        return policy
    numbers = _confirmed(policy.provider, stored_plan(), switched(policy, enabled), understood, fingerprint)
    policy.enabled, policy.revision = enabled, policy.revision + 1
    policy.save(update_fields=["enabled", "revision", "updated_at"])
    if enabled:
        numbers |= _guard(policy, guard)
    else:
        release(actor, policy)
    end_sessions_against_policies()
    record("idp.routing_policy.switched", actor=actor, target=policy, details={"enabled": enabled, **numbers})
    return policy


@audited("idp.routing_policy.moved")
def move_policy(
    *, actor: Actor, policy: RoutingPolicy, position: int, understood: bool = False, fingerprint: str | None = None
) -> RoutingPolicy:
    """Give a policy another place in the order, counted from 1.

    Raises:
        RoutingPolicyNotFound, RoutingOrderInvalid, ImpactNotConfirmed, ImpactChanged, NoLocalAdministrator.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    policy = _locked(policy)
    plan, before = stored_plan(), policy.position
    numbers = _confirmed(policy.provider, plan, moved(policy, position), understood, fingerprint)
    if before != position:
        order = [pk for pk in stored_order() if pk != policy.pk]
        order.insert(position - 1, policy.pk)
        put_in_order(order)
        end_sessions_against_policies()
        details = {"from": before, "to": position, **numbers}
        record("idp.routing_policy.moved", actor=actor, target=policy, details=details)
    policy.position = position
    return policy


@audited("idp.routing_policy.deleted")
def delete_policy(
    *, actor: Actor, policy: RoutingPolicy, understood: bool = False, fingerprint: str | None = None
) -> None:
    """Delete a policy; those after it move up.

    Raises:
        RoutingPolicyNotFound, ImpactNotConfirmed, ImpactChanged, NoLocalAdministrator: see `add_policy`.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    policy = _locked(policy)
    numbers = _confirmed(policy.provider, stored_plan(), without(policy), understood, fingerprint)
    record("idp.routing_policy.deleted", actor=actor, target=policy, details=numbers)
    release(actor, policy)
    policy.delete()
    put_in_order(stored_order())
    end_sessions_against_policies()


def _confirmed(
    provider: IdentityProvider, plan: Plan, change: Change, understood: bool, fingerprint: str | None
) -> dict[str, int]:
    """Return the numbers of a change, for the audit row; what moves nobody needs no confirmation."""
    impact = routing_impact(provider, plan, change(plan))
    if impact.moves_somebody:
        require_confirmed(impact, understood=understood, fingerprint=fingerprint)
        if impact.sends_somebody:
            require_local_administrator()
    return {key: count for key, count in impact.numbers().items() if count}


def _locked(policy: RoutingPolicy) -> RoutingPolicy:
    """Return the policy as stored now; nobody else changes one until the end of the transaction."""
    lock_routing()
    settle_locked()
    found = RoutingPolicy.objects.select_related("provider").filter(pk=policy.pk).first()
    if found is None:
        raise RoutingPolicyNotFound()
    return found


def _save(policy: RoutingPolicy, **options: bool) -> None:
    try:
        with transaction.atomic():
            policy.save(**options)  # type: ignore[arg-type]
    except IntegrityError as error:
        raise RoutingNameTaken(name=policy.name) from error


def _name(policy: RoutingPolicy, rule: Rule) -> None:
    """Store whom the policy takes and excepts. Who is deleted in the same moment cannot be named any more."""
    if not keep_rows(Group.objects.all(), rule.groups | rule.except_groups):
        raise GroupNotFound()
    if not keep_rows(User.objects.all(), rule.except_people):
        raise PersonNotFound(identifier="any more whom it excepts")
    groups = [RoutingGroup(policy=policy, group_id=pk) for pk in rule.groups]
    groups += [RoutingGroup(policy=policy, group_id=pk, is_exception=True) for pk in rule.except_groups]
    RoutingGroup.objects.bulk_create(groups)
    RoutingDomain.objects.bulk_create(RoutingDomain(policy=policy, domain=domain) for domain in rule.domains)
    RoutingException.objects.bulk_create(RoutingException(policy=policy, person_id=pk) for pk in rule.except_people)


def _guard(policy: RoutingPolicy, terms: GuardTerms | None) -> dict[str, int]:
    """Put a policy that was added or switched on under its guard, and return the terms for the audit row."""
    if terms is not None and policy.is_in_force:
        place_guard(policy.provider, terms, policy=policy, from_draft=False)
        return terms.facts()
    policy.guard = guard_for_new(policy.provider)
    policy.save(update_fields=["guard"])
    return {}
