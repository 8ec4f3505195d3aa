"""Questions about providers that more than one caller asks. Nothing here changes anything."""

import contextlib
import uuid
from datetime import datetime

from django.db.models import Max

from idp.errors import ProviderNotFound
from idp.models import AccessPolicy, IdentityProvider, RoutingPolicy, SlugNumber
from idp.outages import down_now
from idp.routing import provider_of
from users.models import Group, User


def find_provider(identifier: str) -> IdentityProvider:
    """Return the provider with this slug or id, or else with this name: a name can imitate a slug, not replace it.

    Raises:
        ProviderNotFound: there is none.
    """
    if "\x00" in identifier:
        raise ProviderNotFound(identifier=ascii(identifier[:100]))
    found = IdentityProvider.objects.filter(slug=identifier).first()
    with contextlib.suppress(ValueError):
        found = found or IdentityProvider.objects.filter(pk=uuid.UUID(identifier)).first()
    found = found or IdentityProvider.objects.filter(name__iexact=identifier).first()
    if found is None:
        raise ProviderNotFound(identifier=identifier[:100])
    return found


def password_owner(person: User) -> str | None:
    """Return the name of the provider that keeps this person's password, or None where Gatehouse does."""
    provider = provider_of(person)
    return provider.name if provider else None


def down_since_now(provider: IdentityProvider) -> datetime | None:
    """Return since when a provider is down now, asked of the database: the row at hand may be older than the check."""
    found = IdentityProvider.objects.filter(pk=provider.pk).values_list("down_since", "health_checked_at").first()
    return down_now(*found) if found else None


def is_well(provider: IdentityProvider) -> bool:
    """Return whether the last check of a provider found nothing wrong, however long ago that was."""
    return IdentityProvider.objects.filter(pk=provider.pk, down_since=None).exists()


def policies_naming(group: Group) -> list[str]:
    """Return the routing policies and access policies that name a group, in words."""
    routing = RoutingPolicy.objects.filter(named_groups__group=group).order_by("position")
    access = AccessPolicy.objects.filter(named_groups__group=group).order_by("position")
    words = [f"the routing policy {policy.name}" for policy in routing]
    return [*words, *(f"the access policy {policy.name}" for policy in access)]


def claim_rules_naming(group: Group) -> list[str]:
    """Return the providers whose claims or first sign-ins put people into a group, in words."""
    by_claims = IdentityProvider.objects.filter(claim_groups__group=group).distinct().order_by("name")
    by_jit = IdentityProvider.objects.filter(jit_groups__group=group).order_by("name")
    uses = [f"a claim rule of {provider.name}" for provider in by_claims]
    return uses + [f"the people whom {provider.name} adds" for provider in by_jit]


def last_slug_number(kind: str) -> int:
    """Return the highest number that a slug of this kind ever had, or 0."""
    return SlugNumber.objects.filter(kind=kind).aggregate(last=Max("number"))["last"] or 0


def next_slug(kind: str) -> str:
    """Return the slug that the next provider of this kind gets, unless somebody else adds one first."""
    return SlugNumber(kind=kind, number=last_slug_number(kind) + 1).slug
