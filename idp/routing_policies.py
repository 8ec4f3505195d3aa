"""What can be done with routing policies. Each change is tried out on a plan first: who would be sent where by it."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from idp.activation import end_sessions_against_policies
from idp.activation_scope import NEW
from idp.impact import ProviderImpact, require_confirmed, routing_impact
from idp.inputs import clean_email_domains
from idp.lockout_safety import require_local_administrator
from idp.models import IdentityProvider, RoutingDomain, RoutingException, RoutingGroup, RoutingPolicy
from idp.routing_errors import (
    RoutingAudienceMissing,
    RoutingChangedMeanwhile,
    RoutingDescriptionInvalid,
    RoutingGroupContradictory,
    RoutingNameInvalid,
    RoutingNameTaken,
    RoutingOrderInvalid,
    RoutingPolicyNotFound,
    RoutingTooMany,
)
from idp.routing_order import lock_routing, put_in_order, stored_order
from idp.routing_plan import Change, Plan, Rule, stored_plan
from users.audit import Actor, audited, record
from users.errors import NameInvalid, PersonNotFound
from users.group_errors import GroupNotFound
from users.models import Group, User
from users.names import clean_name
from users.permissions import Permission
from users.services import require

MOST_POLICIES = 200
MOST_NAMED = 100


@dataclass(frozen=True)
class PolicyInput:
    """What an administrator enters for a routing policy.

    Attributes:
        everyone: everybody who is not excepted; groups and domains are passed over then.
        groups, domains: whose members, and whose people, it takes.
        except_groups, except_people: whom it leaves to the policies after it.
    """

    name: str
    description: str = ""
    enabled: bool = True
    everyone: bool = False
    groups: Collection[Group] = ()
    domains: Sequence[str] = ()
    except_groups: Collection[Group] = ()
    except_people: Collection[User] = ()

    def rule(self, policy_id: uuid.UUID, provider: IdentityProvider) -> Rule:
        """Return it as a rule of a plan.

        Raises:
            EmailDomainInvalid, RoutingAudienceMissing, RoutingGroupContradictory, RoutingTooMany: bad input.
        """
        domains = clean_email_domains(list(self.domains))
        taken = {} if self.everyone else {group.pk: group for group in self.groups}
        excepted = {group.pk: group for group in self.except_groups}
        if not (self.everyone or taken or domains):
            raise RoutingAudienceMissing()
        for pk in taken.keys() & excepted.keys():
            raise RoutingGroupContradictory(group=taken[pk].name)
        for what, named in (
            ("groups", [*taken, *excepted]),
            ("email domains", domains),
            ("excepted people", self.except_people),
        ):
            if len(named) > MOST_NAMED:
                raise RoutingTooMany(most=MOST_NAMED, what=f"{what} in a routing policy")
        return Rule(
            policy_id,
            provider.pk,
            self.enabled,
            provider.is_active,
            self.everyone,
            frozenset(taken),
            frozenset() if self.everyone else frozenset(domains),
            frozenset(excepted),
            frozenset(person.pk for person in self.except_people),
        )


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


def impact_of_adding(provider: IdentityProvider, given: PolicyInput, position: int | None = None) -> ProviderImpact:
    """Return what a new policy would change; raises as `add_policy` does on bad input."""
    plan = stored_plan()
    return routing_impact(provider, plan, _with_new(given.rule(NEW, provider), _place(position, plan))(plan))


def impact_of_editing(policy: RoutingPolicy, given: PolicyInput) -> ProviderImpact:
    """Return what a changed policy would change; raises as `edit_policy` does on bad input."""
    plan = stored_plan()
    return routing_impact(policy.provider, plan, _with(given.rule(policy.pk, policy.provider))(plan))


def impact_of_switching(policy: RoutingPolicy, *, enabled: bool) -> ProviderImpact:
    """Return what switching a policy on or off would change."""
    plan = stored_plan()
    return routing_impact(policy.provider, plan, _switched(policy, enabled)(plan))


def impact_of_moving(policy: RoutingPolicy, position: int) -> ProviderImpact:
    """Return what another place in the order would change."""
    plan = stored_plan()
    return routing_impact(policy.provider, plan, _moved(policy, position)(plan))


def impact_of_deleting(policy: RoutingPolicy) -> ProviderImpact:
    """Return what the deletion of a policy would change."""
    plan = stored_plan()
    return routing_impact(policy.provider, plan, _without(policy)(plan))


@audited("idp.routing_policy.added")
def add_policy(
    *,
    actor: Actor,
    provider: IdentityProvider,
    given: PolicyInput,
    position: int | None = None,
    understood: bool = False,
    fingerprint: str | None = None,
) -> RoutingPolicy:
    """Add a policy at a place in the order, or at its end.

    Raises:
        RoutingNameInvalid, RoutingDescriptionInvalid, RoutingNameTaken, EmailDomainInvalid, RoutingAudienceMissing,
        RoutingGroupContradictory, RoutingTooMany, RoutingOrderInvalid: bad input.
        ImpactNotConfirmed, ImpactChanged: it would change how somebody signs in, and that was not confirmed.
        NoLocalAdministrator: it would send people away while nobody could come in and repair.
        GroupNotFound, PersonNotFound: a group or a person that it names was deleted meanwhile.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    plan = stored_plan()
    if len(plan) >= MOST_POLICIES:
        raise RoutingTooMany(most=MOST_POLICIES, what="routing policies")
    place = _place(position, plan)
    policy = RoutingPolicy(provider=provider, position=len(plan) + 1)
    _fill(policy, given)
    rule = given.rule(NEW, provider)
    numbers = _confirmed(provider, plan, _with_new(rule, place), understood, fingerprint)
    _save(policy, force_insert=True)
    _name(policy, rule)
    order = stored_order()
    order.insert(place, order.pop())
    put_in_order(order)
    end_sessions_against_policies()
    details = {**_facts(policy, given), **numbers, "position": place + 1}
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
    _fill(policy, given)
    numbers = _confirmed(policy.provider, stored_plan(), _with(rule), understood, fingerprint)
    policy.revision += 1
    _save(policy)
    for named in (RoutingGroup, RoutingDomain, RoutingException):
        named._default_manager.filter(policy=policy).delete()
    _name(policy, rule)
    end_sessions_against_policies()
    record("idp.routing_policy.edited", actor=actor, target=policy, details={**_facts(policy, given), **numbers})
    return policy


@audited("idp.routing_policy.switched")
def switch_policy(
    *, actor: Actor, policy: RoutingPolicy, enabled: bool, understood: bool = False, fingerprint: str | None = None
) -> RoutingPolicy:
    """Switch a policy on or off. Doing it twice changes nothing.

    Raises:
        RoutingPolicyNotFound, ImpactNotConfirmed, ImpactChanged, NoLocalAdministrator: see `add_policy`.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    policy = _locked(policy)
    if policy.enabled == enabled:
        return policy
    numbers = _confirmed(policy.provider, stored_plan(), _switched(policy, enabled), understood, fingerprint)
    policy.enabled, policy.revision = enabled, policy.revision + 1
    policy.save(update_fields=["enabled", "revision", "updated_at"])
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
    numbers = _confirmed(policy.provider, plan, _moved(policy, position), understood, fingerprint)
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
    numbers = _confirmed(policy.provider, stored_plan(), _without(policy), understood, fingerprint)
    record("idp.routing_policy.deleted", actor=actor, target=policy, details=numbers)
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
        require_local_administrator()
    return {key: count for key, count in impact.numbers().items() if count}


def _with_new(rule: Rule, place: int) -> Change:
    return lambda plan: (*plan[:place], rule, *plan[place:])


def _with(rule: Rule) -> Change:
    return lambda plan: tuple(rule if each.policy_id == rule.policy_id else each for each in plan)


def _switched(policy: RoutingPolicy, enabled: bool) -> Change:
    return lambda plan: tuple(replace(rule, enabled=enabled) if rule.policy_id == policy.pk else rule for rule in plan)


def _without(policy: RoutingPolicy) -> Change:
    return lambda plan: tuple(rule for rule in plan if rule.policy_id != policy.pk)


def _moved(policy: RoutingPolicy, position: int) -> Change:
    def change(plan: Plan) -> Plan:
        if not 1 <= position <= len(plan):
            raise RoutingOrderInvalid(position=position, count=len(plan))
        own = next(rule for rule in plan if rule.policy_id == policy.pk)
        return _with_new(own, position - 1)(_without(policy)(plan))

    return change


def _place(position: int | None, plan: Plan) -> int:
    """Return where a new policy goes, counted from 0."""
    if position is None:
        return len(plan)
    if not 1 <= position <= len(plan) + 1:
        raise RoutingOrderInvalid(position=position, count=len(plan) + 1)
    return position - 1


def _locked(policy: RoutingPolicy) -> RoutingPolicy:
    """Return the policy as stored now; nobody else changes one until the end of the transaction."""
    lock_routing()
    found = RoutingPolicy.objects.select_related("provider").filter(pk=policy.pk).first()
    if found is None:
        raise RoutingPolicyNotFound()
    return found


def _fill(policy: RoutingPolicy, given: PolicyInput) -> None:
    try:
        policy.name = clean_name(given.name, longest=100)
    except NameInvalid as error:
        raise RoutingNameInvalid() from error
    if not policy.name:
        raise RoutingNameInvalid()
    try:
        policy.description = clean_name(" ".join(given.description.split()), longest=500)
    except NameInvalid as error:
        raise RoutingDescriptionInvalid() from error
    policy.enabled, policy.everyone = given.enabled, given.everyone
    if policy.name_is_taken():
        raise RoutingNameTaken(name=policy.name)


def _save(policy: RoutingPolicy, **options: bool) -> None:
    try:
        with transaction.atomic():
            policy.save(**options)  # type: ignore[arg-type]
    except IntegrityError as error:
        raise RoutingNameTaken(name=policy.name) from error


def _name(policy: RoutingPolicy, rule: Rule) -> None:
    """Store whom the policy takes and excepts. Who is deleted in the same moment cannot be named any more."""
    if not _all_there(Group.objects.all(), rule.groups | rule.except_groups):
        raise GroupNotFound()
    if not _all_there(User.objects.all(), rule.except_people):
        raise PersonNotFound(identifier="any more whom it excepts")
    groups = [RoutingGroup(policy=policy, group_id=pk) for pk in rule.groups]
    groups += [RoutingGroup(policy=policy, group_id=pk, is_exception=True) for pk in rule.except_groups]
    RoutingGroup.objects.bulk_create(groups)
    RoutingDomain.objects.bulk_create(RoutingDomain(policy=policy, domain=domain) for domain in rule.domains)
    RoutingException.objects.bulk_create(RoutingException(policy=policy, person_id=pk) for pk in rule.except_people)


def _all_there(rows: "QuerySet[Any]", wanted: Collection[uuid.UUID]) -> bool:
    """Return whether all of these rows are still there, and keep them until the end of the transaction."""
    locked = rows.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
    return len(locked.values_list("pk", flat=True)) == len(wanted)


def _facts(policy: RoutingPolicy, given: PolicyInput) -> dict[str, object]:
    """Return what the policy says, for the audit row."""
    facts: dict[str, object] = {"provider": policy.provider.name, "enabled": policy.enabled}
    facts["everyone"] = given.everyone
    if not given.everyone:
        facts["groups"] = sorted(group.name for group in given.groups)
        facts["domains"] = clean_email_domains(list(given.domains))
    facts["except_groups"] = sorted(group.name for group in given.except_groups)
    facts["except_people"] = sorted(person.company_email for person in given.except_people)
    return {name: value for name, value in facts.items() if value not in ([], "")}
