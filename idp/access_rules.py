"""The access policies as they are stored, and what they say of a person: asked at every sign-in and on every page.

The rules are kept in each process under the version of the list, which is another one after every change. So one small
row is read each time, and nothing that was read before is believed once it has changed.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils import timezone

from idp.access import Action, Circumstances, Decision, Rule, Side, Window, decide, parse_network
from idp.models import AccessAction, AccessDefault, AccessPolicy, TokenFactor
from users.models import User
from users.plain_sql import as_uuid, stored


@dataclass(frozen=True)
class Rules:
    """All policies in their order, and what happens where none fits."""

    listed: tuple[Rule, ...] = ()
    default: Action = Action.ALLOW

    @property
    def in_force(self) -> tuple[Rule, ...]:
        """Those that are on."""
        return tuple(rule for rule in self.listed if rule.enabled)


@dataclass(frozen=True)
class Current:
    """What one small row says.

    Attributes:
        version: of the list of policies; None where there never was one.
        default: what happens where no policy fits.
    """

    version: uuid.UUID | None = None
    default: Action = Action.ALLOW

    @classmethod
    def of(cls, version: Any, action: str | None) -> "Current":
        """Return what was read with `CURRENT`; both are None where the row is not there."""
        return cls(as_uuid(version), _ACTIONS[action]) if action else cls()


@dataclass(frozen=True)
class _Read:
    """What is kept of one version."""

    rules: tuple[Rule, ...]
    asks_groups: bool


def decision_for(
    person: User,
    *,
    client_ip: str | None,
    provider_id: uuid.UUID | None,
    token_second_factor: bool,
    current: Current | None = None,
) -> Decision:
    """Return what the policies say of a person now.

    Without policies one statement; with policies one more where they ask for groups.

    Args:
        provider_id: of the provider that signed her in; None for a Gatehouse password.
        token_second_factor: see `idp.protocol.second_factor`.
        current: the row, where another statement has just read it along.
    """
    current = current or _current()
    if current.version is None:
        return Decision(current.default)
    read = _read(current.version)
    groups = groups_of(person) if read.asks_groups else frozenset()
    who = Circumstances(person.pk, groups, client_ip, provider_id, token_second_factor, timezone.now())
    return decide(read.rules, who, current.default)


def groups_of(person: User) -> frozenset[uuid.UUID]:
    """Return the groups that a person is in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT group_id FROM users_groupmembership WHERE person_id = %s", [stored(User, "id", person.pk)]
        )
        return frozenset(as_uuid(row[0]) for row in cursor.fetchall())


def stored_rules() -> Rules:
    """Return the policies as they are stored: three queries, however many there are."""
    default = AccessDefault.objects.filter(pk=1).first()
    return Rules(_listed(), Action(default.action) if default else Action.ALLOW)


def rule_of(policy: AccessPolicy, named: Iterable[tuple[str, bool, uuid.UUID]]) -> Rule:
    """Return a policy as a rule.

    Args:
        named: whom it names: "group", "person" or "provider", whether it is an exception, and the id.
    """
    sets: dict[tuple[str, bool], set[uuid.UUID]] = {}
    for kind, is_exception, pk in named:
        sets.setdefault((kind, is_exception), set()).add(pk)

    def ids(kind: str, is_exception: bool = False) -> frozenset[uuid.UUID]:
        return frozenset(sets.get((kind, is_exception), ()))

    sign_ins: frozenset[uuid.UUID | None] = ids("provider")
    return Rule(
        policy_id=policy.pk,
        name=policy.name,
        action=Action(policy.action),
        enabled=policy.enabled,
        everyone=policy.everyone,
        groups=ids("group"),
        people=ids("person"),
        except_groups=ids("group", True),
        except_people=ids("person", True),
        networks=tuple(parse_network(text) for text in policy.networks),
        network_side=Side(policy.network_side) if policy.network_side else None,
        sign_ins=sign_ins | {None} if policy.local_sign_in else sign_ins,
        token_second_factor=_TOKEN[policy.token_second_factor],
        window=_window(policy),
        window_side=Side(policy.time_side or Side.INSIDE),
    )


def _window(policy: AccessPolicy) -> Window | None:
    if policy.time_from is None or policy.time_to is None:
        return None
    return Window(frozenset(map(int, policy.weekdays)), policy.time_from, policy.time_to, policy.time_zone)


def _current() -> Current:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {CURRENT}")
        version, action = cursor.fetchone()
    return Current.of(version, action)


@lru_cache(maxsize=8)
def _read(version: uuid.UUID) -> _Read:
    """Return the rules in force under a version, from two queries.

    Somebody may change a policy between the two. What was read then is of two versions, so it is read again; and the
    version that is asked for here is never asked for once more.
    """
    while True:
        rules = tuple(rule for rule in _listed() if rule.enabled)
        now = _current().version
        if now in (version, None):
            return _Read(rules, any(rule.asks_groups for rule in rules))
        version = now


def _listed() -> tuple[Rule, ...]:
    named: dict[uuid.UUID, list[tuple[str, bool, uuid.UUID]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_NAMED)
        for policy, kind, is_exception, pk in cursor.fetchall():
            named.setdefault(as_uuid(policy), []).append((kind, bool(is_exception), as_uuid(pk)))
    policies = AccessPolicy.objects.order_by("position")
    return tuple(rule_of(policy, named.get(policy.pk, ())) for policy in policies)


# Columns that hold the row, for a statement that reads something else anyhow.
CURRENT = """
    (SELECT version FROM idp_accessdefault WHERE id = 1) AS access_version,
    (SELECT action FROM idp_accessdefault WHERE id = 1) AS access_default
"""
_ACTIONS = {choice.value: Action(choice.value) for choice in AccessAction}
_TOKEN = {"": None, TokenFactor.PRESENT.value: True, TokenFactor.ABSENT.value: False}
_NAMED = """
    SELECT policy_id, 'group', is_exception, group_id FROM idp_accessgroup
    UNION ALL SELECT policy_id, 'person', is_exception, person_id FROM idp_accessperson
    UNION ALL SELECT policy_id, 'provider', NOT (1 = 1), provider_id FROM idp_accessprovider
"""
