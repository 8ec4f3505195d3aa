"""What pages and commands say about access policies: whom each names, when it fits, what a sign-in would meet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address

from django.db.models import prefetch_related_objects

from idp.access import Action, Circumstances, Missed, decide
from idp.access_errors import AccessAddressInvalid, AccessGroupUnknown, AccessPersonUnknown
from idp.access_rules import Rules, groups_of
from idp.models import AccessAction, AccessPolicy, IdentityProvider, TokenFactor
from users.factors import has_second_factor
from users.models import Group, User
from users.name_key import case_key

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LOCAL = "a Gatehouse password"


@dataclass
class AccessAudience:
    """Whom a policy names."""

    everyone: bool = False
    groups: list[Group] = field(default_factory=list)
    people: list[User] = field(default_factory=list)
    except_groups: list[Group] = field(default_factory=list)
    except_people: list[User] = field(default_factory=list)


@dataclass(frozen=True)
class Passed:
    """A policy before the one that decides, and why it does not fit."""

    name: str
    reason: str


@dataclass(frozen=True)
class TriedSignIn:
    """What a sign-in would meet.

    Attributes:
        policy: the name of the policy that decides; None: the default.
        sentence: what follows for the person.
    """

    person: User
    action: Action
    policy: str | None
    sentence: str
    passed: tuple[Passed, ...] = ()

    @property
    def words(self) -> str:
        """The action, in words."""
        return AccessAction(self.action.value).label


def policies(*, after: int = 0, limit: int | None = None) -> Sequence[AccessPolicy]:
    """Return the policies in their order, with all that is said of them: four queries, however many there are.

    Args:
        after: only those after this place; a page begins there.
        limit: so many at most.
    """
    listed = AccessPolicy.objects.filter(position__gt=after).order_by("position")
    return list(listed.prefetch_related(*_NAMED)[:limit])


def with_names(policy: AccessPolicy) -> AccessPolicy:
    """Return a policy with all that is said of it, from three queries."""
    prefetch_related_objects([policy], *_NAMED)
    return policy


def audience_of(policy: AccessPolicy) -> AccessAudience:
    """Return whom a policy names."""
    groups = sorted(policy.named_groups.all(), key=lambda named: named.group.name_key)
    people = sorted(policy.named_people.all(), key=lambda named: named.person.company_email)
    return AccessAudience(
        policy.everyone,
        [named.group for named in groups if not named.is_exception],
        [named.person for named in people if not named.is_exception],
        [named.group for named in groups if named.is_exception],
        [named.person for named in people if named.is_exception],
    )


def providers_of(policy: AccessPolicy) -> list[IdentityProvider]:
    """Return the providers that a policy asks for, by name."""
    return sorted((named.provider for named in policy.named_providers.all()), key=lambda provider: provider.name)


def conditions_of(policy: AccessPolicy) -> list[str]:
    """Return a policy's conditions, each as a sentence without its full stop; none where it always fits."""
    said = []
    if policy.network_side:
        said.append(f"The client is {policy.network_side} {', '.join(policy.networks)}")
    ways = [provider.name for provider in providers_of(policy)] + [LOCAL] * policy.local_sign_in
    if ways:
        said.append(f"Signed in with {' or '.join(ways)}")
    if policy.token_second_factor:
        says = "says" if policy.token_second_factor == TokenFactor.PRESENT else "does not say"
        said.append(f"The provider's token {says} that a second factor was used")
    if policy.time_from and policy.time_to:
        side = "" if policy.time_side == "inside" else "Not "
        hours = f"{policy.time_from:%H:%M} to {policy.time_to:%H:%M}"
        hours = "all day" if policy.time_from == policy.time_to else hours
        said.append(f"{side}{_days(policy.weekdays)}, {hours}, {policy.time_zone}")
    return said


def try_sign_in(
    rules: Rules,
    person: User,
    *,
    client_ip: str,
    provider: IdentityProvider | None,
    token_second_factor: bool,
    at: datetime,
) -> TriedSignIn:
    """Say which policy decides about a sign-in, and what it does. Changes nothing.

    Args:
        rules: those in force, or those that there would be.
        client_ip: "" where it is not known.
        provider: None for a Gatehouse password.

    Raises:
        AccessAddressInvalid: the address is none.
    """
    if client_ip:
        try:
            ip_address(client_ip)
        except ValueError as error:
            raise AccessAddressInvalid(address=client_ip[:80]) from error
    provider_id = provider.pk if provider else None
    who = Circumstances(person.pk, groups_of(person), client_ip or None, provider_id, token_second_factor, at)
    decision = decide(rules.listed, who, rules.default)
    passed = []
    for rule in rules.in_force:
        if rule is decision.rule:
            break
        passed.append(Passed(rule.name, _REASONS[rule.missed(who) or Missed.PERSON]))
    policy = decision.rule.name if decision.rule else None
    return TriedSignIn(person, decision.action, policy, _sentence(person, decision.action), tuple(passed))


def people_named(emails: Iterable[str], *, field: str) -> list[User]:
    """Return the people with these company emails; raises AccessPersonUnknown.

    Args:
        field: of the form, for the refusal.
    """
    wanted = [email.lower() for email in emails]
    found = {person.company_email: person for person in User.objects.filter(company_email__in=wanted)}
    for email in wanted:
        if email not in found:
            raise AccessPersonUnknown(field=field, email=email[:254])
    return list(found.values())


def groups_named(names: Iterable[str], *, field: str) -> list[Group]:
    """Return the groups with these names, in any case; raises AccessGroupUnknown.

    Args:
        field: of the form, for the refusal.
    """
    keys: Mapping[str, str] = {case_key(name): name for name in names}
    found = {group.name_key: group for group in Group.objects.filter(name_key__in=list(keys))}
    for key, name in keys.items():
        if key not in found:
            raise AccessGroupUnknown(field=field, group=name[:100])
    return list(found.values())


def _days(weekdays: str) -> str:
    """Return days in words: "Mon to Fri", "Every day", or one by one."""
    numbers = [int(day) for day in weekdays]
    if len(numbers) == len(DAYS):
        return "Every day"
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{DAYS[numbers[0]]} to {DAYS[numbers[-1]]}"
    return ", ".join(DAYS[number] for number in numbers)


def _sentence(person: User, action: Action) -> str:
    if action == Action.ALLOW:
        return "The User Portal opens."
    if action == Action.DENY:
        return "The User Portal does not open, and says that an access policy is the reason."
    if has_second_factor(person):
        return "Gatehouse asks for the person's second factor, and then the User Portal opens."
    return "This person has no second factor at Gatehouse, and must set one up before anything else opens."


_NAMED = ("named_groups__group", "named_people__person", "named_providers__provider")
_REASONS = {
    Missed.PERSON: "is not about this person",
    Missed.NETWORK: "asks for another network",
    Missed.SIGN_IN: "asks for another way to sign in",
    Missed.TOKEN: "asks for another word of the token on a second factor",
    Missed.TIME: "has other hours",
}
