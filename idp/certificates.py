"""Certificates in the place of client secrets (`private_key_jwt`): nothing that both sides would have to keep secret.

Gatehouse makes the key pair and keeps the private key encrypted; the administrator uploads the certificate at the
provider. One is in use, and the next one waits beside it until the provider was seen to accept it.
"""

import base64
import hashlib

from django.db import IntegrityError, transaction
from django.utils import timezone

from idp import probe
from idp.credential_errors import (
    CertificateNotFound,
    NextCertificateExpired,
    NextCertificateMissing,
    NextCertificateWaiting,
)
from idp.credentials import forget_rehearsals, prove
from idp.errors import ChangedMeanwhile
from idp.fields import Secret
from idp.models import ClientCertificate, Credential, IdentityProvider, Slot
from idp.protocol.client_certificate import as_cer, make_certificate
from idp.protocol.discovery import choose_auth_method
from idp.queries import find_provider
from idp.saving import save_changed
from users.audit import Actor, audited, record
from users.permissions import Permission
from users.services import require

DAYS_VALID = 365


@audited("idp.provider.certificate_made", atomic=False)
def make_next_certificate(*, actor: Actor, provider: IdentityProvider, days: int = DAYS_VALID) -> ClientCertificate:
    """Make a key pair whose certificate waits to be uploaded at the provider. What is in use stays in use.

    Raises:
        AssertionUnsupported, AssertionAlgorithmUnsupported: the provider takes no certificates.
        NextCertificateWaiting: there is one already.
        CertificateDaysInvalid: bad input.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    choose_auth_method(provider.discovered, assertion=True)
    made = make_certificate(f"Gatehouse {provider.slug}", days)
    certificate = ClientCertificate(
        provider=provider,
        private_key=Secret.of(made.private_key_pem),
        certificate=made.certificate_pem,
        thumbprint=made.thumbprint_s256,
        expires_at=made.not_after,
    )
    with transaction.atomic():
        try:
            with transaction.atomic():
                certificate.save(force_insert=True)
        except IntegrityError as error:
            raise NextCertificateWaiting() from error
        details = {"thumbprint": sha256_hex(certificate), "expires_at": certificate.expires_at}
        record("idp.provider.certificate_made", actor=actor, target=provider, details=details)
    return certificate


@audited("idp.provider.certificate_promoted", atomic=False)
def promote_certificate(*, actor: Actor, provider: IdentityProvider) -> IdentityProvider:
    """Put the waiting certificate into use, once the provider was seen to accept it. The former credential is gone.

    Raises:
        NextCertificateMissing, NextCertificateExpired: none waits, or not any more.
        ClientSecretRefused: the provider does not know it: it is not uploaded there, or not yet in force.
        ChangedMeanwhile: somebody else changed the provider while it was tried.
        and what `credentials.prove` raises.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    changed = find_provider(str(provider.pk))
    waiting = _waiting(changed)
    if waiting.expires_at <= timezone.now():
        raise NextCertificateExpired()
    tested = prove(changed, probe.certificate_credentials(changed, waiting, changed.discovered))
    details = {"tested": tested, "before": changed.credential, "thumbprint": sha256_hex(waiting)}
    changed.credential = Credential.CERTIFICATE
    forget_rehearsals(changed)
    changed.client_secret = changed.client_secret_set_at = changed.client_secret_expires_on = None
    with transaction.atomic():
        save_changed(changed)
        ClientCertificate.objects.filter(provider=changed, slot=Slot.CURRENT).delete()
        if not ClientCertificate.objects.filter(pk=waiting.pk, slot=Slot.NEXT).update(slot=Slot.CURRENT):
            raise ChangedMeanwhile()
        record("idp.provider.certificate_promoted", actor=actor, target=changed, details=details)
    return changed


@audited("idp.provider.certificate_discarded")
def discard_certificate(*, actor: Actor, provider: IdentityProvider) -> None:
    """Forget the waiting certificate and its key. What is in use stays; raises NextCertificateMissing."""
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    waiting = _waiting(provider)
    # It may have been put into use meanwhile, and then deleting it would keep everybody out.
    if not ClientCertificate.objects.filter(pk=waiting.pk, slot=Slot.NEXT).delete()[0]:
        raise NextCertificateMissing()
    details = {"thumbprint": sha256_hex(waiting)}
    record("idp.provider.certificate_discarded", actor=actor, target=provider, details=details)


def find_certificate(provider: IdentityProvider, slot: str = "") -> ClientCertificate:
    """Return the certificate in a slot; without one, the next that waits, or else the one in use.

    Raises:
        CertificateNotFound: there is none.
    """
    slots = [Slot(slot)] if slot in Slot.values else [] if slot else [Slot.NEXT, Slot.CURRENT]
    found = next(filter(None, (provider.certificate_in(each) for each in slots)), None)
    if found is None:
        raise CertificateNotFound()
    return found


def _waiting(provider: IdentityProvider) -> ClientCertificate:
    waiting = provider.certificate_in(Slot.NEXT)
    if waiting is None:
        raise NextCertificateMissing()
    return waiting


def sha256_hex(certificate: ClientCertificate) -> str:
    """Return the SHA-256 thumbprint as tools print it: upper-case hexadecimal."""
    return base64.urlsafe_b64decode(certificate.thumbprint + "=").hex().upper()


def sha1_hex(certificate: ClientCertificate) -> str:
    """Return the SHA-1 thumbprint, by which Entra's portal lists an uploaded certificate. A name, no proof."""
    return hashlib.sha1(as_cer(certificate.certificate), usedforsecurity=False).hexdigest().upper()
