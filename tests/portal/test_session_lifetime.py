"""How long a sign-in lasts, and what a lock-out does to those who did nothing."""

from datetime import timedelta

import time_machine
from django.utils import timezone

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.factories import OPERATOR, PASSWORD, make_person
from users.models import AuditEvent, User, UserSession
from users.services import unlock_person
from users.sessions import prune_visitors


def test_a_busy_session_ends_all_the_same(provider: IdentityProvider, ada: User, browser_client: Browser) -> None:
    browser_client.federated_sign_in()
    start = timezone.now()
    for minutes in range(50, 8 * 60, 50):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            browser_client.get(f"/oauth/login/{provider.slug}/")  # writes to the session
            assert browser_client.is_signed_in
    with time_machine.travel(start + timedelta(hours=8, minutes=1)):
        assert not browser_client.is_signed_in


def test_a_session_that_nobody_uses_ends_after_an_hour(provider: IdentityProvider, ada: User) -> None:
    used, unused = Browser(), Browser()
    for browser in (used, unused):
        browser.federated_sign_in()
    start = timezone.now()
    with time_machine.travel(start + timedelta(minutes=40)):
        assert used.is_signed_in
    with time_machine.travel(start + timedelta(minutes=70)):
        assert used.is_signed_in
        assert not unused.is_signed_in


def test_a_session_in_use_is_noted_once_a_minute_at_most(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    first = UserSession.objects.get(person=ada).last_seen_at
    assert browser_client.is_signed_in
    assert UserSession.objects.get(person=ada).last_seen_at == first
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert browser_client.is_signed_in
        assert UserSession.objects.get(person=ada).last_seen_at > first


def test_a_visitors_session_ends_soon_and_is_removed(provider: IdentityProvider, browser_client: Browser) -> None:
    browser_client.begin()
    session = UserSession.objects.get()
    assert session.expire_date <= timezone.now() + timedelta(minutes=30)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        prune_visitors()
    assert not UserSession.objects.exists()


def fail(browser: Browser, account: User, address: str, times: int = 5) -> int:
    """Try wrong passwords from an address, and return the last answer's status."""
    for _ in range(times):
        form = {"email": account.company_email, "password": "wrong-wrong-wrong"}
        status = browser.post("/admin/login/", form, REMOTE_ADDR=address).status_code
    return status


def sign_in(account: User, address: str) -> int:
    """Try the right password from an address, and return the answer's status."""
    form = {"email": account.company_email, "password": PASSWORD}
    return Browser().post("/admin/login/", form, REMOTE_ADDR=address).status_code


def test_strangers_cannot_keep_an_administrator_out_of_her_own_office(administrator: User) -> None:
    assert sign_in(administrator, "198.51.100.7") == 302
    assert fail(Browser(), administrator, "203.0.113.9") == 429
    assert sign_in(administrator, "203.0.113.10") == 429
    assert sign_in(administrator, "198.51.100.7") == 302


def test_guesses_from_the_office_lock_the_office_too(administrator: User) -> None:
    sign_in(administrator, "198.51.100.7")
    assert fail(Browser(), administrator, "198.51.100.7") == 429
    assert sign_in(administrator, "198.51.100.7") == 429


def test_an_account_can_be_unlocked(administrator: User, admin_browser: Browser) -> None:
    person = make_person(password=PASSWORD)
    fail(Browser(), person, "203.0.113.9")
    from_here = Browser()
    assert from_here.sign_in_with_password(person).status_code == 429
    assert unlock_person(actor=OPERATOR, person=person) == 5
    assert from_here.sign_in_with_password(person).status_code == 302


def test_one_ipv6_network_is_one_address(administrator: User) -> None:
    for number in range(60):
        Browser().post(
            "/admin/login/",
            {"email": f"guess-{number}@contoso.example", "password": "wrong-wrong-wrong"},
            REMOTE_ADDR=f"2001:db8::{number:x}",
        )
    assert sign_in(administrator, "2001:db8::ffff") == 429
    assert sign_in(administrator, "2001:db8:0:1::1") == 302


def test_the_set_up_link_is_not_in_the_audit_log(db: None) -> None:
    visitor = Browser(enforce_csrf_checks=True)
    response = visitor.post("/admin/set-up/a-secret-token/", {"company_email": "eve@contoso.example"})
    assert response.status_code == 403
    assert "a-secret-token" not in str(list(AuditEvent.objects.values()))
