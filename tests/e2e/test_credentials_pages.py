"""The credentials page, and health and attention on the pages around it, in every state that they have."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from idp import certificates, credentials
from idp.models import IdentityProvider
from tests.e2e.looking import Eye
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_provider
from users.models import AuditEvent

pytestmark = pytest.mark.django_db(transaction=True)

PROVIDERS = "/admin/directory-integrations/identity-providers/"


def test_credentials_from_nothing_to_a_certificate(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    provider = make_provider(tenant)
    admin_page.goto(f"{PROVIDERS}{provider.pk}/")
    admin_page.get_by_role("link", name="Credentials").click()
    eye.look(admin_page, "credentials")
    admin_page.get_by_role("textbox", name="Next client secret").fill("wrong~but~well-formed")
    admin_page.get_by_role("button", name="Add the next secret").click()
    expect(admin_page.get_by_role("alert")).to_contain_text("The client secret is wrong")
    eye.glance(admin_page, "credentials-wrong")
    admin_page.get_by_role("textbox", name="Next client secret").fill(tenant.add_secret())
    admin_page.get_by_label("It expires on").fill((date.today() + timedelta(days=20)).isoformat())
    admin_page.get_by_role("button", name="Add the next secret").click()
    admin_page.get_by_role("button", name="Promote").click()
    expect(admin_page.get_by_text("The client secret expires in 20 days")).to_be_visible()
    admin_page.get_by_role("button", name="Make a key pair").click()
    eye.look(admin_page, "credentials-waiting")
    admin_page.get_by_role("button", name="Test and use").click()
    expect(admin_page.get_by_role("alert")).to_contain_text("AADSTS700027")
    tenant.add_certificate(certificates.find_certificate(provider).certificate)
    admin_page.get_by_role("button", name="Test and use").click()
    expect(admin_page.get_by_role("status")).to_contain_text("The certificate is in use now")
    eye.glance(admin_page, "credentials-certificate")


def test_what_needs_attention_comes_first(admin_page: Page, tenant: PracticeTenant, eye: Eye) -> None:
    provider = make_provider(tenant)
    soon = date.today() + timedelta(days=5)
    credentials.set_client_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret(), expires_on=soon)
    down = {"ok": False, "code": "idp.http.timeout", "detail": "login.example did not answer in time."}
    IdentityProvider.objects.update(health=down, health_checked_at=timezone.now(), down_since=timezone.now())
    for code, count in (("federation.no_match", 5), ("idp.token.nonce", 1)):
        facts = {"details": {"provider": provider.slug}, "error_code": code, "occurrences": count}
        AuditEvent.objects.create(action="portal.sign_in.failed", outcome="refused", actor_label="visitor", **facts)
    for name, path in (("home-attention", "/admin/"), ("providers-attention", PROVIDERS)):
        admin_page.goto(path)
        eye.look(admin_page, name)
    admin_page.goto(f"{PROVIDERS}{provider.pk}/")
    eye.look(admin_page, "provider-attention")
