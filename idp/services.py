"""What can be done with identity providers. Every change goes through here, whoever asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from idp import connection, inputs, probe, recheck
from idp.credentials import forget_next, set_secret
from idp.errors import (
    ActiveChangeNotConfirmed,
    ChangedMeanwhile,
    ClientSecretNeededAgain,
    KindUnknown,
    NameConfirmationWrong,
    NotADraft,
    ProviderNameTaken,
)
from idp.impact import Act, ProviderImpact, confirmed
from idp.models import FederatedIdentity, IdentityProvider, Kind, SlugNumber
from idp.queries import find_provider, last_slug_number
from idp.routing_order import lock_routing, put_in_order, stored_order
from idp.saving import decides_who_signs_in, locked, refuse_named, save_changed, save_named
from idp.steps import Step
from users import sessions
from users.audit import Actor, audited, record
from users.permissions import Permission
from users.services import require


@dataclass(frozen=True)
class ProviderInput:
    """What an administrator enters. `client_secret` is None where the stored one stays.

    Attributes:
        url: what was pasted: any form of the Entra IdP URL, the Okta domain, or the issuer. Ignored for Google.
        email_domains: the only domains whose people may be linked by email; empty for any.
        recheck_minutes: how often sessions are checked again by refresh token; 0 for never.
    """

    name: str
    url: str
    client_id: str
    client_secret: str | None
    client_secret_expires_on: date | None = None
    email_domains: Sequence[str] = ()
    allow_guests: bool = False
    recheck_minutes: int = 0

    def __repr__(self) -> str:
        return f"ProviderInput(name={self.name!r}, url={self.url!r})"


@audited("idp.provider.added", atomic=False)
def add_provider(*, actor: Actor, kind: str, given: ProviderInput) -> IdentityProvider:
    """Check what was entered against the provider itself, and store a draft.

    Raises:
        KindUnknown, and everything in `idp.inputs`: bad input, with the field that it belongs to.
        idp.url.*, idp.discovery.*, idp.http.*: the provider's URL is refused or does not answer as it must.
        idp.token_endpoint.refused: Entra says that client ID or secret are wrong.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    if kind not in Kind.values:
        raise KindUnknown(kind=kind[:20])
    provider = IdentityProvider(kind=kind)
    secret = inputs.clean_client_secret(given.client_secret or "", kind=kind)
    _fill(provider, given)
    notices = probe.discover(provider, given.url)
    provider.client_id = inputs.clean_client_id(given.client_id, kind=kind, tenant_id=provider.tenant_id)
    provider.recheck_minutes = recheck.check_minutes(provider, given.recheck_minutes)
    set_secret(provider, secret, given.client_secret_expires_on)
    probe.refuse_wrong_credentials(provider)
    with transaction.atomic():
        provider.slug = _reserve_slug(kind)
        save_named(provider)
        record("idp.provider.added", actor=actor, target=provider, details={"kind": kind, "issuer": provider.issuer})
    provider.notices = notices  # type: ignore[attr-defined]
    return provider


@audited("idp.provider.updated", atomic=False)
def update_provider(
    *,
    actor: Actor,
    provider: IdentityProvider,
    given: ProviderInput,
    understood: bool = False,
    seen_revision: int | None = None,
) -> IdentityProvider:
    """Change a provider with the same checks as when it was added. What fails leaves it as it was.

    A change of issuer or client ID ends the sessions that the provider opened: they were vouched for by another.

    Args:
        understood: whether a change of an active provider that decides who can sign in was confirmed.
        seen_revision: the revision that the form showed; None where the caller showed none.

    Raises:
        ChangedMeanwhile: it is not that one any more.
        ActiveChangeNotConfirmed, ClientSecretNeededAgain: see there.
        the same as `add_provider`.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    stored, changed = find_provider(str(provider.pk)), find_provider(str(provider.pk))
    if seen_revision not in (None, stored.revision):
        raise ChangedMeanwhile()
    notices = _take(changed, stored, given)
    if stored.is_active and not understood and decides_who_signs_in(stored) != decides_who_signs_in(changed):
        raise ActiveChangeNotConfirmed()
    trust_changed = stored.trust != changed.trust
    if trust_changed or given.client_secret is not None:
        probe.refuse_wrong_credentials(changed, must_answer=stored.is_active)
    with transaction.atomic():
        save_changed(changed)
        recheck.interval_changed(changed)
        ended = sessions.end_sessions(provider_id=changed.pk) if trust_changed else 0
        details = {"changed": _differences(stored, changed, given), "sessions_ended": ended}
        record("idp.provider.updated", actor=actor, target=changed, details=details)
    changed.notices = notices  # type: ignore[attr-defined]
    return changed


def _take(changed: IdentityProvider, stored: IdentityProvider, given: ProviderInput) -> tuple[str, ...]:
    """Take over what is given, checked, and return what the administrator is to be told about it."""
    _fill(changed, given)
    notices = _take_address(changed, stored, given)
    changed.recheck_minutes = recheck.check_minutes(changed, given.recheck_minutes)
    if given.client_secret is not None:
        secret = inputs.clean_client_secret(given.client_secret, kind=changed.kind)
        set_secret(changed, secret, given.client_secret_expires_on)
    return notices


def _take_address(changed: IdentityProvider, stored: IdentityProvider, given: ProviderInput) -> tuple[str, ...]:
    """Discover the provider again where its address or client ID were touched; a new name alone asks nobody."""
    is_same = given.url.strip() == stored.url and given.client_id.strip() == stored.client_id
    if is_same and given.client_secret is None:
        return ()
    notices = probe.discover(changed, given.url)
    changed.client_id = inputs.clean_client_id(given.client_id, kind=changed.kind, tenant_id=changed.tenant_id)
    is_elsewhere = (changed.issuer, changed.discovered.token_endpoint) != (
        stored.issuer,
        stored.discovered.token_endpoint,
    )
    if is_elsewhere and given.client_secret is None and not changed.uses_certificate:
        raise ClientSecretNeededAgain()
    if is_elsewhere and changed.next_client_secret is not None:
        # It was typed for the former address, and goes to no other either.
        forget_next(changed)
        notices = (*notices, "The next client secret was discarded, because it belonged to the former address.")
    return notices


@audited("idp.provider.recheck_set")
def set_recheck(*, actor: Actor, provider: IdentityProvider, minutes: int) -> IdentityProvider:
    """Say how often sessions are checked again by refresh token; 0 for never. It changes nothing about who is let in.

    Raises:
        RecheckMinutesInvalid, RecheckUnsupported: the interval is none, or the provider gives no refresh tokens.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = locked(provider)
    before, provider.recheck_minutes = provider.recheck_minutes, recheck.check_minutes(provider, minutes)
    if before != minutes:
        save_changed(provider)
        recheck.interval_changed(provider)
        details = {"from": before, "to": minutes}
        record("idp.provider.recheck_set", actor=actor, target=provider, details=details)
    return provider


@audited("idp.provider.tested", atomic=False)
def test_provider(*, actor: Actor, provider: IdentityProvider) -> list[Step]:
    """Ask the provider step by step whether it would work, store the answers, and return them."""
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    steps = connection.run_steps(connection.stored(provider))
    with transaction.atomic():
        IdentityProvider.objects.filter(pk=provider.pk).update(
            last_test=[step.as_dict() for step in steps], last_test_at=timezone.now()
        )
        failed = [step.code for step in steps if step.outcome == "failed"]
        record("idp.provider.tested", actor=actor, target=provider, details={"failed": failed})
    return steps


@audited("idp.provider.tested", atomic=False)
def test_settings(
    *, actor: Actor, kind: str, given: ProviderInput, provider: IdentityProvider | None = None
) -> list[Step]:
    """Ask the provider step by step whether what was typed would work. Nothing is stored but the audit row.

    Args:
        given: name, domains and guests are not looked at; client ID and secret may be missing.
        provider: the stored provider that the form changes. Its secret is used where none was typed, and only at its
            stored address.

    Raises:
        KindUnknown, idp.url.*, and those of `idp.inputs`: what was typed cannot even be asked about.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    if kind not in Kind.values:
        raise KindUnknown(kind=kind[:20])
    subject = connection.typed(kind, given.url, given.client_id, given.client_secret, provider)
    steps = connection.run_steps(subject)
    failed = [step.code for step in steps if step.outcome == "failed"]
    details = {"kind": kind, "unsaved": True, "url": subject.provider.url, "failed": failed}
    record("idp.provider.tested", actor=actor, target=provider, details=details)
    return steps


@audited("idp.provider.deleted")
def delete_provider(
    *, actor: Actor, provider: IdentityProvider, confirm_name: str, fingerprint: str | None = None
) -> ProviderImpact:
    """Delete a provider with its links, and end the sessions that it opened.

    Links of an issuer that another provider shares go over to that one: they are the same accounts.

    Raises:
        NameConfirmationWrong: the typed name is another.
        ProviderNamedByPolicies: access policies ask for it.
        ImpactChanged: not what was confirmed.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    provider = locked(provider)
    refuse_named(provider)
    if " ".join(confirm_name.split()) != provider.name:
        raise NameConfirmationWrong(name=provider.name)
    impact = confirmed(Act.DELETE, provider, True, fingerprint)
    record("idp.provider.deleted", actor=actor, target=provider, details={**impact.numbers(), "slug": provider.slug})
    sessions.end_sessions(provider_id=provider.pk)
    heir = IdentityProvider.objects.filter(issuer=provider.issuer).exclude(pk=provider.pk).first()
    if heir is not None:
        FederatedIdentity.objects.filter(provider=provider).update(provider=heir)
    provider.delete()  # takes its links and its routing policies along
    put_in_order(stored_order())
    return impact


@audited("idp.provider.deleted")
def discard_draft(*, actor: Actor, provider: IdentityProvider) -> None:
    """Delete a draft that nobody ever signed in through, without the questions that a deletion asks.

    Raises:
        NotADraft: it was in use; deleting it has an impact to look at.
        ProviderNamedByPolicies: access policies ask for it.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    lock_routing()
    provider = locked(provider)
    refuse_named(provider)
    if provider.activated_at is not None:
        raise NotADraft(name=provider.name)
    record("idp.provider.deleted", actor=actor, target=provider, details={"slug": provider.slug, "draft": True})
    provider.delete()
    put_in_order(stored_order())


def _fill(provider: IdentityProvider, given: ProviderInput) -> None:
    """Take over what needs no network to be checked."""
    provider.name = inputs.clean_provider_name(given.name)
    provider.email_domains = inputs.clean_email_domains(list(given.email_domains))
    provider.allow_guests = given.allow_guests
    inputs.clean_client_id(given.client_id, kind=provider.kind)
    _set_expiry(provider, given.client_secret_expires_on)
    clash = IdentityProvider.objects.filter(name__iexact=provider.name).exclude(pk=provider.pk)
    if clash.exists():
        raise ProviderNameTaken(name=provider.name)


def _set_expiry(provider: IdentityProvider, day: date | None) -> None:
    """Take over a new expiry date. One that has passed meanwhile may stay: it is true, and must not block a change."""
    if day != provider.client_secret_expires_on:
        provider.client_secret_expires_on = inputs.clean_expiry(day)


def _differences(stored: IdentityProvider, changed: IdentityProvider, given: ProviderInput) -> list[str]:
    """Return the names of what an update changed, for the audit row."""
    names = ["name", "issuer", "url", "client_id", "client_secret_expires_on", "email_domains", "allow_guests"]
    names += ["recheck_minutes", "next_client_secret_set_at"]
    differences = [name for name in names if getattr(stored, name) != getattr(changed, name)]
    return differences if given.client_secret is None else [*differences, "client_secret"]


def _reserve_slug(kind: str) -> str:
    """Reserve the next slug of this kind for ever. A race is settled by the unique number: the loser takes the next."""
    while True:
        try:
            with transaction.atomic():
                return SlugNumber.objects.create(kind=kind, number=last_slug_number(kind) + 1).slug
        except IntegrityError:
            continue
