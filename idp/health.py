"""Whether a provider could sign people in now: asked by housekeeping, and told on its page."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from idp import connection, probe
from idp.credential_errors import TokenEndpointMoved
from idp.models import IdentityProvider, Status
from idp.protocol import discovery
from idp.protocol.errors import IssuerMismatch
from idp.protocol.types import ProviderMetadata
from idp.protocol.urls import split_url
from idp.routing_queries import password_policies
from users.audit import Actor, record
from users.errors import DirectoryError


@dataclass(frozen=True)
class Health:
    """What one check found.

    Attributes:
        metadata: the discovery document as it is now, where it may be used.
    """

    ok: bool
    detail: str
    code: str = ""
    metadata: ProviderMetadata | None = None

    def as_dict(self) -> dict[str, object]:
        """Return it as it is stored."""
        return {"ok": self.ok, "code": self.code, "detail": self.detail}


@dataclass(frozen=True)
class Checked:
    """How many providers were asked, how many are down, and of how many the document was taken over anew."""

    checked: int
    down: int
    refreshed: int


def check_providers(actor: Actor) -> Checked:
    """Ask every provider that is not archived, one after the other, and store what it said.

    Each takes two requests at most, within the limits of outgoing HTTP. Two that check at once do no harm: the newer
    answer stays.
    """
    down = refreshed = checked = 0
    for provider in IdentityProvider.objects.exclude(status=Status.ARCHIVED):
        started = timezone.now()
        health = check_provider(provider)
        refreshed += _store(actor, provider, health, started)
        checked += 1
        down += not health.ok
    return Checked(checked, down, refreshed)


def check_provider(provider: IdentityProvider) -> Health:
    """Fetch discovery document and keys afresh, with every check that an administrator's change passes."""
    try:
        fresh = IdentityProvider(kind=provider.kind)
        probe.discover(fresh, provider.url)
        metadata = fresh.discovered
        _refuse_elsewhere(provider, metadata)
        _, usable = connection.count_keys(provider, metadata)
    except DirectoryError as error:
        cause = getattr(error, "admin_detail", "") or error.message
        return Health(False, f"{cause} {getattr(error, 'admin_hint', '') or error.hint}".strip(), error.code)
    text = f"The discovery document is in order, and {usable} signing key{'' if usable == 1 else 's'} can be used."
    return Health(True, text, metadata=metadata)


def _refuse_elsewhere(provider: IdentityProvider, metadata: ProviderMetadata) -> None:
    """Refuse a document that an administrator has to look at first: another issuer, or a secret's way elsewhere."""
    if metadata.issuer != provider.issuer:
        raise IssuerMismatch(found=metadata.issuer, expected=provider.issuer)
    discovery.choose_auth_method(metadata, assertion=provider.uses_certificate)
    there = split_url(metadata.token_endpoint).origin
    holds_secret = not provider.uses_certificate or provider.next_client_secret is not None
    if there != split_url(provider.discovered.token_endpoint).origin and holds_secret:
        raise TokenEndpointMoved(found=there)


def _store(actor: Actor, provider: IdentityProvider, health: Health, started: datetime) -> bool:
    """Store what was found, unless somebody has found something newer; return whether the document was refreshed."""
    with transaction.atomic():
        current = IdentityProvider.objects.select_for_update().filter(pk=provider.pk).first()
        if current is None or (current.health_checked_at is not None and current.health_checked_at > started):
            return False
        _store_health(actor, current, health)
        if health.metadata is None or current.revision != provider.revision:
            return False
        return _store_metadata(actor, current, health.metadata)


def _store_health(actor: Actor, current: IdentityProvider, health: Health) -> None:
    was_ok = current.health is None or bool(current.health.get("ok"))
    now = timezone.now()
    down_since = None if health.ok else current.down_since or now
    IdentityProvider.objects.filter(pk=current.pk).update(
        health=health.as_dict(), health_checked_at=now, down_since=down_since
    )
    if was_ok != health.ok:
        details = {"ok": health.ok, "code": health.code, "detail": health.detail}
        details["down_since"] = down_since or current.down_since
        if names := [policy.name for policy in password_policies(current)]:
            details["passwords_closed" if health.ok else "passwords_open"] = names
        record("idp.provider.health_changed", actor=actor, target=current, details=details)


def _store_metadata(actor: Actor, current: IdentityProvider, metadata: ProviderMetadata) -> bool:
    """Take over the document. Sign-ins under way go on: who is trusted with what has not changed."""
    before, after = current.discovered.as_dict(), metadata.as_dict()
    changed = sorted(name for name in after if _unordered(before[name]) != _unordered(after[name]))
    fields: dict[str, object] = {"metadata": after} if changed else {}
    if changed:
        fields["revision"] = current.revision + 1
        record("idp.provider.metadata_refreshed", actor=actor, target=current, details={"changed": changed})
    IdentityProvider.objects.filter(pk=current.pk).update(metadata_fetched_at=timezone.now(), **fields)
    return bool(changed)


def _unordered(value: object) -> object:
    """Return a list without its order, which providers do not keep and nothing here depends on."""
    return frozenset(value) if isinstance(value, list) else value
