"""People who came with a valid token and were not matched: remembered until an administrator links or dismisses them.

A row is noted for a refusal of the first-link ladder, and never for an account that is linked already: a suspended
colleague with a link is no riddle. Somebody who would be matched but is staged or suspended is noted too, because her
administrator may not know that she has begun to come. A trigger removes the row as soon as its account is linked, by
whatever way.
"""

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet
from django.utils import timezone

from idp.federation_errors import NoMatch
from idp.link_errors import PendingLinkNotFound
from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from idp.pending_reasons import FACTS
from idp.protocol.types import IdTokenClaims
from users.audit import Actor, audited, record
from users.permissions import Permission
from users.services import require

# Of one provider. Where anybody can open an account, strangers must not fill the disk.
MAX_ROWS = 5000
_log = logging.getLogger(__name__)


def note(provider: IdentityProvider, claims: IdTokenClaims, error: NoMatch) -> None:
    """Remember who came and why she was refused, or count it where she came before. Never fails for the person."""
    try:
        if not _count_again(provider, claims, error):
            _insert(provider, claims, error)
    except (DatabaseError, ValueError):
        # The refusal itself stands and has its audit row; only this convenience is lost.
        _log.exception("A pending link at %s could not be noted.", provider.slug)


def _count_again(provider: IdentityProvider, claims: IdTokenClaims, error: NoMatch) -> bool:
    row = PendingLink.objects.filter(issuer=claims.issuer, subject=claims.federated_subject)
    shown = _shown(claims, error)
    return bool(row.update(**shown, provider=provider, attempts=F("attempts") + 1, last_seen_at=timezone.now()))


def _insert(provider: IdentityProvider, claims: IdTokenClaims, error: NoMatch) -> None:
    """Insert the row, unless the provider or the riddle is gone. Of two that come at once the second counts."""
    key = {"issuer": claims.issuer, "subject": claims.federated_subject}
    try:
        with transaction.atomic():
            # Whoever makes a link, or deletes the provider, holds the same lock: nobody does either until the commit.
            if not IdentityProvider.objects.select_for_update(no_key=True).filter(pk=provider.pk).exists():
                return
            if FederatedIdentity.objects.filter(**key).exists():
                return
            PendingLink.objects.create(provider=provider, **key, **_shown(claims, error))
            _prune(provider)
    except IntegrityError:
        _count_again(provider, claims, error)


def _prune(provider: IdentityProvider) -> None:
    """Keep the newest rows, and of those that go the dismissed ones first."""
    rows = PendingLink.objects.filter(provider=provider)
    surplus = rows.count() - MAX_ROWS
    if surplus > 0:
        is_open = ExpressionWrapper(Q(dismissed_at__isnull=True), output_field=BooleanField())
        oldest = rows.annotate(is_open=is_open).order_by("is_open", "last_seen_at")[:surplus]
        PendingLink.objects.filter(pk__in=[row.pk for row in oldest]).delete()


def _shown(claims: IdTokenClaims, error: NoMatch) -> dict[str, Any]:
    facts = {name: error.context[name] for name in FACTS if name in error.context}
    return {
        "object_id": claims.object_id[:64],
        "email": (claims.email or claims.upn)[:255],
        "display_name": claims.name[:255],
        "reason": error.code,
        "facts": _bounded(facts),
    }


def _bounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: sorted(str(item)[:255] for item in value[:10]) if isinstance(value, list | tuple) else str(value)[:255]
        for name, value in facts.items()
    }


def pending_of(provider: IdentityProvider, *, dismissed: bool = False) -> "QuerySet[PendingLink]":
    """Return the accounts that wait at a provider, or those that were dismissed, newest first.

    Accounts of a former issuer are left out: they cannot come back.
    """
    rows = PendingLink.objects.filter(provider=provider, issuer=provider.issuer, dismissed_at__isnull=not dismissed)
    return rows.order_by("-last_seen_at", "-id")


def find_pending(provider: IdentityProvider, identifier: object) -> PendingLink:
    """Return the account that waits at this provider under this id. Raises PendingLinkNotFound."""
    try:
        key = uuid.UUID(str(identifier))
    except ValueError:
        key = uuid.UUID(int=0)
    found = PendingLink.objects.filter(pk=key, provider=provider, issuer=provider.issuer).first()
    if found is None:
        raise PendingLinkNotFound(identifier=ascii(str(identifier)[:64]).strip("'"), provider=provider.name)
    return found


@audited("idp.pending_link.dismissed")
def dismiss_pending(*, actor: Actor, provider: IdentityProvider, pending: PendingLink) -> PendingLink:
    """Take an account off the list. When it comes again it stays off, and is counted on. Doing it twice is fine."""
    return _set_dismissed(actor, provider, pending, "idp.pending_link.dismissed", dismissed=True)


@audited("idp.pending_link.restored")
def restore_pending(*, actor: Actor, provider: IdentityProvider, pending: PendingLink) -> PendingLink:
    """Put a dismissed account back on the list."""
    return _set_dismissed(actor, provider, pending, "idp.pending_link.restored", dismissed=False)


def _set_dismissed(
    actor: Actor, provider: IdentityProvider, pending: PendingLink, action: str, *, dismissed: bool
) -> PendingLink:
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    pending = find_pending(provider, pending.pk)
    rows = PendingLink.objects.filter(pk=pending.pk, dismissed_at__isnull=dismissed)
    pending.dismissed_at = timezone.now() if dismissed else None
    if rows.update(dismissed_at=pending.dismissed_at):
        details = {"provider": provider.name, "subject": pending.subject, "reason": pending.reason}
        record(action, actor=actor, target=pending, details=details)
    return pending
