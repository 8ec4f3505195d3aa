"""What an administrator enters for a routing policy, checked."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from idp.inputs import clean_email_domains
from idp.models import IdentityProvider, RoutingPolicy
from idp.routing_errors import (
    RoutingAudienceMissing,
    RoutingDescriptionInvalid,
    RoutingGroupContradictory,
    RoutingNameInvalid,
    RoutingNameTaken,
    RoutingTooMany,
)
from idp.routing_plan import Rule
from users.errors import NameInvalid
from users.models import Group, User
from users.names import clean_name

MOST_NAMED = 100


@dataclass(frozen=True)
class PolicyInput:
    """What an administrator enters for a routing policy.

    Attributes:
        everyone: everybody who is not excepted; groups and domains are passed over then.
        groups, domains: whose members, and whose people, it takes.
        except_groups, except_people: whom it leaves to the policies after it.
        password_while_down: whether those whom it takes may use a Gatehouse password while the provider is down.
    """

    name: str
    description: str = ""
    enabled: bool = True
    everyone: bool = False
    groups: Collection[Group] = ()
    domains: Sequence[str] = ()
    except_groups: Collection[Group] = ()
    except_people: Collection[User] = ()
    password_while_down: bool = False

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
            self.password_while_down and provider.down_now is not None,
        )


def fill(policy: RoutingPolicy, given: PolicyInput) -> None:
    """Put what was entered into a policy, but for whom it names.

    Raises:
        RoutingNameInvalid, RoutingDescriptionInvalid, RoutingNameTaken: bad input.
    """
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
    policy.password_while_down = given.password_while_down
    if policy.name_is_taken():
        raise RoutingNameTaken(name=policy.name)


def facts_of(policy: RoutingPolicy, given: PolicyInput) -> dict[str, object]:
    """Return what the policy says, for the audit row."""
    facts: dict[str, object] = {"provider": policy.provider.name, "enabled": policy.enabled}
    facts["everyone"] = given.everyone
    if not given.everyone:
        facts["groups"] = sorted(group.name for group in given.groups)
        facts["domains"] = clean_email_domains(list(given.domains))
    facts["password_while_down"] = given.password_while_down
    facts["except_groups"] = sorted(group.name for group in given.except_groups)
    facts["except_people"] = sorted(person.company_email for person in given.except_people)
    return {name: value for name, value in facts.items() if value not in ([], "")}
