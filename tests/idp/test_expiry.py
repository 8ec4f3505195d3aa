"""Who is told that a credential ends: when, once, and without holding the person who waits."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.core import mail
from django.http import HttpResponse

from idp import certificates, credentials
from idp.expiry import expiry_of, note_refused_credential, send_due
from idp.models import ExpiryNotice, IdentityProvider
from idp.protocol.aadsts import OAuthFailure
from idp.protocol.oauth_errors import TokenEndpointRefused
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_person, make_provider
from tests.idp.conformance.support import all_at_once
from tests.idp.test_credentials import refusal_of
from tests.mailbox import wait_for_mail_threads, without_mail_server
from users.models import AdminRole, AuditEvent, State, User


def ends_in(provider: IdentityProvider, days: int) -> None:
    IdentityProvider.objects.filter(pk=provider.pk).update(client_secret_expires_on=date.today() + timedelta(days=days))


@pytest.mark.parametrize(
    ("days", "threshold", "said"),
    [
        (61, None, ""),
        (60, 60, "expires in 60 days"),
        (31, 60, "expires in 31 days"),
        (30, 30, "expires in 30 days"),
        (14, 14, "expires in 14 days"),
        (7, 7, "expires in 7 days"),
        (1, 1, "expires tomorrow"),
        (0, 1, "expires today"),
        (-3, 1, "has expired"),
    ],
)
def test_one_mail_for_the_nearest_threshold(
    provider: IdentityProvider, days: int, threshold: int | None, said: str
) -> None:
    ends_in(provider, days)
    assert send_due() == (threshold is not None)
    assert [notice.threshold for notice in ExpiryNotice.objects.all()] == ([threshold] if said else [])
    subjects = [f"Contoso Entra: the client secret {said}"] if said else []
    assert [message.subject for message in mail.outbox] == subjects
    assert send_due() == 0 and len(mail.outbox) == bool(said)


def test_each_threshold_has_its_mail_and_missed_ones_are_not_made_up_for(provider: IdentityProvider) -> None:
    sent = []
    for days in (59, 58, 30, 2, 1, 0):
        ends_in(provider, 0)
        IdentityProvider.objects.update(client_secret_expires_on=date(2030, 6, 30))
        with time_machine.travel(datetime(2030, 6, 30, 12, tzinfo=UTC) - timedelta(days=days), tick=False):
            sent.append(send_due())
    assert sent == [1, 0, 1, 1, 1, 0]
    assert sorted(ExpiryNotice.objects.values_list("threshold", flat=True)) == [1, 7, 30, 60]


def test_a_mail_goes_to_who_can_act_and_says_where_without_a_secret(
    tenant: PracticeTenant, provider: IdentityProvider, administrator: User, settings: LazySettings
) -> None:
    settings.PUBLIC_URL = "https://gatehouse.example"
    settings.DEFAULT_FROM_EMAIL = "Gatehouse <door@gatehouse.example>"
    other = make_administrator()
    for role in (AdminRole.ADMINISTRATOR, AdminRole.HELP_DESK, AdminRole.READ_ONLY):
        make_administrator(role)
    suspended = make_administrator()
    User.objects.filter(pk=suspended.pk).update(state=State.SUSPENDED)
    make_person()
    ends_in(provider, 14)
    send_due()
    (message,) = mail.outbox
    assert sorted(message.to) == sorted([administrator.company_email, other.company_email])
    assert message.from_email == "Gatehouse <door@gatehouse.example>"
    ((html, kind),) = message.alternatives
    url = f"https://gatehouse.example/admin/directory-integrations/identity-providers/{provider.pk}/credentials/"
    day = f"{date.today() + timedelta(days=14):%-d %B %Y}"
    for text in (message.body, html):
        assert url in text and day in text and "Contoso Entra" in text and "1 person" in text
        assert tenant.client_secret not in text
    assert kind == "text/html" and "<script" not in html


def test_a_name_that_could_break_a_mail_does_not(tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(tenant, name="Ö & <b>Söhne</b>")
    ends_in(provider, 7)
    send_due()
    (message,) = mail.outbox
    assert message.subject.startswith("Ö & <b>Söhne</b>: ") and "Ö & <b>Söhne</b> ends" in message.body
    assert "&lt;b&gt;Söhne&lt;/b&gt;" in message.alternatives[0][0]


def test_nobody_is_told_about_a_provider_that_is_not_in_use(tenant: PracticeTenant, administrator: User) -> None:
    ends_in(make_provider(tenant, active=False), 7)
    assert send_due() == 0 and not mail.outbox


def test_another_secret_and_another_date_are_warned_of_anew(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    day = date.today() + timedelta(days=10)
    for _ in range(2):
        credentials.set_client_secret(
            actor=OPERATOR, provider=provider, client_secret=tenant.add_secret(), expires_on=day
        )
        assert send_due() == 1
    ends_in(provider, 11)
    assert send_due() == 1 and len(mail.outbox) == 3


def test_a_certificate_is_warned_of_like_a_secret(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    made = certificates.make_next_certificate(actor=OPERATOR, provider=provider, days=10)
    tenant.add_certificate(made.certificate)
    assert send_due() == 0  # it is not in use
    certificates.promote_certificate(actor=OPERATOR, provider=provider)
    assert (send_due(), send_due()) == (1, 0)
    assert mail.outbox[0].subject == "Contoso Entra: the certificate expires in 10 days"
    assert "key pair" in mail.outbox[0].body


def test_a_mail_that_could_not_be_sent_is_sent_by_the_next_run(
    provider: IdentityProvider, settings: LazySettings
) -> None:
    ends_in(provider, 14)
    kept = settings.EMAIL_BACKEND
    without_mail_server(settings)
    error = refusal_of(send_due)
    assert (error.code, error.exit_status) == ("idp.mail_failed", 5)
    assert ExpiryNotice.objects.get().sent_at is None
    settings.EMAIL_BACKEND = kept
    assert (send_due(), send_due()) == (1, 0)
    assert AuditEvent.objects.filter(action="idp.provider.expiry_noticed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_runs_at_once_send_one_mail(provider: IdentityProvider) -> None:
    ends_in(provider, 14)
    sent = all_at_once(lambda _: HttpResponse(str(send_due())), range(10))
    assert sorted(int(response.content) for response in sent) == [0] * 9 + [1]
    assert len(mail.outbox) == 1


# --- what the provider says at a sign-in -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_first_refusal_of_an_expired_secret_sends_one_mail_at_once(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    tenant.expire_secret()
    responses = all_at_once(lambda browser: browser.federated_sign_in(), [Browser() for _ in range(6)])
    wait_for_mail_threads()
    assert {response.status_code for response in responses} == {502}
    (message,) = mail.outbox
    assert message.subject == "Contoso Entra: the client secret has expired"
    assert "Microsoft says" in message.body
    assert_refused(Browser().federated_sign_in(), "idp.token_endpoint.refused")
    assert send_due() == 0 and len(mail.outbox) == 1
    assert last_event(action="idp.provider.credential_refused").target_label == "Contoso Entra"
    assert expiry_of(provider).refused_since is not None


@pytest.mark.django_db(transaction=True)
def test_a_new_secret_ends_the_warning_and_has_a_mail_of_its_own(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    for number in (1, 2):
        secret = IdentityProvider.objects.get().client_secret.reveal()
        tenant.expire_secret(secret)
        Browser().federated_sign_in()
        wait_for_mail_threads()
        assert len(mail.outbox) == number
        fresh = tenant.add_secret()
        changed = credentials.set_client_secret(actor=OPERATOR, provider=provider, client_secret=fresh)
        assert expiry_of(changed).refused_since is None
        assert Browser().federated_sign_in().status_code == 303


@pytest.mark.django_db(transaction=True)
def test_the_person_is_not_held_by_the_mail_server_and_housekeeping_tries_again(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, settings: LazySettings
) -> None:
    kept = settings.EMAIL_BACKEND
    without_mail_server(settings)
    tenant.expire_secret()
    assert_refused(Browser().federated_sign_in(), "idp.token_endpoint.refused")
    wait_for_mail_threads()
    assert ExpiryNotice.objects.get().sent_at is None
    settings.EMAIL_BACKEND = kept
    assert send_due() == 1 and "has expired" in mail.outbox[0].subject


@pytest.mark.parametrize("code", [7000215, 700016, 700027, 50196])
def test_other_refusals_are_no_expiry(code: int, tenant: PracticeTenant, provider: IdentityProvider, ada: User) -> None:
    with tenant.lying(token_error=code):
        Browser().federated_sign_in()
    wait_for_mail_threads()
    assert not mail.outbox and not ExpiryNotice.objects.exists()


def test_a_sign_in_that_began_with_the_former_secret_says_nothing_about_the_new_one(
    tenant: PracticeTenant, provider: IdentityProvider
) -> None:
    """It read the provider, then the secret was replaced, then the provider refused what was read."""
    refused = TokenEndpointRefused(OAuthFailure("invalid_client", 7000222))
    credentials.set_client_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret())
    note_refused_credential(provider, refused)
    note_refused_credential(None, refused)
    wait_for_mail_threads()
    assert not mail.outbox and not ExpiryNotice.objects.exists()
    note_refused_credential(IdentityProvider.objects.get(), refused)
    wait_for_mail_threads()
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_an_expired_certificate_that_is_refused_is_told(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    made = certificates.make_next_certificate(actor=OPERATOR, provider=provider, days=1)
    tenant.add_certificate(made.certificate)
    certificates.promote_certificate(actor=OPERATOR, provider=provider)
    with tenant.lying(token_error=700027):
        Browser().federated_sign_in()
        wait_for_mail_threads()
        assert not mail.outbox
        with time_machine.travel(made.expires_at + timedelta(minutes=1)):
            Browser().federated_sign_in()
    wait_for_mail_threads()
    assert [message.subject for message in mail.outbox] == ["Contoso Entra: the certificate has expired"]
