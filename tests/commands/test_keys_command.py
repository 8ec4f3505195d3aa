"""`manage.py keys`, and what happens when a key is lost."""

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.db import connection, transaction
from django.utils import timezone

from idp import certificates, credentials
from idp.errors import ChangedMeanwhile
from idp.fields import Secret
from idp.models import ClientCertificate, IdentityProvider, UpstreamGrant
from idp.saving import save_changed
from tests.browsing import Browser, assert_refused, last_event
from tests.commands.running import run
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR
from users.models import AuditEvent, User, UserSession

pytestmark = pytest.mark.django_db


def ciphertext() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT client_secret FROM idp_identityprovider")
        return str(cursor.fetchone()[0])


@pytest.fixture
def lost_key(provider: IdentityProvider, settings: LazySettings) -> str:
    """Replace the key under which the provider's secret is stored, and return the lost one."""
    lost = settings.ENCRYPTION_KEYS[0]
    settings.ENCRYPTION_KEYS = [run("keys", "generate").out.strip()]
    return str(lost)


def test_it_generates_keys_that_work_and_differ() -> None:
    keys = {run("keys", "generate").out.strip(), run("keys", "generate", "--json").json["key"]}
    assert len(keys) == 2
    for key in keys:
        assert Fernet(key).decrypt(Fernet(key).encrypt(b"x")) == b"x"


def test_a_secret_is_stored_encrypted(
    provider: IdentityProvider, tenant: PracticeTenant, settings: LazySettings
) -> None:
    assert tenant.client_secret not in ciphertext()
    assert Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(ciphertext()).decode() == tenant.client_secret


def test_a_rotation_encrypts_again_with_the_first_key(
    provider: IdentityProvider, tenant: PracticeTenant, settings: LazySettings
) -> None:
    old, former = settings.ENCRYPTION_KEYS[0], ciphertext()
    settings.ENCRYPTION_KEYS = [run("keys", "generate").out.strip(), old]
    provider.refresh_from_db()
    assert provider.client_secret.reveal() == tenant.client_secret  # the old key still decrypts
    assert run("keys", "rotate", "--json").json == {"secrets": 1, "dry_run": False}
    assert ciphertext() != former
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    provider.refresh_from_db()
    assert provider.client_secret.reveal() == tenant.client_secret
    assert last_event(action="keys.rotated").details == {"secrets": 1, "rotated": 1}


def test_a_rotation_reaches_every_secret(
    provider: IdentityProvider, tenant: PracticeTenant, ada: User, settings: LazySettings
) -> None:
    """The next client secret, the key behind a certificate, and a session's refresh token, found by the session."""
    credentials.add_next_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret())
    certificates.make_next_certificate(actor=OPERATOR, provider=provider)
    session = UserSession.objects.create(session_key="a" * 40, expire_date=timezone.now(), person=ada)
    UpstreamGrant.objects.create(
        session=session,
        provider=provider,
        original={},
        refresh_token=Secret.of("refresh"),
        next_check_at=timezone.now(),
    )
    settings.ENCRYPTION_KEYS = [run("keys", "generate").out.strip(), *settings.ENCRYPTION_KEYS]
    assert run("keys", "rotate", "--json").json == {"secrets": 4, "dry_run": False}
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    stored = IdentityProvider.objects.get()
    assert stored.next_client_secret.reveal() in tenant.further_secrets
    assert "PRIVATE KEY" in ClientCertificate.objects.get().private_key.reveal()
    assert UpstreamGrant.objects.get().refresh_token.reveal() == "refresh"


def test_a_change_that_was_under_way_does_not_bring_the_former_ciphertext_back(
    provider: IdentityProvider, settings: LazySettings
) -> None:
    settings.ENCRYPTION_KEYS = [run("keys", "generate").out.strip(), *settings.ENCRYPTION_KEYS]
    read_before = IdentityProvider.objects.get()
    run("keys", "rotate")
    rotated = ciphertext()
    with pytest.raises(ChangedMeanwhile), transaction.atomic():
        save_changed(read_before)
    assert ciphertext() == rotated


def test_a_dry_run_counts_and_changes_nothing(provider: IdentityProvider) -> None:
    former, rows = ciphertext(), AuditEvent.objects.count()
    assert run("keys", "rotate", "--dry-run", "--json").json == {"secrets": 1, "dry_run": True}
    assert "1 secrets would be" in run("keys", "rotate", "--dry-run").out
    assert (ciphertext(), AuditEvent.objects.count()) == (former, rows)


def test_without_secrets_there_is_nothing_to_rotate() -> None:
    assert run("keys", "rotate", "--json").json["secrets"] == 0


@pytest.mark.parametrize("further", [(), ("--dry-run",)])
def test_a_rotation_without_the_old_key_changes_nothing(lost_key: str, further: tuple[str, ...]) -> None:
    former = ciphertext()
    refused = run("keys", "rotate", "--json", *further)
    assert (refused.status, refused.error["code"]) == (5, "idp.secret_unreadable")
    assert ciphertext() == former
    assert last_event(action="keys.rotated").error_code == "idp.secret_unreadable"


def test_a_lost_key_is_named_at_the_sign_in(lost_key: str, ada: User, browser_client: Browser) -> None:
    assert_refused(browser_client.federated_sign_in(), "idp.secret_unreadable")
    assert not browser_client.is_signed_in


def test_a_lost_key_is_named_by_the_connection_test(lost_key: str) -> None:
    tested = run("idp", "test", "entra", "--json")
    (failed,) = [step for step in tested.json if step["outcome"] == "failed"]
    assert (tested.status, failed["code"]) == (5, "idp.secret_unreadable")
    assert "ENCRYPTION_KEYS" in failed["hint"]


def test_pages_and_commands_still_open_after_a_key_was_lost(lost_key: str, admin_browser: Browser) -> None:
    provider = IdentityProvider.objects.get()
    base = "/admin/directory-integrations/identity-providers/"
    for path in ("", f"{provider.pk}/", f"{provider.pk}/edit/", f"{provider.pk}/deactivate/", f"{provider.pk}/delete/"):
        assert admin_browser.get(base + path).status_code == 200
    assert run("idp", "list").status == run("idp", "show", "entra").status == 0


def test_after_a_lost_key_the_secret_can_be_entered_again(lost_key: str, tenant: PracticeTenant) -> None:
    assert run("idp", "set-secret", "entra", stdin=tenant.client_secret).status == 0
    assert IdentityProvider.objects.get().client_secret.reveal() == tenant.client_secret


def test_after_a_lost_key_federation_can_be_ended_and_the_provider_deleted(lost_key: str) -> None:
    assert run("idp", "deactivate", "entra").status == 0
    assert run("idp", "delete", "entra", "--confirm-name", "Contoso Entra").status == 0


def test_the_former_key_brings_a_lost_secret_back(
    lost_key: str, tenant: PracticeTenant, settings: LazySettings
) -> None:
    settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, lost_key]
    assert run("keys", "rotate").status == 0
    assert IdentityProvider.objects.get().client_secret.reveal() == tenant.client_secret
