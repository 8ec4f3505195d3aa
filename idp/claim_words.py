"""What claims change of somebody, in words: for a rehearsal, for trying out rules, and for a terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.claim_plan import Outcome
from idp.models import PersonField

_STAYS = {
    Outcome.SAME: "Stays: the claim says the same.",
    Outcome.MISSING: "Stays: the token has no such claim, or an empty one.",
    Outcome.ELSEWHERE: "Stays: the provider left the claim out of the token.",
    Outcome.UNUSABLE: "Stays: the claim holds something else than text.",
    Outcome.UNCLEAN: "Stays: the field cannot hold this text. It is too long, or is none that its form would take.",
}
_GROUPS = {
    Outcome.JOINS: "Joins",
    Outcome.LEAVES: "Leaves: no value of the claim names the group any more.",
    Outcome.MEMBER: "Stays a member",
    Outcome.BY_ADMINISTRATOR: "Stays a member: an administrator put them there, and claims take back only their own.",
    Outcome.OUTSIDE: "Is no member: no value of the claim names the group.",
    Outcome.MISSING: "Stays as it is: the token has no such claim.",
    Outcome.ELSEWHERE: "Stays as it is: the provider left the claim out of the token.",
    Outcome.UNUSABLE: "Stays as it is: the claim holds something else than texts.",
}
OVERAGE_TITLE = "Groups overage: the token holds no groups"
OVERAGE = (
    "The account is in more groups than fit into a token, so the provider left the claim {claims} out. That is not the "
    "same as no groups: nothing was changed by it, and nothing is while it lasts."
)
OVERAGE_CURE = (
    "In Entra, use app roles in place of groups, or let the token hold only the groups that are assigned to the "
    "application: App registrations > your application > Token configuration > Edit groups claim."
)


@dataclass(frozen=True)
class Line:
    """One line of a diff.

    Attributes:
        then: what it becomes, where it changes; else `words` says why it stays.
    """

    subject: str
    claims: str
    now: str = ""
    then: str = ""
    words: str = ""
    changes: bool = False


def field_lines(fields: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return the lines about fields of a plan as it is stored (`shown_plan`), in the order of a person's form."""
    order = list(PersonField.values)
    lines = []
    for each in sorted(fields, key=lambda each: order.index(each["field"])):
        outcome, label = Outcome(each["outcome"]), PersonField(each["field"]).label
        changes = outcome is Outcome.CHANGES
        lines.append(Line(label, each["claim"], each["now"], each["then"], _STAYS.get(outcome, ""), changes))
    return lines


def group_lines(groups: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return the lines about groups of a plan as it is stored."""
    lines = []
    for each in groups:
        outcome = Outcome(each["outcome"])
        changes = outcome in (Outcome.JOINS, Outcome.LEAVES)
        lines.append(Line(each["group"], ", ".join(each["claims"]), words=_GROUPS[outcome], changes=changes))
    return lines


def overage_words(left_out: Sequence[str]) -> str:
    """Say what it means that claims were left out."""
    return OVERAGE.format(claims=" and ".join(left_out))
