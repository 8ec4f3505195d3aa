"""Two client secrets at once: the next one is tried, waits, and takes its place without a moment of failure."""

from datetime import date, timedelta
from threading import Event

import pytest
from django.conf import LazySettings
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from idp import credentials, services
from idp.models import IdentityProvider
from tests.browsing import Browser, last_event
from tests.entra_tenant import Fault, PracticeServer, PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_provider, provider_input
from tests.idp.conformance.support import all_at_once, in_another_thread, succeeds
from users.audit import Actor
from users.errors import DirectoryError
from users.models import AdminRole, AuditEvent, User

LATER = date.today() + timedelta(days=400)


def add_next(provider: IdentityProvider, secret: str, expires_on: date | None = None) -> IdentityProvider:
    return credentials.add_next_secret(actor=OPERATOR, provider=provider, client_secret=secret, expires_on=expires_on)


def promote(provider: IdentityProvider) -> IdentityProvider:
    return credentials.promote_next_secret(actor=OPERATOR, provider=provider)


def refusal_of(act: object, *arguments: object, **named: object) -> DirectoryError:
    with pytest.raises(DirectoryError) as caught:
        act(*arguments, **named)  # type: ignore[operator]
    return caught.value


def stored() -> IdentityProvider:
    return IdentityProvider.objects.get()


def test_the_next_secret_waits_encrypted_and_nothing_else_changes(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    secret = tenant.add_secret()
    add_next(provider, f" {secret}\n", LATER)
    now = stored()
    assert now.client_secret.reveal() == tenant.client_secret
    assert now.next_client_secret.reveal() == secret
    assert (now.next_client_secret_expires_on, now.client_secret_expires_on) == (LATER, None)
    assert (now.version, now.revision) == (provider.version, provider.revision + 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_client_secret FROM idp_identityprovider")
        assert secret not in cursor.fetchone()[0]
    assert last_event(action="idp.provider.next_secret_added").details == {"tested": True}
    assert secret not in str(list(AuditEvent.objects.values()))
    succeeds(browser_client.federated_sign_in(), browser_client)


def test_a_wrong_next_secret_changes_nothing(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    before = IdentityProvider.objects.values().get()
    error = refusal_of(add_next, provider, "wrong~but~well-formed", LATER)
    assert (error.code, error.field) == ("idp.token_endpoint.client_refused", "client_secret")
    assert IdentityProvider.objects.values("revision", "next_client_secret_set_at").get() == {
        "revision": before["revision"],
        "next_client_secret_set_at": None,
    }
    event = last_event(action="idp.provider.next_secret_added")
    assert (event.outcome, event.error_code) == ("refused", "idp.token_endpoint.client_refused")


@pytest.mark.parametrize(
    ("secret", "expires_on", "code"),
    [
        ("", None, "idp.client_secret_missing"),
        ("1f0c2a5e-3b1d-4c6e-9a51-0d1f2e3a4b5c", None, "idp.client_secret_is_id"),
        ("two words", None, "idp.client_secret_invalid"),
        ("well-formed~secret", date(2020, 1, 1), "idp.secret_expiry_invalid"),
    ],
)
def test_bad_input_asks_the_provider_nothing(
    tenant: PracticeTenant, provider: IdentityProvider, secret: str, expires_on: date | None, code: str
) -> None:
    tenant.reset_log()
    assert refusal_of(add_next, provider, secret, expires_on).code == code
    assert tenant.upstream_count() == 0 and stored().next_client_secret is None


def test_the_secret_in_use_is_not_the_next_one(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    assert refusal_of(add_next, provider, tenant.client_secret).code == "idp.next_secret_same"


def test_without_an_answer_nothing_is_stored(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    secret = tenant.add_secret()
    tenant.fault("token", Fault.HTML)
    assert refusal_of(add_next, provider, secret).code.startswith("idp.http.")
    tenant.clear_faults()
    with tenant.lying(token_error=50196):  # an answer, and neither a yes nor a no
        assert refusal_of(add_next, provider, secret).code == "idp.credential_not_proven"
    assert stored().next_client_secret is None


def test_promotion_swaps_secret_date_and_time_at_once(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    secret = tenant.add_secret()
    waiting = add_next(provider, secret, LATER)
    set_at = stored().next_client_secret_set_at
    promote(provider)
    now = stored()
    assert now.client_secret.reveal() == secret
    assert (now.client_secret_expires_on, now.client_secret_set_at) == (LATER, set_at)
    assert now.next_client_secret is now.next_client_secret_set_at is now.next_client_secret_expires_on is None
    assert (now.version, now.revision) == (provider.version, waiting.revision + 1)
    assert last_event(action="idp.provider.secret_promoted").details == {"tested": True, "before": "secret"}
    tenant.expire_secret(tenant.client_secret)
    succeeds(browser_client.federated_sign_in(), browser_client)


def test_promotion_tries_the_secret_once_more(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    secret = tenant.add_secret()
    add_next(provider, secret)
    tenant.expire_secret(secret)
    error = refusal_of(promote, provider)
    assert error.code == "idp.token_endpoint.client_refused" and "7000222" in error.message
    assert stored().client_secret.reveal() == tenant.client_secret
    assert stored().next_client_secret.reveal() == secret


@pytest.mark.django_db(transaction=True)
def test_what_housekeeping_notes_during_the_trial_stays(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    add_next(provider, tenant.add_secret())

    def meanwhile(honest: dict[str, object]) -> object:
        noted = {"down_since": timezone.now(), "health": {"ok": False, "code": "x", "detail": "y"}}
        in_another_thread(lambda: IdentityProvider.objects.update(**noted))
        return honest["token_type"]

    with tenant.lying(token={"token_type": meanwhile}):
        promote(provider)
    assert stored().down_since is not None and stored().health["code"] == "x"


@pytest.mark.django_db(transaction=True)
def test_of_a_promotion_and_another_change_at_once_one_is_refused(
    tenant: PracticeTenant, provider: IdentityProvider
) -> None:
    secret = tenant.add_secret()
    add_next(provider, secret)

    def meanwhile(honest: dict[str, object]) -> object:
        in_another_thread(lambda: credentials.discard_next_secret(actor=OPERATOR, provider=provider))
        return honest["token_type"]

    with tenant.lying(token={"token_type": meanwhile}):
        assert refusal_of(promote, provider).code == "idp.changed_meanwhile"
    assert stored().client_secret.reveal() == tenant.client_secret


def test_the_next_secret_can_be_discarded(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    add_next(provider, tenant.add_secret())
    credentials.discard_next_secret(actor=OPERATOR, provider=provider)
    assert stored().next_client_secret is None and stored().client_secret.reveal() == tenant.client_secret
    for act in (credentials.discard_next_secret, credentials.promote_next_secret):
        assert refusal_of(act, actor=OPERATOR, provider=provider).code == "idp.next_secret_missing"


@pytest.mark.parametrize("role", [AdminRole.ADMINISTRATOR, AdminRole.HELP_DESK, AdminRole.READ_ONLY])
def test_only_who_manages_providers_may(tenant: PracticeTenant, provider: IdentityProvider, role: AdminRole) -> None:
    person = make_administrator(role)
    actor = Actor(person=person, label=person.label)
    tenant.reset_log()
    given = {"actor": actor, "provider": provider}
    assert refusal_of(credentials.add_next_secret, **given, client_secret="x").code == "users.permission_refused"
    for act in (credentials.promote_next_secret, credentials.discard_next_secret):
        assert refusal_of(act, **given).code == "users.permission_refused"
    assert tenant.upstream_count() == 0


def test_other_kinds_store_what_nobody_can_test(plain_tenant: PracticeTenant, db: None) -> None:
    provider = make_provider(plain_tenant, active=False)
    plain_tenant.reset_log()
    add_next(provider, "nobody~can~tell")
    promote(provider)
    assert stored().client_secret.reveal() == "nobody~can~tell"
    assert plain_tenant.upstream_count() == 0
    assert last_event(action="idp.provider.secret_promoted").details["tested"] is False


def test_the_next_secret_goes_to_no_other_address(
    plain_tenant: PracticeTenant, settings: LazySettings, db: None
) -> None:
    provider = make_provider(plain_tenant, active=False)
    add_next(provider, "typed~for~the~first~address")
    with PracticeServer(PracticeTenant(flavour="oidc")) as server:
        elsewhere = server.tenant
        settings.INSECURE_ISSUER_ORIGINS = [*settings.INSECURE_ISSUER_ORIGINS, elsewhere.base_url]
        given = provider_input(elsewhere, client_secret="typed~for~the~second")
        changed = services.update_provider(actor=OPERATOR, provider=provider, given=given)
    assert changed.issuer != provider.issuer and stored().next_client_secret is None
    assert "next client secret was discarded" in changed.notices[0]  # type: ignore[attr-defined]
    assert "next_client_secret_set_at" in last_event(action="idp.provider.updated").details["changed"]
    assert refusal_of(promote, provider).code == "idp.next_secret_missing"


def test_a_sign_in_under_way_is_finished_with_either_secret(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    add_next(provider, tenant.add_secret())
    promote(provider)
    tenant.expire_secret(tenant.client_secret)
    succeeds(browser_client.come_back(location), browser_client)


@pytest.mark.django_db(transaction=True)
def test_nobody_fails_while_secrets_are_promoted(tenant: PracticeTenant, provider: IdentityProvider, ada: User) -> None:
    """Six browsers sign in again and again, while the secret is replaced four times; no sign-in fails."""
    is_over = Event()

    def keep_signing_in(browser: Browser | None) -> HttpResponse:
        if browser is None:
            try:
                for _ in range(4):
                    add_next(provider, tenant.add_secret())
                    promote(provider)
            finally:
                is_over.set()
            return HttpResponse(status=303)
        while True:
            response = browser.federated_sign_in()
            if response.status_code != 303 or is_over.is_set():
                return response

    responses = all_at_once(keep_signing_in, [*(Browser() for _ in range(6)), None])
    assert [response.status_code for response in responses] == [303] * 7, [r.content[-800:] for r in responses]
    assert AuditEvent.objects.filter(action="idp.provider.secret_promoted", outcome="success").count() == 4
    assert AuditEvent.objects.filter(action="portal.sign_in.succeeded").count() > 6
