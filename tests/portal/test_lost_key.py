"""An encryption key is lost: every page and command that touches a secret says so, and none of them breaks."""

from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.utils import timezone

from idp import certificates, credentials
from idp.models import ClientCertificate, Credential, IdentityProvider, Slot, UpstreamGrant
from portal.admin_portal import urls as admin_urls
from tests.browsing import Browser, assert_refused, last_event
from tests.commands.running import run
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_provider
from tests.portal.test_permission_matrix import knock
from tests.second_factors import App, give_app, give_passkey
from users.models import User

pytestmark = pytest.mark.django_db

PROVIDERS = "/admin/directory-integrations/identity-providers/"
CLEAR = "The client secret cannot be read: enter it again"


def lose_keys(settings: LazySettings) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]


def stock(tenant: PracticeTenant, provider: IdentityProvider) -> IdentityProvider:
    """Give a provider each kind of secret: in use, in waiting, and a certificate's key."""
    credentials.add_next_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret())
    certificates.make_next_certificate(actor=OPERATOR, provider=IdentityProvider.objects.get())
    assert run("idp", "set-recheck", "entra", "10").status == 0
    return IdentityProvider.objects.get()


@pytest.fixture
def stocked(tenant: PracticeTenant, provider: IdentityProvider) -> IdentityProvider:
    """An active provider with each kind of secret."""
    return stock(tenant, provider)


@pytest.fixture
def rechecked(stocked: IdentityProvider, ada: User) -> Browser:
    """A browser in which Ada is signed in, with a refresh token on the server."""
    browser = Browser()
    browser.federated_sign_in()
    assert browser.is_signed_in and UpstreamGrant.objects.exists()
    return browser


NAMES = [pattern.name for pattern in admin_urls.urlpatterns]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_page_of_the_admin_portal_breaks(
    method: str, tenant: PracticeTenant, administrator: User, settings: LazySettings
) -> None:
    stocked = stock(tenant, make_provider(tenant, active=False))
    lose_keys(settings)
    for name in NAMES:
        browser = Browser()
        browser.sign_in_as_administrator(administrator)
        response = knock(browser, method, name, stocked)
        if response.status_code >= 500:
            assert response.status_code == 503 and "its encryption key is missing" in response.content.decode(), name


@pytest.mark.parametrize("address", ["", "PK/", "PK/credentials/", "PK/edit/"])
def test_the_list_and_the_pages_of_the_provider_say_what_to_do(
    address: str, stocked: IdentityProvider, admin_browser: Browser, settings: LazySettings
) -> None:
    lose_keys(settings)
    page = admin_browser.get(f"{PROVIDERS}{address.replace('PK', str(stocked.pk))}").content.decode()
    if address == "":
        assert "Cannot be read" in page
    elif address != "PK/edit/":
        assert CLEAR in page and "ENCRYPTION_KEYS" in page
    if address == "PK/credentials/":
        assert "Cannot be read: discard it and add it again" in page
        assert "Private key cannot be read: discard it and make another" in page


def test_home_names_it_first(stocked: IdentityProvider, admin_browser: Browser, settings: LazySettings) -> None:
    assert CLEAR not in admin_browser.get("/admin/").content.decode()
    lose_keys(settings)
    page = admin_browser.get("/admin/").content.decode()
    assert CLEAR in page and f"Nobody can sign in through {stocked.name} until it is replaced." in page


def test_a_certificate_whose_key_is_lost_is_named_as_one(
    tenant: PracticeTenant, stocked: IdentityProvider, admin_browser: Browser, settings: LazySettings
) -> None:
    IdentityProvider.objects.update(credential=Credential.CERTIFICATE, client_secret=None)
    ClientCertificate.objects.update(slot=Slot.CURRENT)
    lose_keys(settings)
    page = admin_browser.get(f"{PROVIDERS}{stocked.pk}/").content.decode()
    assert "The private key cannot be read: make another key pair" in page
    tested = run("idp", "test", "entra", "--json")
    (failed,) = [step for step in tested.json if step["outcome"] == "failed"]
    assert failed["code"] == "idp.secret_unreadable" and "The stored private key cannot be read" in failed["detail"]
    assert run("idp", "show", "entra", "--json").json["credential_readable"] is False


def test_people_get_a_clear_page_and_administrators_the_cause(
    stocked: IdentityProvider, ada: User, browser_client: Browser, settings: LazySettings
) -> None:
    lose_keys(settings)
    refused = browser_client.federated_sign_in()
    assert_refused(refused, "idp.secret_unreadable")
    assert refused.status_code == 503 and "ENCRYPTION_KEYS" not in refused.content.decode()
    details = last_event(action="portal.sign_in.failed").details
    assert details["cause"] == "The stored client secret cannot be read: its encryption key is missing."
    assert "enter the client secret again" in details["cure"]


def test_a_session_whose_refresh_token_is_lost_goes_on(rechecked: Browser, settings: LazySettings) -> None:
    """The provider was not asked, so nothing says that she may not be here."""
    lose_keys(settings)
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        assert rechecked.is_signed_in
    assert last_event(action="idp.session.check_failed").error_code == "idp.secret_unreadable"


def test_a_rehearsal_tells_the_cause(
    tenant: PracticeTenant, stocked: IdentityProvider, admin_browser: Browser, settings: LazySettings
) -> None:
    tenant.auto_sign_in = "ada@contoso.example"
    lose_keys(settings)
    begun = admin_browser.post(f"{PROVIDERS}{stocked.pk}/rehearse/")
    done = admin_browser.come_back(admin_browser.at_provider(begun["Location"]))
    report = admin_browser.get(done["Location"]) if done.status_code in {302, 303} else done
    page = report.content.decode()
    assert report.status_code == 200 and "its encryption key is missing" in page and "ENCRYPTION_KEYS" in page


COMMANDS = [
    # command, standard input, exit status
    (("idp", "list"), "", 0),
    (("idp", "list", "--json"), "", 0),
    (("idp", "show", "entra"), "", 0),
    (("idp", "certificate", "entra"), "", 0),
    (("idp", "impact", "entra"), "", 0),
    (("idp", "activate", "entra", "--dry-run"), "", 0),
    (("idp", "test", "entra"), "", 5),
    (("idp", "promote-secret", "entra"), "", 5),
    (("idp", "promote-certificate", "entra"), "", 5),
    (("idp", "discard-next-secret", "entra"), "", 0),
    (("idp", "discard-certificate", "entra"), "", 0),
    (("idp", "add-next-secret", "entra"), "SECRET", 0),
    (("idp", "set-secret", "entra"), "SECRET", 0),
    (("idp", "deactivate", "entra"), "", 0),
    (("idp", "archive", "entra"), "", 0),
    (("idp", "delete", "entra", "--confirm-name", "Contoso Entra"), "", 0),
    (("housekeeping",), "", 0),
    (("keys", "generate"), "", 0),
    (("keys", "check"), "", 3),
    (("keys", "rotate"), "", 5),
    (("keys", "rotate", "--dry-run"), "", 5),
    (("keys", "rotate", "--leave-unreadable"), "", 0),
    (("admins", "list"), "", 0),
    (("users", "list"), "", 0),
    (("sessions", "list"), "", 0),
    (("check",), "", 0),
]


@pytest.mark.parametrize(("command", "stdin", "status"), COMMANDS)
def test_no_command_breaks(
    command: tuple[str, ...],
    stdin: str,
    status: int,
    stocked: IdentityProvider,
    tenant: PracticeTenant,
    settings: LazySettings,
) -> None:
    lose_keys(settings)
    ran = run(*command, stdin=tenant.client_secret if stdin else "")
    assert ran.status == status, ran.out + ran.err
    if status == 5:
        assert "cannot be read" in ran.out + ran.err and "ENCRYPTION_KEYS" in ran.out + ran.err


def test_the_check_counts_by_kind(rechecked: Browser, administrator: User, settings: LazySettings) -> None:
    give_app(administrator)
    assert run("keys", "check").status == 0
    former = settings.ENCRYPTION_KEYS[0]
    lose_keys(settings)
    ran = run("keys", "check", "--json")
    kinds = ["client secrets", "next client secrets", "private keys of certificates", "refresh tokens of sessions"]
    expected = {kind: (1, 0, 1) for kind in [*kinds, "seeds of authenticator apps"]}
    assert ran.status == 3
    assert {row["kind"]: (row["total"], row["outdated"], row["unreadable"]) for row in ran.json} == expected
    settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, former]
    ran = run("keys", "check", "--json")
    assert ran.status == 0 and {row["outdated"] for row in ran.json} == {1}


def test_the_cure_on_the_page_works(
    stocked: IdentityProvider, tenant: PracticeTenant, ada: User, settings: LazySettings
) -> None:
    lose_keys(settings)
    assert run("idp", "set-secret", "entra", stdin=tenant.client_secret).status == 0
    browser = Browser()
    browser.federated_sign_in()
    assert browser.is_signed_in


@pytest.fixture
def guarded(administrator: User) -> App:
    return give_app(administrator)


def test_an_administrators_code_is_refused_clearly_and_a_recovery_code_opens(
    administrator: User, guarded: App, settings: LazySettings
) -> None:
    lose_keys(settings)
    browser = Browser()
    browser.sign_in_as_administrator(administrator)
    refused = browser.post("/admin/login/second-factor/", {"code": guarded.code()})
    assert refused.status_code < 504 and refused.status_code != 500 and not browser.is_administering
    assert "Use a passkey or a recovery code" in refused.content.decode()
    assert browser.post("/admin/login/second-factor/", {"code": guarded.recovery_codes[0]}).status_code == 302
    assert browser.is_administering
    home = browser.get("/admin/").content.decode()
    assert f"Codes of {administrator.label} cannot be checked" in home


def test_a_passkey_is_still_asked_for(administrator: User, settings: LazySettings) -> None:
    settings.PUBLIC_URL = "http://localhost:8000"
    browser = Browser()
    browser.sign_in_as_administrator(administrator)
    authenticator = give_passkey(browser)
    give_app(administrator)
    lose_keys(settings)
    browser = Browser()
    browser.sign_in_as_administrator(administrator)
    page = browser.get("/admin/login/second-factor/").content.decode()
    assert "data-options=" in page and authenticator is not None


def test_an_operator_can_reset_the_factor_and_make_a_link(
    administrator: User, guarded: App, settings: LazySettings
) -> None:
    lose_keys(settings)
    assert run("admins", "break-glass", administrator.company_email).status == 0
    assert run("admins", "reset-mfa", administrator.company_email).status == 0
    browser = Browser()
    browser.sign_in_as_administrator(administrator)
    assert browser.is_administering


def test_a_new_app_can_be_set_up_afterwards(administrator: User, guarded: App, settings: LazySettings) -> None:
    browser = Browser()
    browser.sign_in_as_administrator(administrator)
    browser.post("/admin/login/second-factor/", {"code": guarded.code()})
    page = browser.get("/admin/account/second-factor/app/")
    lose_keys(settings)
    assert page.status_code == 200 == browser.get("/admin/account/second-factor/").status_code
    late = browser.post("/admin/account/second-factor/app/", {"code": "123456"})
    assert late.status_code in {409, 422} and "cannot" not in late.content.decode().split("<h1")[0]
    assert browser.get("/admin/account/second-factor/app/").status_code == 200


@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
def test_the_process_is_ready_all_the_same(path: str, stocked: IdentityProvider, settings: LazySettings) -> None:
    """One provider cannot sign people in. The portal can work, and taking it out of service would help nobody."""
    lose_keys(settings)
    assert Browser().get(path).status_code == 200


def test_a_second_administrator_is_told_apart(admin_browser: Browser, settings: LazySettings) -> None:
    others = [make_administrator() for _ in range(2)]
    for other in others:
        give_app(other)
    lose_keys(settings)
    page = admin_browser.get("/admin/").content.decode()
    assert all(other.label in page for other in others)


def test_a_provider_without_trouble_is_not_marked(tenant: PracticeTenant, admin_browser: Browser) -> None:
    provider = make_provider(tenant)
    for path in (PROVIDERS, f"{PROVIDERS}{provider.pk}/", f"{PROVIDERS}{provider.pk}/credentials/"):
        assert "annot be read" not in admin_browser.get(path).content.decode()
