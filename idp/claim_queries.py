"""Questions about a provider's rules for claims. Nothing here changes anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from idp.claim_plan import GroupRule, Rules
from idp.claim_sign_in import plan_for, shown_plan, stored_rules
from idp.models import (
    ClaimGroup,
    ClaimMapping,
    ClaimOverage,
    FederatedIdentity,
    IdentityProvider,
    PersonField,
    Rehearsal,
    Status,
)
from users.models import Group, User

# So long administrators are told that a token held no groups.
OVERAGE_SHOWN = timedelta(days=14)


@dataclass(frozen=True)
class Preview:
    """What rules would do with the claims of the last rehearsal.

    Attributes:
        person: whom it matched; None where it matched nobody who is still there.
        changes: as `shown_plan` says it.
    """

    rehearsal: Rehearsal
    person: User | None
    changes: Mapping[str, Any] = field(default_factory=dict)


def mappings_of(provider: IdentityProvider) -> list[tuple[PersonField, str]]:
    """Return each field that a claim may keep, with the claim that does, or ""."""
    kept = dict(ClaimMapping.objects.filter(provider=provider).values_list("field", "claim"))
    return [(each, kept.get(each.value, "")) for each in PersonField]


def group_rules_of(provider: IdentityProvider) -> "QuerySet[ClaimGroup]":
    """Return the rules for groups, by claim and value."""
    return ClaimGroup.objects.filter(provider=provider).select_related("group").order_by("claim", "value", "pk")


def jit_groups_of(provider: IdentityProvider) -> list[Group]:
    """Return the groups that people join whom the provider adds."""
    return list(Group.objects.filter(jit_of__provider=provider).order_by("name_key"))


def groups_that_route(provider: IdentityProvider) -> list[str]:
    """Return the groups that rules of a provider fill and routing policies name: claims then move people."""
    filled = Group.objects.filter(claim_rules__provider=provider) | Group.objects.filter(jit_of__provider=provider)
    return list(filled.filter(routing__isnull=False).order_by("name_key").distinct().values_list("name", flat=True))


def keepers_of(person: User) -> dict[str, str]:
    """Return the fields of a person that claims keep, each with the provider's name; none of an administrator's."""
    if person.admin_role is not None:
        return {}
    linked = FederatedIdentity.objects.filter(person=person).values("provider")
    kept = ClaimMapping.objects.filter(provider__in=linked).exclude(provider__status=Status.ARCHIVED)
    return dict(kept.values_list("field", "provider__name"))


def recent_overage(provider: IdentityProvider) -> list[ClaimOverage]:
    """Return the claims that the provider left out of somebody's token lately, of those that rules ask for."""
    since = timezone.now() - OVERAGE_SHOWN
    asked = [*ClaimGroup.objects.filter(provider=provider).values_list("claim", flat=True)]
    asked += ClaimMapping.objects.filter(provider=provider).values_list("claim", flat=True)
    return list(ClaimOverage.objects.filter(provider=provider, last_at__gte=since, claim__in=asked))


def last_sent(provider: IdentityProvider) -> Rehearsal | None:
    """Return the last rehearsal of this provider that brought claims."""
    came = Rehearsal.objects.filter(provider=provider, finished_at__isnull=False).exclude(sent={})
    return came.select_related("administrator").order_by("-started_at").first()


def preview(provider: IdentityProvider, extra: GroupRule | None = None) -> Preview | None:
    """Try the stored rules out on the claims of the last rehearsal, and one more that is not stored yet.

    The person is whom that rehearsal matched, as stored now.
    """
    rehearsal = last_sent(provider)
    if rehearsal is None:
        return None
    email = rehearsal.verdict.get("email") if rehearsal.verdict.get("rule") else ""
    person = User.objects.filter(company_email=email, admin_role=None).first() if email else None
    rules = stored_rules(provider)
    if extra is not None:
        rules = Rules(rules.given_by, rules.fields, (*rules.groups, extra))
    left_out = rehearsal.changes.get("left_out", [])
    claims = {**rehearsal.sent, "_claim_names": dict.fromkeys(left_out, "")}
    plan = plan_for(rules, claims, person or User())
    return Preview(rehearsal, person, {**shown_plan(plan), "left_out": left_out})
