"""How Gatehouse proves to a provider which application it is: client secrets and certificates."""

from datetime import date

from django.db import transaction
from django.utils import timezone

from idp import inputs, probe
from idp.fields import Secret
from idp.models import IdentityProvider
from idp.queries import find_provider
from idp.saving import save_changed
from users.audit import Actor, audited, record
from users.permissions import Permission
from users.services import require


@audited("idp.provider.secret_set", atomic=False)
def set_client_secret(
    *, actor: Actor, provider: IdentityProvider, client_secret: str, expires_on: date | None = None
) -> IdentityProvider:
    """Replace the client secret. For Entra the new one is tried first, and a wrong one changes nothing."""
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    changed = find_provider(str(provider.pk))
    set_secret(changed, inputs.clean_client_secret(client_secret, kind=changed.kind), expires_on)
    probe.refuse_wrong_credentials(changed, must_answer=changed.is_active)
    with transaction.atomic():
        save_changed(changed)
        record("idp.provider.secret_set", actor=actor, target=changed)
    return changed


def set_secret(provider: IdentityProvider, secret: str, expires_on: date | None) -> None:
    provider.client_secret = Secret.of(secret)
    provider.client_secret_set_at = timezone.now()
    provider.client_secret_expires_on = inputs.clean_expiry(expires_on)
