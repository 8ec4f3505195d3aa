"""The link of a returning person, as plain SQL: read and noted once in every sign-in (docs/performance.md)."""

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils import timezone

from idp.access_rules import CURRENT, Current
from idp.models import FederatedIdentity, IdentityProvider, Status
from idp.protocol.types import IdTokenClaims
from idp.routing import decision_about_column, guard_clock
from users.models import User
from users.plain_sql import as_uuid, stored


@dataclass(frozen=True)
class KnownLink:
    """A link with its person, and its provider as both are now.

    Attributes:
        routed_to: the provider that the person's routing policy names now, or None for who signs in locally.
        access: the state of the access policies, read along for the decision that comes next.
    """

    pk: uuid.UUID
    person: User
    provider_id: uuid.UUID
    provider_status: str
    provider_version: int
    email: str
    display_name: str
    routed_to: uuid.UUID | None
    access: Current


def find(claims: IdTokenClaims) -> KnownLink | None:
    """Return the link of an account, or None before its first sign-in."""
    for person in User.objects.raw(_find(connection.vendor), [guard_clock(), claims.issuer, claims.federated_subject]):
        row: Any = person  # what is not a column of a person's comes as a further attribute
        return KnownLink(
            pk=as_uuid(row.link_id),
            person=person,
            provider_id=as_uuid(row.link_provider_id),
            provider_status=row.link_provider_status,
            provider_version=row.link_provider_version,
            email=row.link_email,
            display_name=row.link_display_name,
            routed_to=as_uuid(row.routed_to) if row.routed_to else None,
            access=Current.of(row.access_version, row.access_default),
        )
    return None


def note_sign_in(link: KnownLink, provider: IdentityProvider, claims: IdTokenClaims) -> bool:
    """Note a sign-in on its link, and return whether link and provider are still there, the provider as it was asked.

    Columns that stay as they are are not named: a database writes the indexes of those that are.
    """
    noted: dict[str, Any] = {"last_sign_in_at": timezone.now()}
    # Of two providers with one issuer the link belongs to the one in use: deleting the other must not take it.
    asserted = {"provider": provider.pk, "email": claims.email or claims.upn, "display_name": claims.name}
    known = {"provider": link.provider_id, "email": link.email, "display_name": link.display_name}
    noted |= {name: value for name, value in asserted.items() if value != known[name]}
    columns = ", ".join(f"{_COLUMNS.get(name, name)} = %s" for name in noted)
    values = [stored(FederatedIdentity, name, value) for name, value in noted.items()]
    where = [stored(FederatedIdentity, "id", link.pk), stored(IdentityProvider, "id", provider.pk), provider.version]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE.format(columns), [*values, *where])
        return bool(cursor.rowcount)


@lru_cache
def _find(vendor: str) -> str:
    """Return the statement for a database. Unique, so unordered and unlimited: asking for the first would sort."""
    return f"""
        SELECT person.*, link.id AS link_id, link.email AS link_email, link.display_name AS link_display_name,
               link.provider_id AS link_provider_id, issued.status AS link_provider_status,
               issued.version AS link_provider_version, {decision_about_column("person")} AS routed_to, {CURRENT}
        FROM idp_federatedidentity link
        JOIN users_user person ON person.id = link.person_id
        JOIN idp_identityprovider issued ON issued.id = link.provider_id
        WHERE link.issuer = %s AND link.subject = %s
    """  # noqa: S608  (our own names)


_COLUMNS = {"provider": "provider_id"}
_NOTE = f"""
    UPDATE idp_federatedidentity SET {{}} WHERE id = %s
    AND EXISTS (SELECT 1 FROM idp_identityprovider WHERE id = %s AND version = %s AND status = '{Status.ACTIVE.value}')
"""  # noqa: S608  (our own names)
