"""How a provider's row is locked and saved, so that no change is lost and no name is taken twice."""

from django.db import IntegrityError, transaction

from idp.errors import ChangedMeanwhile, ProviderNameTaken, ProviderNotFound
from idp.models import IdentityProvider


def decides_who_signs_in(provider: IdentityProvider) -> tuple[object, ...]:
    """Return what of a provider decides who is let in."""
    return (provider.trust, tuple(provider.email_domains), provider.allow_guests)


def locked(provider: IdentityProvider) -> IdentityProvider:
    """Return the row as it is now, locked until the end of the transaction."""
    locked = IdentityProvider.objects.select_for_update().filter(pk=provider.pk).first()
    if locked is None:
        raise ProviderNotFound(identifier=provider.name)
    return locked


def save_changed(provider: IdentityProvider) -> None:
    """Save a changed provider, unless somebody else did since it was read.

    Sign-ins under way start again where the change decides who is let in, and only then: a new name or a new secret
    must not send anybody back.

    Raises:
        ChangedMeanwhile: somebody else was faster.
    """
    current = locked(provider)
    if current.revision != provider.revision:
        raise ChangedMeanwhile()
    provider.revision += 1
    if decides_who_signs_in(current) != decides_who_signs_in(provider):
        provider.version += 1
    save_named(provider)


def save_named(provider: IdentityProvider) -> None:
    """Save a provider; raises ProviderNameTaken where another has its name."""
    try:
        with transaction.atomic():
            provider.save()
    except IntegrityError as error:
        raise ProviderNameTaken(name=provider.name) from error
