"""Questions about providers that more than one caller asks. Nothing here changes anything."""

import contextlib
import uuid
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Max

from idp.errors import ProviderNotFound
from idp.models import IdentityProvider, SlugNumber
from users.models import User


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


def active_provider() -> IdentityProvider | None:
    """Return the provider that people are sent to, for reading, or None while they sign in locally."""
    return _as_it_is("status = 'active'")


def active_provider_by_slug(slug: str) -> IdentityProvider | None:
    """Return the active provider with this slug, for reading, or None."""
    return _as_it_is("status = 'active' AND slug = %s", slug) if "\x00" not in slug else None


def _as_it_is(condition: str, *values: str) -> IdentityProvider | None:
    """Return the provider that fits, read in full only where it has changed since it was read last.

    Every page of the User Portal asks, and the row is wide: the ORM spends eight times as long on putting this question
    together as the database on answering it. What changes a provider for those who sign in moves its revision; what
    does not (the last test, its health) may be a little old here.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"{_KEY} WHERE {condition} LIMIT 1", values)  # noqa: S608  (the conditions are the two above)
        row = cursor.fetchone()
    with contextlib.suppress(IdentityProvider.DoesNotExist):  # deleted between the two reads
        return _read(*row) if row else None
    return None


_KEY = "SELECT id, revision, version, status, updated_at FROM idp_identityprovider"


@lru_cache(maxsize=64)
def _read(pk: Any, *seen: Any) -> IdentityProvider:
    return IdentityProvider.objects.get(pk=pk)


def provider_for(person: User, provider: IdentityProvider | None) -> IdentityProvider | None:
    """Return the provider that this person signs in with, given the active one.

    Administrators are never federated: they must be able to come in and repair.
    """
    return None if person.admin_role is not None else provider


def password_owner(person: User) -> str | None:
    """Return the name of the provider that keeps this person's password, or None where Gatehouse does."""
    provider = provider_for(person, active_provider())
    return provider.name if provider else None


def last_slug_number(kind: str) -> int:
    """Return the highest number that a slug of this kind ever had, or 0."""
    return SlugNumber.objects.filter(kind=kind).aggregate(last=Max("number"))["last"] or 0


def next_slug(kind: str) -> str:
    """Return the slug that the next provider of this kind gets, unless somebody else adds one first."""
    return SlugNumber(kind=kind, number=last_slug_number(kind) + 1).slug
