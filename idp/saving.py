"""How a provider's row is locked and saved, so that no change is lost and no name is taken twice."""

from django.db import IntegrityError, transaction

from idp.access_errors import ProviderNamedByPolicies
from idp.errors import ChangedMeanwhile, ProviderArchived, ProviderNameTaken, ProviderNotFound
from idp.models import AccessPolicy, ClientCertificate, IdentityProvider, Slot, Status

# What housekeeping and connection tests note down at any time: a form that was open meanwhile must not undo it.
OBSERVED = frozenset({"last_test", "last_test_at", "health", "health_checked_at", "down_since"})


def decides_who_signs_in(provider: IdentityProvider) -> tuple[object, ...]:
    """Return what of a provider decides who is let in."""
    added = (tuple(provider.jit_domains), provider.jit_state) if provider.jit_enabled else ()
    return (provider.trust, tuple(provider.email_domains), provider.allow_guests, added)


def locked(provider: IdentityProvider) -> IdentityProvider:
    """Return the row as it is now, locked until the end of the transaction."""
    locked = IdentityProvider.objects.select_for_update().filter(pk=provider.pk).first()
    if locked is None:
        raise ProviderNotFound(identifier=provider.name)
    return locked


def refuse_named(provider: IdentityProvider) -> None:
    """Raise ProviderNamedByPolicies where an access policy asks whether somebody signed in with this provider."""
    named = AccessPolicy.objects.filter(named_providers__provider=provider).order_by("position")
    if names := [policy.name for policy in named]:
        raise ProviderNamedByPolicies(name=provider.name, policies=", ".join(names))


def save_changed(provider: IdentityProvider) -> None:
    """Save a changed provider, unless somebody else did since it was read.

    Sign-ins under way start again where the change decides who is let in, and only then: a new name or a new secret
    must not send anybody back.

    Raises:
        ChangedMeanwhile: somebody else was faster.
        ProviderArchived: it is put away.
    """
    current = locked(provider)
    if current.revision != provider.revision:
        raise ChangedMeanwhile()
    if current.status == Status.ARCHIVED:
        raise ProviderArchived(name=current.name)
    provider.revision += 1
    if decides_who_signs_in(current) != decides_who_signs_in(provider):
        provider.version += 1
    settings = [field.name for field in provider._meta.concrete_fields if not field.primary_key]
    save_named(provider, only=[name for name in settings if name not in OBSERVED])
    if not provider.uses_certificate:
        # Nothing that is not in use stays behind; a sign-in under way takes the secret then (`probe.credentials_of`).
        ClientCertificate.objects.filter(provider=provider, slot=Slot.CURRENT).delete()


def save_named(provider: IdentityProvider, *, only: list[str] | None = None) -> None:
    """Save a provider, or only some of its fields; raises ProviderNameTaken where another has its name."""
    try:
        with transaction.atomic():
            provider.save(update_fields=only)
    except IntegrityError as error:
        raise ProviderNameTaken(name=provider.name) from error
