"""Where people are sent: the decision of one statement, that of the plan for many, and a plain model, side by side."""

import importlib
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp import routing
from idp.models import (
    IdentityProvider,
    Kind,
    RoutingDomain,
    RoutingException,
    RoutingGroup,
    RoutingGuard,
    RoutingPolicy,
    Status,
)
from idp.routing_counts import people_per_policy
from idp.routing_plan import decided_people, sessions_against, stored_plan, touched
from tests.factories import make_administrator, make_person
from users.models import Group, GroupMembership, Realm, User, UserSession

pytestmark = pytest.mark.django_db

DOMAINS = ("contoso.example", "fabrikam.example", "sub.contoso.example")
GROUPS = ("pilot", "sales", "contractors")
PEOPLE = 6
PROVIDERS = 2


@dataclass(frozen=True)
class Policy:
    """A policy of the plain model."""

    provider: int
    enabled: bool
    everyone: bool
    groups: frozenset[str]
    domains: frozenset[str]
    except_groups: frozenset[str]
    except_people: frozenset[int]
    guard: str
    password_while_down: bool


@dataclass(frozen=True)
class World:
    """Everything that decides."""

    policies: tuple[Policy, ...]
    statuses: tuple[str, ...]
    healths: tuple[str, ...]
    domains: tuple[str, ...]
    memberships: tuple[frozenset[str], ...]
    roles: frozenset[int] = field(default_factory=frozenset)

    def expected(self, person: int) -> int | None:
        """Return the number of the provider that a person is sent to: the rules as an administrator would say them."""
        policy = self.deciding(person)
        return policy.provider if policy else None

    def may_use_password(self, person: int) -> bool:
        """Return whether a password that a person has opens the User Portal."""
        policy = self.deciding(person)
        return policy is None or (policy.password_while_down and self.healths[policy.provider] == "down")

    def deciding(self, person: int) -> Policy | None:
        """Return the policy that decides about a person."""
        if person in self.roles:
            return None
        for policy in self.policies:
            mine = self.memberships[person]
            fits = policy.everyone or mine & policy.groups or self.domains[person] in policy.domains
            excepted = person in policy.except_people or mine & policy.except_groups
            is_on = policy.enabled and policy.guard != "over"
            if is_on and self.statuses[policy.provider] == "active" and fits and not excepted:
                return policy
        return None


def policies() -> st.SearchStrategy[Policy]:
    def apart(policy: Policy) -> Policy:
        named = {**policy.__dict__, "except_groups": policy.except_groups - policy.groups}
        return Policy(**named)

    some_groups = st.frozensets(st.sampled_from(GROUPS))
    return st.builds(
        Policy,
        provider=st.integers(0, PROVIDERS - 1),
        enabled=st.booleans(),
        everyone=st.booleans(),
        groups=some_groups,
        domains=st.frozensets(st.sampled_from(DOMAINS)),
        except_groups=some_groups,
        except_people=st.frozensets(st.integers(0, PEOPLE - 1), max_size=2),
        guard=st.sampled_from(["", "", "holds", "over"]),
        password_while_down=st.booleans(),
    ).map(apart)


# What is known of a provider, and how long before now: since when it is down, and when it was asked last.
HEALTHS: dict[str, tuple[int | None, int | None]] = {
    "never asked": (None, None),
    "up": (None, 5),
    "down": (60, 29),
    "down when last asked, long ago": (60, 31),
}
WORLDS = st.builds(
    World,
    policies=st.lists(policies(), max_size=6).map(tuple),
    statuses=st.tuples(*[st.sampled_from(Status.values)] * PROVIDERS),
    healths=st.tuples(*[st.sampled_from([*HEALTHS, "down"])] * PROVIDERS),
    domains=st.tuples(*[st.sampled_from(DOMAINS)] * PEOPLE),
    memberships=st.tuples(*[st.frozensets(st.sampled_from(GROUPS))] * PEOPLE),
    roles=st.frozensets(st.integers(0, PEOPLE - 1), max_size=2),
)


def make_provider_row(number: int, status: str = "active") -> IdentityProvider:
    """Return a stored provider that nobody asks anything."""
    issuer = f"https://{number}.example"
    endpoints = {name: f"{issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    return IdentityProvider.objects.create(
        kind=Kind.OIDC,
        slug=f"oidc-{number}",
        name=f"Provider {number}",
        issuer=issuer,
        metadata={"issuer": issuer, **endpoints},
        status=status,
    )


def set_health(provider: IdentityProvider, health: str) -> None:
    """Store what is known of a provider. Nothing that is kept of its row notices."""
    since, asked = (minutes and timezone.now() - timedelta(minutes=minutes) for minutes in HEALTHS[health])
    IdentityProvider.objects.filter(pk=provider.pk).update(down_since=since, health_checked_at=asked)


def make_policy(
    provider: IdentityProvider,
    *,
    position: int = 1,
    everyone: bool = False,
    enabled: bool = True,
    groups: tuple[Group, ...] = (),
    domains: tuple[str, ...] = (),
    except_groups: tuple[Group, ...] = (),
    except_people: tuple[User, ...] = (),
    password_while_down: bool = False,
) -> RoutingPolicy:
    """Return a stored policy."""
    policy = RoutingPolicy.objects.create(
        name=f"Policy {position}",
        provider=provider,
        position=position,
        everyone=everyone,
        enabled=enabled,
        password_while_down=password_while_down,
    )
    for group in groups:
        RoutingGroup.objects.create(policy=policy, group=group)
    for group in except_groups:
        RoutingGroup.objects.create(policy=policy, group=group, is_exception=True)
    for domain in domains:
        RoutingDomain.objects.create(policy=policy, domain=domain)
    for person in except_people:
        RoutingException.objects.create(policy=policy, person=person)
    return policy


def watch(policy: RoutingPolicy, left: timedelta) -> None:
    """Put a policy under a guard that has so much time left."""
    until = timezone.now() + left
    started = until - timedelta(hours=1)
    terms = {"started_at": started, "until": until, "failure_percent": 50}
    policy.guard = RoutingGuard.objects.create(provider=policy.provider, policy=policy, **terms)
    policy.save()


def build(world: World) -> tuple[list[User], list[IdentityProvider]]:
    """Store a world."""
    providers = [make_provider_row(number, status) for number, status in enumerate(world.statuses)]
    for provider, health in zip(providers, world.healths, strict=True):
        set_health(provider, health)
    groups = {name: Group.objects.create(name=name) for name in GROUPS}
    people = []
    for number, domain in enumerate(world.domains):
        role = "help_desk" if number in world.roles else None
        email = f"p{number}@{domain}"
        person = User.objects.create(user_name=f"p{number}", company_email=email, state="active", admin_role=role)
        for name in world.memberships[number]:
            GroupMembership.objects.create(group=groups[name], person=person)
        people.append(person)
    for position, policy in enumerate(world.policies, start=1):
        stored = make_policy(
            providers[policy.provider],
            position=position,
            everyone=policy.everyone,
            enabled=policy.enabled,
            groups=tuple(groups[name] for name in policy.groups),
            domains=tuple(policy.domains),
            except_groups=tuple(groups[name] for name in policy.except_groups),
            except_people=tuple(people[number] for number in policy.except_people),
            password_while_down=policy.password_while_down,
        )
        if policy.guard:
            watch(stored, timedelta(minutes=1 if policy.guard == "holds" else -1))
    return people, providers


def sessions_that_stay(people: list[User]) -> set[uuid.UUID]:
    """Open a local session for everybody, and return whose a sweep of the policies leaves."""
    for number, person in enumerate(people):
        key, ends = f"local-{number}", timezone.now() + timedelta(hours=1)
        UserSession.objects.create(session_key=key, expire_date=ends, person=person, realm=Realm.USER)
    against = sessions_against(stored_plan()).values_list("person_id", flat=True)
    return {person.pk for person in people} - set(against)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=WORLDS)
def test_every_decision_is_that_of_the_plain_model(world: World) -> None:
    with transaction.atomic():
        people, providers = build(world)
        numbers: dict[uuid.UUID | None, int | None] = {row.pk: number for number, row in enumerate(providers)}
        numbers[None] = None
        expected = [world.expected(number) for number in range(PEOPLE)]
        one_by_one = [routing.provider_of(person) for person in people]
        assert [numbers[provider.pk if provider else None] for provider in one_by_one] == expected
        many = dict(decided_people(there=stored_plan()).values_list("pk", "there"))
        assert {person.pk: expected[number] for number, person in enumerate(people) if number not in world.roles} == {
            pk: numbers[provider] for pk, provider in many.items()
        }
        routes = [routing.route_of(person) for person in people]
        assert [route is None or route.passwords_open for route in routes] == [
            world.may_use_password(number) for number in range(PEOPLE)
        ]
        keep = [number for number in range(PEOPLE) if number in world.roles or world.may_use_password(number)]
        assert sessions_that_stay(people) == {people[number].pk for number in keep}
        counts = people_per_policy()
        without_role = [number for number in range(PEOPLE) if number not in world.roles]
        assert counts.local == sum(expected[number] is None for number in without_role)
        assert sum(counts.by_policy.values()) == len(without_role) - counts.local
        transaction.set_rollback(True)


def test_a_decision_takes_two_statements_for_an_email_and_one_for_a_person() -> None:
    group = Group.objects.create(name="Pilot")
    person = make_person("ada@contoso.example")
    GroupMembership.objects.create(group=group, person=person)
    provider = make_provider_row(1)
    make_policy(provider, groups=(group,))
    assert routing.provider_of(person) == provider
    for ask, most in (
        (lambda: routing.provider_of(person), 1),
        (lambda: routing.provider_for_email("ada@contoso.example"), 2),
        (lambda: routing.provider_for_email("nobody@contoso.example"), 2),
    ):
        with CaptureQueriesContext(connection) as captured:
            ask()
        assert len(captured) == most


def test_a_decision_is_never_remembered() -> None:
    person, provider = make_person("ada@contoso.example"), make_provider_row(1)
    policy = make_policy(provider, everyone=True)
    assert routing.provider_of(person) == provider
    RoutingPolicy.objects.filter(pk=policy.pk).update(enabled=False)
    assert routing.provider_of(person) is None
    RoutingPolicy.objects.filter(pk=policy.pk).update(enabled=True)
    RoutingException.objects.create(policy=policy, person=person)
    assert routing.provider_of(person) is None


def test_an_administrator_is_sent_nowhere_and_her_email_where_a_colleagues_goes() -> None:
    administrator, provider = make_administrator(email="boss@contoso.example"), make_provider_row(1)
    make_policy(provider, everyone=True)
    assert routing.provider_of(administrator) is None
    assert routing.provider_for_email("boss@contoso.example") == provider


def test_an_unknown_email_goes_where_colleagues_of_its_domain_go() -> None:
    """Half of a company is in the pilot: of emails of nobody, about half are sent to the provider, each always so."""
    group, provider = Group.objects.create(name="Pilot"), make_provider_row(1)
    make_policy(provider, groups=(group,))
    for number in range(40):
        person = make_person(f"person-{number}@contoso.example")
        if number % 2:
            GroupMembership.objects.create(group=group, person=person)
    unknown = [f"stranger-{number}@contoso.example" for number in range(120)]
    sent = [routing.provider_for_email(email) is not None for email in unknown]
    assert 20 < sum(sent) < 100
    assert [routing.provider_for_email(email) is not None for email in unknown] == sent
    assert [routing.provider_for_email(email.upper()) is not None for email in unknown] == sent


def test_an_email_of_a_domain_without_people_goes_where_its_domain_says() -> None:
    group, provider = Group.objects.create(name="Pilot"), make_provider_row(1)
    make_policy(provider, groups=(group,), domains=("fabrikam.example",))
    GroupMembership.objects.create(group=group, person=make_person("ada@contoso.example"))
    assert routing.provider_for_email("who@fabrikam.example") == provider
    assert routing.provider_for_email("who@northwind.example") is None
    assert routing.provider_for_email("who@evil-fabrikam.example") is None


def test_providers_on_offer_are_those_that_somebody_is_sent_to() -> None:
    make_policy(make_provider_row(1), everyone=True, position=1)
    make_policy(make_provider_row(2), everyone=True, position=2, enabled=False)
    make_policy(make_provider_row(3, "archived"), everyone=True, position=3)
    make_provider_row(4)
    assert [provider.slug for provider in routing.offered_providers()] == ["oidc-1"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=WORLDS, data=st.data())
def test_a_change_moves_nobody_whom_it_does_not_touch(world: World, data: st.DataObject) -> None:
    with transaction.atomic():
        build(world)
        before = stored_plan()
        after = list(before)
        if before:
            taken = after.pop(data.draw(st.integers(0, len(before) - 1)))
            rule = data.draw(st.sampled_from([taken, replace(taken, enabled=not taken.enabled), None]))
            if rule is not None:
                after.insert(data.draw(st.integers(0, len(after))), rule)
        people = decided_people(before=before, after=tuple(after))
        ways = people.exclude(touched(before, tuple(after))).values_list("before", "after")
        assert all(then == now for then, now in ways)
        transaction.set_rollback(True)


def test_the_provider_that_was_active_gets_its_policy_for_everyone() -> None:
    """An installation that sent everybody to one provider goes on doing that after the update."""
    migration = importlib.import_module("idp.migrations.0005_everyone_to_the_active_provider")
    person, provider = make_person(), make_provider_row(1)
    make_provider_row(2, "draft")
    migration.add_policy(apps, None)
    assert RoutingPolicy.objects.get().name == "Everyone to Provider 1"
    assert RoutingPolicy.objects.get().name_is_taken() is False
    assert RoutingPolicy(name="everyone TO provider 1").name_is_taken()
    assert routing.provider_of(person) == provider
