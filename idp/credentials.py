"""Client secrets: one in use, and the next one beside it until it takes its place. Certificates: `certificates.py`.

The next secret is tried before it is stored and again before it is promoted. Both work at the provider until the
administrator deletes the former one there, so no sign-in fails in between: one under way goes on with the secret that
it began with.
"""

import contextlib
import hmac
from datetime import date

from django.db import transaction
from django.utils import timezone

from idp import inputs, probe
from idp.credential_errors import CredentialNotProven, NextSecretMissing, NextSecretSame
from idp.errors import SecretUnreadable
from idp.fields import Secret
from idp.models import Credential, IdentityProvider
from idp.protocol.types import ClientCredentials
from idp.queries import find_provider
from idp.saving import save_changed
from users.audit import Actor, audited, record
from users.permissions import Permission
from users.services import require


@audited("idp.provider.secret_set", atomic=False)
def set_client_secret(
    *, actor: Actor, provider: IdentityProvider, client_secret: str, expires_on: date | None = None
) -> IdentityProvider:
    """Replace what is in use by this client secret. For Entra it is tried first, and a wrong one changes nothing."""
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    changed = find_provider(str(provider.pk))
    set_secret(changed, inputs.clean_client_secret(client_secret, kind=changed.kind), expires_on)
    probe.refuse_wrong_credentials(changed, must_answer=changed.is_active)
    with transaction.atomic():
        save_changed(changed)
        record("idp.provider.secret_set", actor=actor, target=changed)
    return changed


def set_secret(provider: IdentityProvider, secret: str, expires_on: date | None) -> None:
    """Put a secret, unsaved, into the place of what a provider uses now, be that a secret or a certificate."""
    provider.credential = Credential.SECRET
    provider.client_secret = Secret.of(secret)
    provider.client_secret_set_at = timezone.now()
    provider.client_secret_expires_on = inputs.clean_expiry(expires_on)


def prove(provider: IdentityProvider, credentials: ClientCredentials) -> bool:
    """Try credentials that are not in use yet, and return whether they could be tried.

    Only Entra answers without a person; other kinds show at a first sign-in whether the credential is right.

    Raises:
        ClientSecretRefused: the provider says that they are wrong.
        CredentialNotProven: it says neither yes nor no.
        idp.http.*, idp.token_endpoint.unavailable: it does not answer.
    """
    accepted = probe.refuse_wrong_credentials(provider, credentials=credentials, must_answer=True)
    if provider.is_entra and not accepted:
        raise CredentialNotProven()
    return accepted


@audited("idp.provider.next_secret_added", atomic=False)
def add_next_secret(
    *, actor: Actor, provider: IdentityProvider, client_secret: str, expires_on: date | None = None
) -> IdentityProvider:
    """Store a second secret that waits. The one in use stays in use; a wrong second one changes nothing.

    Raises:
        idp.client_secret_*, SecretExpiryInvalid, NextSecretSame: bad input.
        and what `prove` raises.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    changed = find_provider(str(provider.pk))
    text = inputs.clean_client_secret(client_secret, kind=changed.kind)
    changed.next_client_secret_expires_on = inputs.clean_expiry(expires_on)
    _refuse_same(changed, text)
    changed.next_client_secret = Secret.of(text)
    changed.next_client_secret_set_at = timezone.now()
    tested = _prove_next(changed)
    with transaction.atomic():
        save_changed(changed)
        record("idp.provider.next_secret_added", actor=actor, target=changed, details={"tested": tested})
    return changed


@audited("idp.provider.secret_promoted", atomic=False)
def promote_next_secret(*, actor: Actor, provider: IdentityProvider) -> IdentityProvider:
    """Put the next secret into use, after it was tried once more. The former credential is gone then.

    Raises:
        NextSecretMissing: none waits.
        ChangedMeanwhile: the provider was changed while it was tried.
        and what `prove` raises.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    changed = find_provider(str(provider.pk))
    if changed.next_client_secret is None:
        raise NextSecretMissing()
    tested = _prove_next(changed)
    details = {"tested": tested, "before": changed.credential}
    changed.credential = Credential.SECRET
    changed.client_secret = changed.next_client_secret
    changed.client_secret_set_at = changed.next_client_secret_set_at
    changed.client_secret_expires_on = changed.next_client_secret_expires_on
    forget_next(changed)
    forget_rehearsals(changed)
    with transaction.atomic():
        save_changed(changed)
        record("idp.provider.secret_promoted", actor=actor, target=changed, details=details)
    return changed


@audited("idp.provider.next_secret_discarded")
def discard_next_secret(*, actor: Actor, provider: IdentityProvider) -> IdentityProvider:
    """Forget the next secret. What is in use stays; raises NextSecretMissing."""
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    changed = find_provider(str(provider.pk))
    if changed.next_client_secret is None:
        raise NextSecretMissing()
    forget_next(changed)
    save_changed(changed)
    record("idp.provider.next_secret_discarded", actor=actor, target=changed)
    return changed


def _refuse_same(provider: IdentityProvider, text: str) -> None:
    """Refuse the secret that is in use, unless its key was lost: then nobody can tell, and any secret is welcome."""
    with contextlib.suppress(SecretUnreadable):
        if provider.client_secret and hmac.compare_digest(provider.client_secret.reveal().encode(), text.encode()):
            raise NextSecretSame()


def _prove_next(provider: IdentityProvider) -> bool:
    return prove(provider, probe.secret_credentials(provider, provider.next_client_secret, provider.discovered))


def forget_next(provider: IdentityProvider) -> None:
    """Take the next secret, unsaved, from a provider."""
    provider.next_client_secret = provider.next_client_secret_set_at = provider.next_client_secret_expires_on = None


def forget_rehearsals(provider: IdentityProvider) -> None:
    """Let rehearsals with the former credential count no more, unsaved. At an active provider it changes nothing."""
    if not provider.is_active:  # there, sign-ins under way must not start again
        provider.version += 1
