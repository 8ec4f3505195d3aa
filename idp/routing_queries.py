"""What the pages and commands say about routing policies: whom each names, whom each takes, and who goes where."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from idp.models import IdentityProvider, RoutingGroup, RoutingPolicy
from idp.outages import in_words
from idp.routing import Route, route_of, stranger_route
from idp.routing_plan import reached, stored_plan
from users.email_domain import domain_of
from users.models import Group, User


@dataclass
class Audience:
    """Whom a policy names, with the names."""

    everyone: bool = False
    groups: list[Group] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    except_groups: list[Group] = field(default_factory=list)
    except_people: list[User] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """Where somebody with a company email signs in, and why.

    Attributes:
        person: whose it is, or None of a stranger.
        policy: the one that decided, or None where none fits.
        passed: the policies in force before it, which do not fit.
    """

    email: str
    person: User | None
    provider: IdentityProvider | None
    policy: RoutingPolicy | None
    sentence: str
    passed: tuple[RoutingPolicy, ...] = ()


def policies(*, after: int = 0, limit: int | None = None) -> Sequence[RoutingPolicy]:
    """Return the policies in their order, with all that `audience_of` needs: five queries, however many there are.

    Args:
        after: only those after this place; a page begins there.
        limit: so many at most.
    """
    named = ("named_groups__group", "named_domains", "named_people__person")
    rows = RoutingPolicy.objects.filter(position__gt=after).select_related("provider", "guard").prefetch_related(*named)
    return list(rows[:limit])


def policies_of(provider: IdentityProvider) -> Sequence[RoutingPolicy]:
    """Return a provider's policies in their order, as `policies` does."""
    return [policy for policy in policies() if policy.provider_id == provider.pk]


def password_policies(provider: IdentityProvider) -> list[RoutingPolicy]:
    """Return in their order the policies in force that let people use passwords while this provider is down."""
    return list(RoutingPolicy.objects.in_force().filter(provider=provider, password_while_down=True))


def audience_of(policy: RoutingPolicy) -> Audience:
    """Return whom a policy names."""
    groups: list[RoutingGroup] = sorted(policy.named_groups.all(), key=lambda named: named.group.name_key)
    return Audience(
        policy.everyone,
        [named.group for named in groups if not named.is_exception],
        sorted(named.domain for named in policy.named_domains.all()),
        [named.group for named in groups if named.is_exception],
        sorted((named.person for named in policy.named_people.all()), key=lambda person: person.company_email),
    )


def takes_everybody(provider: IdentityProvider) -> bool:
    """Return whether everybody but the administrators is sent to this provider, by one policy or by several."""
    rules = reached(stored_plan())
    all_here = all(rule.provider_id == provider.pk for rule in rules)
    return all_here and bool(rules) and not rules[-1].leaves_out


def explain(email: str) -> Answer:
    """Say where a person with this company email signs in, and which policy decides.

    The sign-in page tells nobody who exists: it answers an administrator's email as a colleague's, and that of nobody
    as one of its domain's people (`users.stand_ins`). Here an administrator asks, and reads what is so.
    """
    email = email.strip().lower()[:254]
    person = User.objects.filter(company_email=email).first() if "\x00" not in email else None
    if person is not None and person.admin_role is not None:
        return Answer(email, person, None, None, _OF_ADMINISTRATORS)
    route = route_of(person) if person else stranger_route(domain_of(email))
    in_force = list(RoutingPolicy.objects.in_force().select_related("provider"))
    who = _about(person)
    if route is None:
        why = "No routing policy takes them." if in_force else "No routing policy is in force."
        return Answer(email, person, None, None, f"{why} They sign in with a Gatehouse password.{who}", tuple(in_force))
    policy = next(policy for policy in in_force if policy.pk == route.policy_id)
    sentence = f"{policy.name} is the first routing policy that takes them.{_outage(route)}{who}"
    passed = tuple(each for each in in_force if each.position < policy.position)
    return Answer(email, person, route.provider, policy, sentence, passed)


def _outage(route: Route) -> str:
    """Return what is different for them now, because the provider is down."""
    if route.down_since is None:
        return ""
    words = f" {route.provider.name} has been down since {in_words(route.down_since)}"
    return f"{words}, so they may use a Gatehouse password now." if route.passwords_open else f"{words}."


_OF_ADMINISTRATORS = (
    "Administrators are never sent to an identity provider. The sign-in page answers this email as a colleague's, so "
    "that it tells nobody who is one."
)


def _about(person: User | None) -> str:
    """Return what else is to be said of whoever was asked about."""
    if person is None:
        return " Nobody here has this company email; this is said of a person with it who is in no group."
    if not person.is_active:
        return f" But they are {person.effective_state}, and stay out."
    return ""
