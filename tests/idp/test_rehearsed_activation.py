"""Activation after a rehearsal, and without one."""

from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.utils import timezone

from idp import activation, certificates, credentials, services
from idp.impact import Act, impact_of
from idp.models import IdentityProvider, Rehearsal
from tests.browsing import Browser, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_administrator, provider_input
from tests.idp.rehearsing import PROVIDERS, rehearse
from users.models import State, User


def activate(browser: Browser, provider: IdentityProvider, **form: str) -> HttpResponse:
    """Confirm the impact dialog as it is now."""
    provider.refresh_from_db()
    fingerprint = impact_of(Act.ACTIVATE, provider).fingerprint
    where = f"{PROVIDERS}{provider.pk}/activate/"
    return browser.post(where, {"fingerprint": fingerprint, "understood": "yes", **form})


def test_a_rehearsal_is_enough_to_activate(draft: IdentityProvider, admin_browser: Browser, ada: User) -> None:
    rehearse(admin_browser, draft)
    assert activate(admin_browser, draft).status_code == 302
    details = last_event(action="idp.provider.activated").details
    assert details["rehearsed"] is True and "without_rehearsal" not in details


def test_without_one_activation_asks_for_a_second_confirmation(draft: IdentityProvider, admin_browser: Browser) -> None:
    refusal = activate(admin_browser, draft)
    page = refusal.content.decode()
    assert refusal.status_code == 409 and "you have not rehearsed a sign-in" in page
    assert page.split('name="understood"')[1].split(">")[0].count("checked") == 1
    assert last_event(action="idp.provider.activated").error_code == "idp.rehearsal_missing"
    assert not IdentityProvider.objects.get().is_active
    assert activate(admin_browser, draft, without_rehearsal="yes").status_code == 302
    details = last_event(action="idp.provider.activated").details
    assert (details["rehearsed"], details["without_rehearsal"]) == (False, True)


@pytest.mark.parametrize(
    "reason",
    ["an hour ago", "another's", "failed", "other settings", "another secret", "promoted secret", "certificate"],
)
def test_some_rehearsals_are_not_enough(
    reason: str, draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    browser = admin_browser
    if reason == "another's":
        browser = Browser()
        browser.sign_in_as_administrator(make_administrator())
    if reason == "failed":
        User.objects.filter(pk=ada.pk).update(state=State.SUSPENDED)
    if reason == "promoted secret":
        credentials.add_next_secret(actor=OPERATOR, provider=draft, client_secret=tenant.add_secret())
    rehearse(browser, draft)
    if reason == "promoted secret":
        credentials.promote_next_secret(actor=OPERATOR, provider=draft)
    if reason == "certificate":
        tenant.add_certificate(certificates.make_next_certificate(actor=OPERATOR, provider=draft).certificate)
        certificates.promote_certificate(actor=OPERATOR, provider=draft)
    if reason == "an hour ago":
        Rehearsal.objects.update(started_at=timezone.now() - timedelta(minutes=61))
    if reason == "other settings":
        given = provider_input(tenant, client_secret=None, allow_guests=True)
        services.update_provider(actor=OPERATOR, provider=draft, given=given)
    if reason == "another secret":
        given = provider_input(tenant, client_secret=tenant.add_secret())
        services.update_provider(actor=OPERATOR, provider=draft, given=given)
    assert activate(admin_browser, draft).status_code == 409
    assert last_event(action="idp.provider.activated").error_code == "idp.rehearsal_missing"


def test_a_failure_after_a_success_takes_nothing_back(
    draft: IdentityProvider, tenant: PracticeTenant, admin_browser: Browser, ada: User
) -> None:
    rehearse(admin_browser, draft)
    tenant.auto_sign_in = "claude@contoso.example"
    rehearse(admin_browser, draft)
    assert activate(admin_browser, draft).status_code == 302


def test_an_operator_is_not_asked_and_the_audit_log_says_that_nobody_rehearsed(
    draft: IdentityProvider, administrator: User
) -> None:
    activation.activate_provider(actor=OPERATOR, provider=draft, understood=True, fingerprint=None)
    details = last_event(action="idp.provider.activated").details
    assert details["rehearsed"] is False and "without_rehearsal" not in details


def test_new_numbers_are_looked_at_before_a_rehearsal_is_asked_for(
    draft: IdentityProvider, admin_browser: Browser
) -> None:
    form = {"fingerprint": "0" * 32, "understood": "yes"}
    refusal = admin_browser.post(f"{PROVIDERS}{draft.pk}/activate/", form)
    page = refusal.content.decode()
    assert refusal.status_code == 409 and "Things have changed" in page
    assert "checked" not in page.split('name="understood"')[1].split(">")[0]
