"""The routing policies as they are, or as they would be after a change: what becomes of many people at once.

A plan is data. A change is tried out on it before anything is stored, and one query then compares both for everybody.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import BooleanField, Case, F, Q, QuerySet, UUIDField, Value, When

from idp.models import IdentityProvider, RoutingDomain, RoutingException, RoutingGroup, RoutingPolicy
from users.email_domain import EmailDomain
from users.models import GroupMembership, Realm, User, UserSession


@dataclass(frozen=True)
class Rule:
    """One policy of a plan.

    Attributes:
        enabled: whether it is on, and no guard over it has run out.
        is_live: whether its provider is active.
        opens_passwords: whether whom it takes may use a Gatehouse password now, because the provider is down.
    """

    policy_id: uuid.UUID
    provider_id: uuid.UUID
    enabled: bool = True
    is_live: bool = True
    everyone: bool = False
    groups: frozenset[uuid.UUID] = frozenset()
    domains: frozenset[str] = frozenset()
    except_groups: frozenset[uuid.UUID] = frozenset()
    except_people: frozenset[uuid.UUID] = frozenset()
    opens_passwords: bool = False

    @property
    def in_force(self) -> bool:
        """Whether it can take anybody."""
        return self.enabled and self.is_live

    @property
    def leaves_out(self) -> bool:
        """Whether it takes some people only, or all but some."""
        return bool(self.except_groups or self.except_people) or not self.everyone

    def condition(self, person: str = "pk") -> Q:
        """Return the condition that it fits a person; the query has `email_domain`.

        Args:
            person: the field that holds the person's id.
        """
        takes = Q(**{f"{person}__isnull": False}) if self.everyone else Q(**{f"{person}__in": []})
        if self.groups:
            takes |= Q(**{f"{person}__in": members_of(self.groups)})
        if self.domains:
            takes |= Q(email_domain__in=sorted(self.domains))
        return takes & ~self.exception(person) if self.except_groups or self.except_people else takes

    def exception(self, person: str = "pk") -> Q:
        """Return the condition that it excepts a person."""
        excepts = Q(**{f"{person}__in": []})
        if self.except_groups:
            excepts |= Q(**{f"{person}__in": members_of(self.except_groups)})
        if self.except_people:
            excepts |= Q(**{f"{person}__in": sorted(self.except_people)})
        return excepts


Plan = tuple[Rule, ...]
Change = Callable[[Plan], Plan]


def reached(plan: Plan) -> Plan:
    """Return the rules that can decide: those in force, up to the first that takes everybody without exception."""
    rules = tuple(rule for rule in plan if rule.in_force)
    last = next((place for place, rule in enumerate(rules) if not rule.leaves_out), len(rules))
    return rules[: last + 1]


def touched(before: Plan, after: Plan) -> Q:
    """Return the condition that a change between two plans may concern a person: a rule that fits her is another one.

    The query has `email_domain`. It spares the database the question where each of a million people goes for the sake
    of a policy that names fifty.
    """
    if set(before) != set(after):
        rules: Iterable[Rule] = set(before) ^ set(after)
    else:
        # The order alone: the rule without which both are the same was moved, and whom it does not fit goes as before.
        moved = [rule for rule in before if _without(before, rule) == _without(after, rule)]
        rules = moved[:1] or before
    condition = Q(pk__in=[])
    for rule in rules:
        condition |= rule.condition()
    return condition


def _without(plan: Plan, rule: Rule) -> Plan:
    return tuple(each for each in plan if each != rule)


def stored_plan() -> Plan:
    """Return the policies in their order, as they are stored: four queries, however many there are."""
    groups, exceptions = _collect(RoutingGroup.objects.values_list("policy_id", "is_exception", "group_id"))
    domains: dict[uuid.UUID, set[str]] = {}
    for policy, domain in RoutingDomain.objects.values_list("policy_id", "domain"):
        domains.setdefault(policy, set()).add(domain)
    people: dict[uuid.UUID, set[uuid.UUID]] = {}
    for policy, person in RoutingException.objects.values_list("policy_id", "person_id"):
        people.setdefault(policy, set()).add(person)
    return tuple(
        Rule(
            policy.pk,
            policy.provider_id,
            policy.is_enabled_now,
            policy.provider.is_active,
            policy.everyone,
            frozenset(groups.get(policy.pk, ())),
            frozenset(domains.get(policy.pk, ())),
            frozenset(exceptions.get(policy.pk, ())),
            frozenset(people.get(policy.pk, ())),
            policy.opens_passwords,
        )
        for policy in RoutingPolicy.objects.select_related("provider", "guard").order_by("position")
    )


def fingerprint_of(plan: Plan) -> str:
    """Return a text that is another one for every other plan: what a confirmation refers to."""
    facts = [
        [str(rule.policy_id), str(rule.provider_id), rule.in_force, rule.everyone, sorted(rule.domains)]
        + [sorted(map(str, ids)) for ids in (rule.groups, rule.except_groups, rule.except_people)]
        for rule in plan
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def with_provider(plan: Plan, provider: IdentityProvider, *, is_live: bool) -> Plan:
    """Return the plan as it is once a provider is, or is not, active."""
    return tuple(replace(rule, is_live=is_live) if rule.provider_id == provider.pk else rule for rule in plan)


def without_provider(plan: Plan, provider: IdentityProvider) -> Plan:
    """Return the plan without a provider's policies."""
    return tuple(rule for rule in plan if rule.provider_id != provider.pk)


def decided_people(**plans: Plan) -> Any:
    """Return the people without a role, each with the id of the provider that she is sent to under each plan, or None.

    Args:
        plans: the name of the annotation, and the plan.
    """
    return with_ways(User.objects.without_role(), **plans)


def with_ways(people: Any, **plans: Plan) -> Any:
    """Return a query of people as `decided_people` does of all: no plan knows who is an administrator."""
    people = people.alias(email_domain=EmailDomain("company_email"))
    return people.annotate(**{name: _provider_case(plan, "pk") for name, plan in plans.items()})


def sessions_against(plan: Plan) -> "QuerySet[UserSession]":
    """Return the sessions in the User Portal that were opened in another way than their person signs in under a plan.

    Administrators are left out: no plan is about them. Local sessions of people whose password counts in the place of a
    provider that is down stay: each of their pages asks whether it still does.
    """
    sessions = UserSession.objects.filter(realm=Realm.USER, person__admin_role__isnull=True)
    sessions = sessions.alias(email_domain=EmailDomain("person__company_email"))
    wanted = sessions.alias(wanted=_provider_case(plan, "person_id"))
    local = Q(provider_id__isnull=True, wanted__isnull=False)
    if any(rule.opens_passwords for rule in reached(plan)):
        wanted = wanted.alias(password_counts=_password_case(plan, "person_id"))
        local &= Q(password_counts=False)
    no_more = Q(provider_id__isnull=False, wanted__isnull=True)
    elsewhere = Q(provider_id__isnull=False, wanted__isnull=False) & ~Q(provider_id=F("wanted"))
    return wanted.filter(local | no_more | elsewhere)


def _provider_case(plan: Plan, person: str) -> Any:
    whens = [When(rule.condition(person), then=Value(rule.provider_id)) for rule in reached(plan)]
    if not whens:
        return Value(None, UUIDField(null=True))
    return Case(*whens, default=None, output_field=UUIDField(null=True))


def _password_case(plan: Plan, person: str) -> Any:
    whens = [When(rule.condition(person), then=Value(rule.opens_passwords)) for rule in reached(plan)]
    return Case(*whens, default=Value(False), output_field=BooleanField())


def members_of(groups: Iterable[uuid.UUID]) -> "QuerySet[GroupMembership, Any]":
    """Return the ids of the members of some groups, as a query within another."""
    return GroupMembership.objects.filter(group__in=sorted(groups)).values("person_id")


def _collect(
    rows: Iterable[tuple[uuid.UUID, bool, uuid.UUID]],
) -> tuple[dict[uuid.UUID, set[uuid.UUID]], dict[uuid.UUID, set[uuid.UUID]]]:
    """Return the groups that each policy takes, and those that it excepts."""
    taken: dict[uuid.UUID, set[uuid.UUID]] = {}
    excepted: dict[uuid.UUID, set[uuid.UUID]] = {}
    for policy, is_exception, group in rows:
        (excepted if is_exception else taken).setdefault(policy, set()).add(group)
    return taken, excepted
