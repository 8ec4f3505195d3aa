"""The credentials page of a provider, and the warnings about credentials and health on other pages."""

from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from django.http import HttpResponse
from django.utils import timezone

from idp import certificates
from idp.models import ClientCertificate, ExpiryNotice, IdentityProvider, PendingLink
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator, make_provider
from users.models import AdminRole, AuditEvent, User

HOME = "/admin/"
INDEX = "/admin/directory-integrations/identity-providers/"


def page_of(provider: IdentityProvider) -> str:
    return f"{INDEX}{provider.pk}/credentials/"


def text_of(response: HttpResponse) -> str:
    return " ".join(response.content.decode().split())


def send(browser: Browser, provider: IdentityProvider, act: str, **data: str) -> HttpResponse:
    return browser.post(f"{page_of(provider)}{act}/", data)


def succeeds(browser: Browser, provider: IdentityProvider, act: str, said: str, **data: str) -> str:
    """Send a form, follow its redirect, and return the page."""
    response = send(browser, provider, act, **data)
    assert (response.status_code, response.get("Location")) == (302, page_of(provider)), text_of(response)[-900:]
    page = text_of(browser.get(page_of(provider)))
    assert said in page
    return page


def test_a_secret_is_added_promoted_and_never_shown(
    admin_browser: Browser, provider: IdentityProvider, tenant: PracticeTenant
) -> None:
    secret, day = tenant.add_secret(), date.today() + timedelta(days=300)
    assert page_of(provider) in text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))
    form = {"client_secret": secret, "client_secret_expires_on": day.isoformat()}
    page = succeeds(admin_browser, provider, "add-secret", "Accepted by the provider", **form)
    assert f"{day:%-d %B %Y}" in page and "Promote" in page and secret not in page
    page = succeeds(admin_browser, provider, "promote-secret", "in use now")
    assert "Add the next secret" in page and f"{day:%-d %B %Y}" in page and secret not in page
    assert IdentityProvider.objects.get().client_secret.reveal() == secret


def test_a_wrong_secret_is_refused_beside_its_field(admin_browser: Browser, provider: IdentityProvider) -> None:
    response = send(admin_browser, provider, "add-secret", client_secret="wrong~but~well-formed")
    page = text_of(response)
    assert response.status_code == 422 and "AADSTS7000215" in page and "id_client_secret_error" in page
    assert "wrong~but~well-formed" not in page
    assert IdentityProvider.objects.get().next_client_secret is None


def test_a_secret_is_discarded(admin_browser: Browser, provider: IdentityProvider, tenant: PracticeTenant) -> None:
    send(admin_browser, provider, "add-secret", client_secret=tenant.add_secret())
    succeeds(admin_browser, provider, "discard-secret", "was discarded")
    response = send(admin_browser, provider, "promote-secret")
    assert response.status_code == 409 and "There is no next client secret" in text_of(response)


def test_a_kind_that_cannot_be_asked_says_not_tested(admin_browser: Browser, plain_tenant: PracticeTenant) -> None:
    provider = make_provider(plain_tenant, active=False)
    page = succeeds(admin_browser, provider, "add-secret", "Not tested", client_secret="nobody~can~tell")
    assert "Accepted by the provider" not in page


def test_a_certificate_is_made_downloaded_and_used(
    admin_browser: Browser, provider: IdentityProvider, tenant: PracticeTenant
) -> None:
    page = succeeds(admin_browser, provider, "new-certificate", "Test and use")
    made = ClientCertificate.objects.get()
    assert certificates.sha1_hex(made) in page and certificates.sha256_hex(made) in page
    base = f"{page_of(provider)}certificate/next/"
    cer, pem = admin_browser.get(f"{base}cer/"), admin_browser.get(f"{base}pem/")
    assert x509.load_der_x509_certificate(cer.content) == x509.load_pem_x509_certificate(pem.content)
    assert cer["Content-Disposition"] == 'attachment; filename="gatehouse-entra-next.cer"'
    assert b"PRIVATE" not in cer.content + pem.content + page.encode()
    refused = send(admin_browser, provider, "promote-certificate")
    assert refused.status_code == 400 and "AADSTS700027" in text_of(refused)
    tenant.add_certificate(pem.content.decode())
    page = succeeds(admin_browser, provider, "promote-certificate", "The certificate is in use now")
    assert "Next certificate" in page and certificates.sha1_hex(made) in page
    provider_page = text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))
    assert "<dt>Certificate</dt>" in provider_page
    assert "Certificate" in text_of(admin_browser.get(INDEX))
    for path in ("current/der", "next/cer", "other/cer"):
        assert 'data-error-code="idp.certificate_not_found"' in text_of(
            admin_browser.get(f"{page_of(provider)}certificate/{path}/")
        )


def test_one_key_pair_at_a_time_and_it_can_be_discarded(admin_browser: Browser, provider: IdentityProvider) -> None:
    send(admin_browser, provider, "new-certificate")
    refused = send(admin_browser, provider, "new-certificate")
    assert refused.status_code == 409 and "waiting already" in text_of(refused)
    succeeds(admin_browser, provider, "discard-certificate", "were discarded")
    assert not ClientCertificate.objects.exists()


def test_a_provider_that_takes_no_certificates_says_so(admin_browser: Browser, plain_tenant: PracticeTenant) -> None:
    plain_tenant.token_endpoint_auth_methods.discard("private_key_jwt")
    provider = make_provider(plain_tenant, active=False)
    page = text_of(admin_browser.get(page_of(provider)))
    assert "does not let applications sign in with a certificate" in page and "Make a key pair" not in page
    refused = send(admin_browser, provider, "new-certificate")
    assert refused.status_code == 400 and "does not let applications" in text_of(refused)


def test_who_may_only_look_sees_no_buttons(provider: IdentityProvider, tenant: PracticeTenant) -> None:
    certificates.make_next_certificate(actor=OPERATOR, provider=provider)
    browser = Browser()
    browser.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY))
    page = text_of(browser.get(page_of(provider)))
    assert "Download .cer" in page and "Next client secret" in page
    assert not any(word in page for word in ("Promote", "Discard", "Test and use", "Make a key pair", "type=password"))


# --- warnings --------------------------------------------------------------------------------------------------------


def ends_in(days: int) -> None:
    IdentityProvider.objects.update(client_secret_expires_on=timezone.localdate() + timedelta(days=days))


@pytest.mark.parametrize(
    ("days", "said", "badge"),
    [
        (60, "The client secret expires in 60 days", "Expires in 60 days"),
        (7, "The client secret expires in 7 days", "Expires in 7 days"),
        (1, "The client secret expires tomorrow", "Expires tomorrow"),
        (0, "The client secret expires today", "Expires today"),
        (-1, "The client secret has expired", "Expired"),
    ],
)
def test_a_coming_end_is_shown_wherever_somebody_looks(
    days: int, said: str, badge: str, admin_browser: Browser, provider: IdentityProvider
) -> None:
    ends_in(days)
    for path in (HOME, f"{INDEX}{provider.pk}/", page_of(provider)):
        page = text_of(admin_browser.get(path))
        assert said in page and page_of(provider) in page, path
    assert badge in text_of(admin_browser.get(INDEX))


def test_an_end_far_away_is_not_worth_a_banner(admin_browser: Browser, provider: IdentityProvider) -> None:
    ends_in(61)
    for path in (HOME, f"{INDEX}{provider.pk}/", page_of(provider)):
        assert "The client secret expires" not in text_of(admin_browser.get(path)), path


def test_a_draft_warns_on_its_own_page_only(admin_browser: Browser, tenant: PracticeTenant) -> None:
    provider = make_provider(tenant, active=False)
    ends_in(5)
    assert "expires in 5 days" in text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))
    assert "expires in 5 days" not in text_of(admin_browser.get(HOME))


def test_what_microsoft_says_is_shown_until_the_secret_is_replaced(
    admin_browser: Browser, provider: IdentityProvider, tenant: PracticeTenant, ada: User
) -> None:
    tenant.expire_secret()
    Browser().federated_sign_in()
    assert ExpiryNotice.objects.get().threshold == 0
    for path in (f"{INDEX}{provider.pk}/", page_of(provider)):
        assert "Microsoft has refused it since" in text_of(admin_browser.get(path))
    assert 'banner-title">The client secret has expired' in text_of(admin_browser.get(HOME))
    send(admin_browser, provider, "add-secret", client_secret=tenant.add_secret())
    assert "promote it" in text_of(admin_browser.get(page_of(provider)))
    send(admin_browser, provider, "promote-secret")
    for path in (HOME, f"{INDEX}{provider.pk}/", page_of(provider)):
        page = text_of(admin_browser.get(path))
        assert 'banner-title">The client secret has expired' not in page and "Microsoft has refused" not in page


# --- health ----------------------------------------------------------------------------------------------------------


def test_health_is_told_in_words(admin_browser: Browser, provider: IdentityProvider) -> None:
    assert "Not checked yet" in text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))
    health = {"ok": False, "code": "idp.http.timeout", "detail": "contoso.example did not answer in time."}
    since = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    IdentityProvider.objects.update(health=health, health_checked_at=timezone.now(), down_since=since)
    page = text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))
    assert "4 March 2026, 05:06 UTC" in page and "did not answer in time" in page and "Down" in page
    assert "has been down since 4 March 2026, 05:06 UTC" in text_of(admin_browser.get(HOME))
    assert "Down" in text_of(admin_browser.get(INDEX))
    IdentityProvider.objects.update(health={**health, "ok": True, "code": ""}, down_since=None)
    assert "down since" not in text_of(admin_browser.get(HOME))


def test_failing_sign_ins_are_counted_by_cause(admin_browser: Browser, provider: IdentityProvider, ada: User) -> None:
    assert "Nobody has signed in with it yet" in text_of(admin_browser.get(HOME))
    Browser().federated_sign_in()
    assert "Last sign-in: just now" in text_of(admin_browser.get(HOME))

    def failed(code: str, count: int, slug: str = "entra", hours: int = 1, **details: int) -> None:
        at = timezone.now() - timedelta(hours=hours)
        AuditEvent.objects.create(
            action="portal.sign_in.failed",
            outcome="refused",
            error_code=code,
            actor_label="visitor",
            details={"provider": slug, **details},
            occurrences=count,
            at=at,
            last_at=at,
        )

    failed("federation.no_match", 1)
    failed("federation.no_match", 4)
    failed("idp.token_endpoint.refused", 2)
    failed("idp.token_endpoint.refused", 3, aadsts=7000222)
    failed("federation.person_staged", 30, slug="entra-2")
    failed("federation.person_suspended", 40, hours=25)
    page = text_of(admin_browser.get(f"{INDEX}{provider.pk}/"))
    assert page.index("5 ×") < page.index("2 ×") and "30 ×" not in page and "40 ×" not in page
    link = "/admin/insights/directory/?last=24h&amp;action=portal.sign_in.failed&amp;code=federation.no_match"
    assert link in page and "“Your identity provider refused the sign-in.”" in page
    assert page.index("3 ×") < page.index("The client secret has expired. (AADSTS7000222)") < page.index("2 ×")
    assert "Nobody yet" not in page
    home = text_of(admin_browser.get(HOME))
    assert "40 sign-ins failed in the last day" in home and "federation.<wbr>person_<wbr>staged" in home
    found = text_of(admin_browser.get(link.replace("&amp;", "&")))
    assert found.count('<p class="mono muted small">federation.<wbr>no_<wbr>match</p>') == 2
    assert "token_<wbr>endpoint" not in found


def test_people_who_wait_for_a_link_are_on_the_home_page(admin_browser: Browser, provider: IdentityProvider) -> None:
    PendingLink.objects.create(provider=provider, issuer=provider.issuer, subject="a", reason="federation.no_match")
    gone = {"subject": "b", "reason": "federation.no_match", "dismissed_at": timezone.now()}
    PendingLink.objects.create(provider=provider, issuer=provider.issuer, **gone)
    home = text_of(admin_browser.get(HOME))
    assert "1 person came with a valid account" in home and f'href="{INDEX}{provider.pk}/links/"' in home


def test_who_may_not_see_providers_sees_nothing_of_them_on_the_home_page(provider: IdentityProvider) -> None:
    ends_in(5)
    browser = Browser()
    browser.sign_in_as_administrator(make_administrator(AdminRole.HELP_DESK))
    assert "expires in" not in text_of(browser.get(HOME))
