"""What an act would change, in numbers and names, computed before it is confirmed and again when it is."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from django.db.models import F, Q
from django.utils import timezone

from idp.activation_scope import EVERYBODY, Scope
from idp.errors import ImpactChanged, ImpactNotConfirmed
from idp.impact_lines import line_of, people_line, sessions_line
from idp.models import FederatedIdentity, IdentityProvider
from idp.routing_plan import (
    Plan,
    decided_people,
    fingerprint_of,
    sessions_against,
    stored_plan,
    touched,
    with_provider,
    without_provider,
)
from users.impact import EXAMPLES, Impact, Line
from users.models import State, User
from users.schedules import after_scheduled_states
from users.sessions import live_sessions

# What federation opens in this version. Later parts add their names.
RESOURCES = ("User Portal",)


_MOVES = frozenset({"people_sent", "to_other", "locked_out", "back_to_password"})


class Act(StrEnum):
    """The acts whose impact is shown."""

    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    ARCHIVE = "archive"
    DELETE = "delete"


@dataclass(frozen=True)
class ProviderImpact(Impact):
    """The impact of one act on one provider. Dialog, full page, command and audit row all render this.

    Attributes:
        act: one of `Act`, "relink" or "routing".
        basis: what else a confirmation refers to, such as the lines that were pasted.
        before, after: the routing policies between which people move, for who wants to know whom.
    """

    act: str
    provider_id: str
    provider_revision: int
    basis: str = ""
    resources: tuple[str, ...] = RESOURCES
    before: Plan = field(default=(), repr=False, compare=False)
    after: Plan = field(default=(), repr=False, compare=False)

    @property
    def moves_somebody(self) -> bool:
        """Whether anybody signs in another way afterwards."""
        return any(line.count for line in self.lines if line.key in _MOVES)

    @property
    def sends_somebody(self) -> bool:
        """Whether anybody is sent to a provider by it who was not sent there before."""
        return any(line.count for line in self.lines if line.key in {"people_sent", "to_other"})

    @property
    def fingerprint(self) -> str:
        """What a confirmation refers to: the same act on the same version of the provider with the same numbers.

        Sessions are left out: where people sign in all day their number never stands still, and nobody could confirm.
        """
        numbers = {key: count for key, count in self.numbers().items() if key != "sessions_ended"}
        facts = [self.act, self.provider_id, self.provider_revision, self.basis, sorted(numbers.items())]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


@after_scheduled_states
def impact_of(act: Act, provider: IdentityProvider, *, scope: Scope = EVERYBODY) -> ProviderImpact:
    """Compute the impact of an act as things are now.

    Args:
        scope: to whom an activation applies.
    """
    before = stored_plan()
    after = _after(act, provider, before, scope)
    compute = {
        Act.ACTIVATE: _activation,
        Act.DEACTIVATE: _deactivation,
        Act.ARCHIVE: _archiving,
        Act.DELETE: _deletion,
    }[act]
    lines = tuple(compute(provider, before, after))
    return ProviderImpact(
        lines,
        act=act,
        provider_id=str(provider.pk),
        provider_revision=provider.revision,
        basis=fingerprint_of(after),
        before=before,
        after=after,
    )


def _after(act: Act, provider: IdentityProvider, before: Plan, scope: Scope) -> Plan:
    if act == Act.DELETE:
        return without_provider(before, provider)
    plan = with_provider(before, provider, is_live=act == Act.ACTIVATE)
    return scope.change(provider)(plan) if act == Act.ACTIVATE else plan


def confirmed(
    act: Act, provider: IdentityProvider, understood: bool, fingerprint: str | None, *, scope: Scope = EVERYBODY
) -> ProviderImpact:
    """Return the impact of an act that was confirmed; see `require_confirmed` and `impact_of`."""
    impact = impact_of(act, provider, scope=scope)
    require_confirmed(impact, understood=understood, fingerprint=fingerprint)
    return impact


class Confirmable(Protocol):
    """An impact that a confirmation can refer to."""

    @property
    def fingerprint(self) -> str:
        """What it refers to."""


def require_confirmed(impact: Confirmable, *, understood: bool, fingerprint: str | None) -> None:
    """Refuse what was not confirmed, or confirmed as something else.

    Args:
        understood: whether it was.
        fingerprint: of the impact that was shown, or None where the caller shows none (a command).

    Raises:
        ImpactNotConfirmed, ImpactChanged: it was not, or something else was.
    """
    if not understood:
        raise ImpactNotConfirmed()
    if fingerprint is not None and fingerprint != impact.fingerprint:
        raise ImpactChanged()


@after_scheduled_states
def routing_impact(provider: IdentityProvider, before: Plan, after: Plan) -> ProviderImpact:
    """Compute the impact of a change of the routing policies.

    Args:
        provider: the one that the changed policy names.
    """
    lines = routing_lines(before, after, provider)
    if any(line.count for line in lines):
        lines.append(_ending("routed_sessions_end", after))
    return ProviderImpact(
        tuple(lines),
        act="routing",
        provider_id=str(provider.pk),
        provider_revision=provider.revision,
        basis=fingerprint_of(after),
        before=before,
        after=after,
    )


def routing_lines(before: Plan, after: Plan, provider: IdentityProvider) -> list[Line]:
    """Return what a change of the routing policies means for people: where they are sent, and whose sessions end.

    Args:
        provider: the one that the change is about: the lines speak of it first.
    """
    moved = _moved(before, after)
    sent = moved.filter(after=provider.pk)
    linked = sent.filter(federated_identities__issuer=provider.issuer)
    lines = [people_line("people_sent", sent, name=provider.name), people_line("already_linked", linked)]
    lines += _from_elsewhere(sent)
    if provider.email_domains:
        domains = ", ".join(provider.email_domains)
        unmatched = _outside_domains(sent, provider).exclude(pk__in=linked.values("pk"))
        lines.append(people_line("outside_domains", unmatched, tone="danger", domains=domains))
    lines += _to_elsewhere(moved.exclude(after=provider.pk), provider)
    local = moved.filter(after__isnull=True)
    unusable = Q(password__startswith="!") | Q(password="")  # noqa: S106  (Django's mark of "no password")
    lines.append(people_line("locked_out", local.filter(unusable), tone="danger"))
    return [*lines, people_line("back_to_password", local.exclude(unusable))]


def _moved(before: Plan, after: Plan) -> Any:
    """Return the active people who sign in another way under the second plan, with both ways."""
    people = decided_people(before=before, after=after).filter(touched(before, after), state=State.ACTIVE)
    gone = Q(before__isnull=False, after__isnull=True)
    come = Q(before__isnull=True, after__isnull=False)
    return people.filter(gone | come | (Q(before__isnull=False, after__isnull=False) & ~Q(before=F("after"))))


def _from_elsewhere(sent: Any) -> list[Line]:
    """Return who of those sent comes from another provider: one line, where there is one at all."""
    others = sent.filter(before__isnull=False)
    return [people_line("from_other", others)] if others.exists() else []


def _to_elsewhere(moved: Any, provider: IdentityProvider) -> list[Line]:
    """Return who signs in with which other provider from then on."""
    lines = []
    for other in IdentityProvider.objects.active().exclude(pk=provider.pk):
        there = moved.filter(after=other.pk)
        if there.exists():
            lines.append(people_line("to_other", there, tone="warning", name=other.name))
    return lines


def _activation(provider: IdentityProvider, before: Plan, after: Plan) -> list[Line]:
    routed = routing_lines(before, after, provider)
    wanted = {"people_sent", "already_linked", "from_other", "outside_domains", "to_other"}
    lines = [line for line in routed if line.key in wanted]
    if any(rule.in_force for rule in before) or any(rule.in_force and rule.leaves_out for rule in after):
        kept = decided_people(after=after).filter(state=State.ACTIVE, after__isnull=True)
        lines.append(people_line("kept_local", kept, tone="success"))
    people = User.objects.without_role()
    return [
        *lines,
        people_line("staged", people.filter(state=State.STAGED)),
        people_line("suspended", people.filter(state=State.SUSPENDED)),
        _ending("local_sessions_end", after),
        people_line("administrators_kept", User.objects.administrators().active(), tone="success"),
    ]


def _deactivation(provider: IdentityProvider, before: Plan, after: Plan) -> list[Line]:
    """Return who has no password and comes in through this provider only. Nobody, while it is not active."""
    routed = routing_lines(before, after, provider)
    lines = [line for line in routed if line.key in {"to_other", "locked_out", "back_to_password"}]
    return [*lines, sessions_line("its_sessions_end", live_sessions(provider_id=provider.pk))]


def _deletion(provider: IdentityProvider, before: Plan, after: Plan) -> list[Line]:
    links = FederatedIdentity.objects.filter(provider=provider).select_related("person").order_by("created_at")
    if IdentityProvider.objects.filter(issuer=provider.issuer).exclude(pk=provider.pk).exists():
        links = links.none()  # they go over to the other provider of the same issuer
    examples = tuple(link.person.label for link in links[:EXAMPLES])
    lines = [line_of("links_lost", links.count(), tone="danger", examples=examples)]
    policies = provider.routing_policies.order_by("position")
    if policies:
        names = tuple(policy.name for policy in policies[:EXAMPLES])
        lines.append(line_of("policies_lost", len(policies), tone="warning", examples=names))
    return [*lines, *_deactivation(provider, before, after)]


def _archiving(provider: IdentityProvider, before: Plan, after: Plan) -> list[Line]:
    links = FederatedIdentity.objects.filter(provider=provider).count()
    kept = line_of("links_kept", links, tone="success")
    return [kept, *_deactivation(provider, before, after)]


def _ending(words: str, after: Plan) -> Line:
    sessions = sessions_against(after).filter(expire_date__gt=timezone.now())
    return sessions_line(words, sessions.count())


def _outside_domains(people: Any, provider: IdentityProvider) -> Any:
    """Return the people whom no listed domain covers and no external ID can find; only Entra's are looked at."""
    outside = people.exclude(email_domain__in=provider.email_domains)
    return outside.filter(external_id__isnull=True) if provider.is_entra else outside
