"""Certificates in the place of client secrets: made here, uploaded at the provider, tried, used, replaced."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.db import connection

from idp import certificates, credentials, probe, services
from idp.models import ClientCertificate, Credential, IdentityProvider, Slot
from tests.browsing import Browser, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_provider, provider_input
from tests.idp.conformance.support import in_another_thread, succeeds
from tests.idp.test_credentials import refusal_of, stored
from users.models import AuditEvent, User


def make(provider: IdentityProvider, days: int = 365) -> ClientCertificate:
    return certificates.make_next_certificate(actor=OPERATOR, provider=provider, days=days)


def promote(provider: IdentityProvider) -> IdentityProvider:
    return certificates.promote_certificate(actor=OPERATOR, provider=provider)


@pytest.fixture
def certified(tenant: PracticeTenant, provider: IdentityProvider) -> IdentityProvider:
    """The practice tenant, with a certificate in use."""
    tenant.add_certificate(make(provider).certificate)
    return promote(provider)


def test_a_key_pair_waits_and_its_private_key_is_encrypted(provider: IdentityProvider) -> None:
    made = make(provider)
    certificate = x509.load_pem_x509_certificate(made.certificate.encode())
    assert made.slot == Slot.NEXT and stored().credential == Credential.SECRET
    assert "PRIVATE KEY" in made.private_key.reveal()
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM idp_clientcertificate")
        assert "PRIVATE" not in cursor.fetchone()[0]
    assert certificates.sha1_hex(made) == certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303
    assert certificates.sha256_hex(made) == certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert made.expires_at - datetime.now(UTC) > timedelta(days=364)
    event = last_event(action="idp.provider.certificate_made")
    assert event.details["thumbprint"] == certificates.sha256_hex(made)
    assert "PRIVATE" not in str(list(AuditEvent.objects.values()))


def test_a_certificate_that_was_not_uploaded_is_not_put_into_use(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    make(provider)
    error = refusal_of(promote, provider)
    assert error.code == "idp.token_endpoint.client_refused" and "700027" in error.message
    assert stored().credential == Credential.SECRET
    assert ClientCertificate.objects.get().slot == Slot.NEXT
    succeeds(browser_client.federated_sign_in(), browser_client)


def test_an_uploaded_certificate_signs_people_in_and_the_secret_is_gone(
    tenant: PracticeTenant, provider: IdentityProvider, certified: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    now = stored()
    assert (now.credential, now.client_secret, now.client_secret_set_at) == (Credential.CERTIFICATE, None, None)
    assert now.version == provider.version
    assert ClientCertificate.objects.get().slot == Slot.CURRENT
    tenant.expire_secret(tenant.client_secret)
    succeeds(browser_client.federated_sign_in(), browser_client)
    request = [each for each in tenant.requests if each.kind == "token"][-1]
    assert "client_assertion" in str(request) and tenant.client_secret not in str(request)


def test_a_certificate_is_replaced_with_overlap(
    tenant: PracticeTenant, certified: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    former = ClientCertificate.objects.get()
    following = make(certified)
    location = browser_client.at_provider(browser_client.begin())
    assert refusal_of(promote, certified).code == "idp.token_endpoint.client_refused"
    thumbprint = tenant.add_certificate(following.certificate)
    assert thumbprint == following.thumbprint
    promote(certified)
    assert ClientCertificate.objects.get().pk == following.pk
    tenant.remove_certificate(former.thumbprint)
    succeeds(browser_client.come_back(location), browser_client)


def test_one_key_pair_waits_at_a_time(provider: IdentityProvider) -> None:
    made = make(provider)
    assert refusal_of(make, provider).code == "idp.next_certificate_waiting"
    certificates.discard_certificate(actor=OPERATOR, provider=provider)
    assert not ClientCertificate.objects.exists()
    assert make(provider).thumbprint != made.thumbprint


def test_a_certificate_that_was_put_into_use_meanwhile_is_not_discarded(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    tenant.add_certificate(make(provider).certificate)
    as_it_was = IdentityProvider.objects.prefetch_related("certificates").get()
    assert as_it_was.certificate_in(Slot.NEXT) is not None
    promote(provider)
    refusal = refusal_of(certificates.discard_certificate, actor=OPERATOR, provider=as_it_was)
    assert refusal.code == "idp.next_certificate_missing"
    assert ClientCertificate.objects.get().slot == Slot.CURRENT
    succeeds(browser_client.federated_sign_in(), browser_client)


def test_without_one_there_is_nothing_to_use_or_discard(provider: IdentityProvider) -> None:
    for act in (certificates.promote_certificate, certificates.discard_certificate):
        assert refusal_of(act, actor=OPERATOR, provider=provider).code == "idp.next_certificate_missing"


def test_a_certificate_that_waited_too_long_is_not_used(provider: IdentityProvider) -> None:
    make(provider, days=1)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        assert refusal_of(promote, provider).code == "idp.next_certificate_expired"


@pytest.mark.parametrize("days", [0, 4000])
def test_a_certificate_lives_for_a_sensible_time(provider: IdentityProvider, days: int) -> None:
    assert refusal_of(make, provider, days).code == "idp.client_certificate.days"


def test_a_provider_without_private_key_jwt_is_refused(plain_tenant: PracticeTenant, db: None) -> None:
    plain_tenant.token_endpoint_auth_methods.discard("private_key_jwt")
    provider = make_provider(plain_tenant, active=False)
    error = refusal_of(make, provider)
    assert error.code == "idp.discovery.assertion" and "client_secret" in error.message
    assert not ClientCertificate.objects.exists()


@pytest.mark.parametrize("way", ["set", "promote", "update"])
def test_the_way_back_to_a_secret(
    way: str, tenant: PracticeTenant, certified: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    secret = tenant.add_secret()
    if way == "set":
        credentials.set_client_secret(actor=OPERATOR, provider=certified, client_secret=secret)
    elif way == "promote":
        credentials.add_next_secret(actor=OPERATOR, provider=certified, client_secret=secret)
        assert stored().credential == Credential.CERTIFICATE
        credentials.promote_next_secret(actor=OPERATOR, provider=certified)
    else:
        given = provider_input(tenant, client_secret=secret)
        services.update_provider(actor=OPERATOR, provider=certified, given=given, understood=True)
    now = stored()
    assert (now.credential, now.client_secret.reveal()) == (Credential.SECRET, secret)
    assert not ClientCertificate.objects.exists()
    tenant.remove_certificate()
    succeeds(browser_client.federated_sign_in(), browser_client)


def test_a_change_without_a_secret_keeps_the_certificate(tenant: PracticeTenant, certified: IdentityProvider) -> None:
    given = provider_input(tenant, name="Renamed", client_secret=None)
    services.update_provider(actor=OPERATOR, provider=certified, given=given)
    assert (stored().name, stored().credential) == ("Renamed", Credential.CERTIFICATE)
    assert ClientCertificate.objects.get().slot == Slot.CURRENT


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_that_read_the_certificate_just_before_it_went_is_finished(
    tenant: PracticeTenant, certified: IdentityProvider
) -> None:
    """The row was read, then an administrator went back to a secret, then the credentials are looked up."""
    read = stored()
    secret = tenant.add_secret()
    in_another_thread(lambda: credentials.set_client_secret(actor=OPERATOR, provider=certified, client_secret=secret))
    assert probe.credentials_of(read, read.discovered).client_secret == secret
