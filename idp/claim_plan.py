"""What a token's claims change of a person by a provider's rules. Computed from facts alone; it writes nothing.

A missing claim changes nothing. Nor does one that the provider left out because it has too many values: groups overage
is not "no groups". Claims take back only the memberships that they gave.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from idp.protocol.claim_values import ClaimValue, Found, read_claim
from users.errors import DirectoryError
from users.models import User
from users.provided import clean_field


@dataclass(frozen=True)
class GroupRule:
    """Who has this value in this claim is a member of the group."""

    claim: str
    value: str
    group_id: uuid.UUID


@dataclass(frozen=True)
class Rules:
    """The rules of a provider: the claim behind each field, and the groups behind values.

    Attributes:
        given_by: the provider, under whose id memberships are noted.
    """

    given_by: uuid.UUID
    fields: Mapping[str, str] = field(default_factory=dict)
    groups: Sequence[GroupRule] = ()

    def __bool__(self) -> bool:
        return bool(self.fields or self.groups)


class Outcome(StrEnum):
    """What becomes of a field or a membership, and why it stays as it is."""

    CHANGES = "changes"
    SAME = "same"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"
    UNUSABLE = "unusable"
    UNCLEAN = "unclean"
    JOINS = "joins"
    LEAVES = "leaves"
    MEMBER = "member"
    BY_ADMINISTRATOR = "by_administrator"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class FieldOutcome:
    """What becomes of one field."""

    field: str
    claim: str
    now: str
    then: str
    outcome: Outcome


@dataclass(frozen=True)
class GroupOutcome:
    """What becomes of one membership.

    Attributes:
        claims: the claims of the group's rules that decided; where the outcome is a reason to leave it, those at fault.
    """

    group_id: uuid.UUID
    claims: tuple[str, ...]
    outcome: Outcome


@dataclass(frozen=True)
class ClaimPlan:
    """What becomes of a person's fields and memberships."""

    fields: tuple[FieldOutcome, ...] = ()
    groups: tuple[GroupOutcome, ...] = ()

    @property
    def wanted(self) -> dict[str, str]:
        """The fields that change."""
        return {each.field: each.then for each in self.fields if each.outcome is Outcome.CHANGES}

    @property
    def moves(self) -> tuple[GroupOutcome, ...]:
        """The memberships that begin or end."""
        return tuple(each for each in self.groups if each.outcome in (Outcome.JOINS, Outcome.LEAVES))

    @property
    def changes_something(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.wanted or self.moves)

    @property
    def overage(self) -> list[str]:
        """The claims that the provider left out although rules ask for them."""
        return sorted({*self._claims_of(Outcome.ELSEWHERE)})

    @property
    def ignored(self) -> list[str]:
        """The claims that were there and could not be used."""
        return sorted({*self._claims_of(Outcome.UNUSABLE), *self._claims_of(Outcome.UNCLEAN)})

    def _claims_of(self, outcome: Outcome) -> list[str]:
        named = [each.claim for each in self.fields if each.outcome is outcome]
        return named + [claim for each in self.groups if each.outcome is outcome for claim in each.claims]


_WHY = {Found.MISSING: Outcome.MISSING, Found.ELSEWHERE: Outcome.ELSEWHERE, Found.UNUSABLE: Outcome.UNUSABLE}


def plan_claims(
    rules: Rules, claims: Mapping[str, Any], person: User, memberships: Mapping[uuid.UUID, uuid.UUID | None]
) -> ClaimPlan:
    """Return what the claims of a verified token change.

    Args:
        person: as stored now, or a new one.
        memberships: the person's groups among those of the rules, each with the provider that gave it, or None.
    """
    fields = tuple(_field(claims, person, name, claim) for name, claim in rules.fields.items())
    by_group: dict[uuid.UUID, list[GroupRule]] = {}
    for rule in rules.groups:
        by_group.setdefault(rule.group_id, []).append(rule)
    read = {rule.claim: read_claim(claims, rule.claim) for rule in rules.groups}
    groups = tuple(
        _group(rules.given_by, own, {rule.claim: read[rule.claim] for rule in own}, memberships)
        for own in by_group.values()
    )
    return ClaimPlan(fields, groups)


def _field(claims: Mapping[str, Any], person: User, name: str, claim: str) -> FieldOutcome:
    now, read = getattr(person, name), read_claim(claims, claim)
    if read.found is not Found.PRESENT:
        return FieldOutcome(name, claim, now, now, _WHY[read.found])
    if not read.is_text:
        return FieldOutcome(name, claim, now, now, Outcome.UNUSABLE)
    try:
        then = clean_field(name, read.values[0])
    except DirectoryError:
        return FieldOutcome(name, claim, now, now, Outcome.UNCLEAN)
    return FieldOutcome(name, claim, now, then, Outcome.SAME if then == now else Outcome.CHANGES)


def _group(
    given_by: uuid.UUID,
    rules: Sequence[GroupRule],
    read: Mapping[str, ClaimValue],
    memberships: Mapping[uuid.UUID, uuid.UUID | None],
) -> GroupOutcome:
    group_id = rules[0].group_id
    fitting = tuple(sorted({rule.claim for rule in rules if rule.value in read[rule.claim].values}))
    if fitting:
        return GroupOutcome(group_id, fitting, Outcome.MEMBER if group_id in memberships else Outcome.JOINS)
    # One of several claims that is not there could have named her: then nothing is known, and nothing changes.
    for found in (Found.ELSEWHERE, Found.UNUSABLE, Found.MISSING):
        at_fault = tuple(sorted(claim for claim, value in read.items() if value.found is found))
        if at_fault:
            return GroupOutcome(group_id, at_fault, _WHY[found])
    named = tuple(sorted(read))
    if group_id not in memberships:
        return GroupOutcome(group_id, named, Outcome.OUTSIDE)
    is_own = memberships[group_id] == given_by
    return GroupOutcome(group_id, named, Outcome.LEAVES if is_own else Outcome.BY_ADMINISTRATOR)
