"""Who is sent where: the one decision behind every sign-in and every page of the User Portal.

Asked anew each time, of the database, in one statement: nothing that was decided before is believed. It is found from
the person's side (her groups, her domain), so that its cost does not grow with the number of policies or people.
"""

import contextlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils import timezone

from idp.models import IdentityProvider, RoutingGuard, RoutingPolicy
from idp.outages import down_now
from users.email_domain import domain_of, domain_sql
from users.models import Group, User
from users.plain_sql import as_moment, as_uuid, stored
from users.stand_ins import person_or_stand_in

# The id of no person: ids are random.
_NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True)
class Route:
    """A provider, and the policy that sends somebody there.

    Attributes:
        down_since: since when health checks say that the provider is down, or None where they do not say so now.
        passwords_open: whether it is down, and the policy lets those whom it takes use their Gatehouse passwords then.
    """

    provider: IdentityProvider
    policy_id: uuid.UUID
    down_since: datetime | None = None
    passwords_open: bool = False


@dataclass(frozen=True)
class Offer:
    """A provider that somebody is sent to, as a sign-in page offers it to everybody.

    Attributes:
        down_since: as in `Route`.
        passwords_open: whether it is so for somebody.
    """

    provider: IdentityProvider
    down_since: datetime | None
    passwords_open: bool


def provider_of(person: User) -> IdentityProvider | None:
    """Return the provider with which this person signs in, for reading, or None where Gatehouse keeps the password.

    Administrators are never federated: they must be able to come in and repair.
    """
    route = route_of(person)
    return route.provider if route else None


def route_of(person: User) -> Route | None:
    """Return where this person is sent and by which policy, or None for who signs in locally."""
    if person.admin_role is not None:
        return None
    return _decide(domain_of(person.company_email), person.pk)


def provider_for_email(email: str) -> IdentityProvider | None:
    """Return where the sign-in page sends whoever types this email, or None for the password step."""
    route = route_for_email(email)
    return route.provider if route else None


def route_for_email(email: str) -> Route | None:
    """Return the same with what else decides on the answer.

    A stranger is answered as a colleague is, and an administrator as if she had no role: see `users.stand_ins`.
    """
    return _decide(domain_of(email), person_or_stand_in(email))


def stranger_route(domain: str, groups: Collection[uuid.UUID] = ()) -> Route | None:
    """Return where somebody of an email domain would be sent who is in these groups only, or in none."""
    if not groups:
        return _decide(domain, _NOBODY)
    keys = [stored(Group, "id", group) for group in groups]
    named = f"{_NAMED} named.group_id IN ({', '.join(['%s'] * len(keys))})"
    statement = decision_sql(_DECIDED, domain="%s", person="%s", of_groups=named)
    return _first(statement, [domain, *keys, *keys, stored(User, "id", _NOBODY), guard_clock()])


def offered_providers() -> list[IdentityProvider]:
    """Return the providers that somebody is sent to, by name."""
    return [offer.provider for offer in offers()]


def offers() -> list[Offer]:
    """Return what a sign-in page offers to everybody: the providers that somebody is sent to, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_OFFERED, [guard_clock(), guard_clock()])
        rows = cursor.fetchall()
    found = []
    for allowed, down, checked, *key in rows:
        provider, down_since = _provider(key), _down_since(down, checked)
        if provider is not None:
            found.append(Offer(provider, down_since, passwords_open=bool(allowed) and down_since is not None))
    return found


def is_for_everyone() -> bool:
    """Return whether some policy in force takes everyone without exception: then only administrators have passwords."""
    everyone = RoutingPolicy.objects.in_force().filter(everyone=True)
    return everyone.filter(named_groups=None, named_people=None).exists()


def active_provider_by_slug(slug: str) -> IdentityProvider | None:
    """Return the active provider with this slug, for reading, or None."""
    if "\x00" in slug:
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS} {_ACTIVE} AND provider.slug = %s", [slug])  # noqa: S608  (our own names)
        row = cursor.fetchone()
    return _provider(row) if row else None


# Whether no guard over a policy has run out, in a statement that calls it `policy`; its mark takes `guard_clock`.
GUARD_HOLDS = (
    "(policy.guard_id IS NULL OR EXISTS "
    "(SELECT 1 FROM idp_routingguard guard WHERE guard.id = policy.guard_id AND guard.until > %s))"
)


def guard_clock() -> Any:
    """Return the present moment as the database at hand compares it with the end of a guard."""
    return stored(RoutingGuard, "until", timezone.now())


_OF_GROUPS = (
    "SELECT named.policy_id FROM users_groupmembership member "
    "JOIN idp_routinggroup named ON named.group_id = member.group_id WHERE member.person_id ="
)
_NAMED = "SELECT named.policy_id FROM idp_routinggroup named WHERE"


def decision_sql(columns: str, *, domain: str, person: str, of_groups: str = "") -> str:
    """Return the statement that decides where one person is sent: one row, or none for who signs in locally.

    Args:
        columns: what to select of `policy` and `provider`.
        domain: SQL for the person's email domain: a mark, or a column of an outer statement.
        person: SQL for the person's id, likewise; it occurs three times. Behind it comes the mark for `guard_clock`.
        of_groups: what selects the policies that name her groups, twice; by her memberships unless given.
    """
    of_groups = f"{of_groups or f'{_OF_GROUPS} {person}'} AND"
    return f"""
        SELECT {columns} FROM (
            SELECT policy_id FROM idp_routingdomain WHERE domain = {domain}
            UNION {of_groups} NOT named.is_exception
            UNION SELECT id FROM idp_routingpolicy WHERE everyone
        ) fitting
        JOIN idp_routingpolicy policy ON policy.id = fitting.policy_id
        JOIN idp_identityprovider provider ON provider.id = policy.provider_id
        WHERE policy.enabled AND provider.status = 'active'
        AND policy.id NOT IN ({of_groups} named.is_exception)
        AND policy.id NOT IN (SELECT policy_id FROM idp_routingexception WHERE person_id = {person})
        AND {GUARD_HOLDS}
        ORDER BY policy.position LIMIT 1
    """  # noqa: S608  (our own words, and marks for the values)


def decision_about_column(alias: str) -> str:
    """Return SQL for the id of the provider that somebody is sent to, inside a statement that reads her row.

    Args:
        alias: what the statement calls `users_user`.

    The statement takes `guard_clock` for the one mark in it.
    """
    domain = domain_sql(f"{alias}.company_email")
    return f"({decision_sql('policy.provider_id', domain=domain, person=f'{alias}.id')})"


def _decide(domain: str, person_id: uuid.UUID) -> Route | None:
    key = stored(User, "id", person_id)
    return _first(_DECIDE, [domain, key, key, key, guard_clock()])


def _first(statement: str, values: Sequence[Any]) -> Route | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    if row is None:
        return None
    policy, allowed, down, checked, *key = row
    provider, down_since = _provider(key), _down_since(down, checked)
    if provider is None:
        return None
    return Route(provider, as_uuid(policy), down_since, passwords_open=bool(allowed) and down_since is not None)


def _down_since(down: Any, checked: Any) -> datetime | None:
    """Return since when a provider is down now, from its two columns as the database gives them."""
    return down_now(as_moment(down), as_moment(checked)) if down is not None else None


def _provider(key: Sequence[Any]) -> IdentityProvider | None:
    """Return the provider with this key, read in full only where it has changed since it was read last.

    Every page of the User Portal asks, and the row is wide: the ORM spends eight times as long on putting this question
    together as the database on answering it. What changes a provider for those who sign in moves its revision; what
    does not (the last test, its health) may be a little old here: whether it is down comes with the question.
    """
    with contextlib.suppress(IdentityProvider.DoesNotExist):  # deleted between the two reads
        return _read(*key)
    return None


@lru_cache(maxsize=64)
def _read(pk: Any, *seen: Any) -> IdentityProvider:
    return IdentityProvider.objects.get(pk=pk)


_COLUMNS = "provider.id, provider.revision, provider.version, provider.status, provider.updated_at"
_HEALTH = "provider.down_since, provider.health_checked_at"
_ACTIVE = "FROM idp_identityprovider provider WHERE provider.status = 'active'"
_IN_USE = f"SELECT provider_id FROM idp_routingpolicy policy WHERE enabled AND {GUARD_HOLDS}"  # noqa: S608
_OFFERED = f"""
    SELECT provider.id IN ({_IN_USE} AND password_while_down), {_HEALTH}, {_COLUMNS} {_ACTIVE}
    AND provider.id IN ({_IN_USE}) ORDER BY provider.name
"""  # noqa: S608  (our own names)
_DECIDED = f"policy.id, policy.password_while_down, {_HEALTH}, {_COLUMNS}"
_DECIDE = decision_sql(_DECIDED, domain="%s", person="%s")
