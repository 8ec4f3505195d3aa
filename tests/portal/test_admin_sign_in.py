"""Signing in to the Admin Portal: locally, in the same words for every failure, and locked after too many."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.http import HttpResponse
from django.utils import timezone

from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused, error_code, last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from users.models import AdminRole, AuditEvent, State, User
from users.services import suspend_person

pytestmark = pytest.mark.django_db


def sign_in(browser: Browser, email: str, password: str = PASSWORD, **extra: str) -> HttpResponse:
    return browser.post("/admin/login/", {"email": email, "password": password}, **extra)


def fail(browser: Browser, email: str, times: int, **extra: str) -> HttpResponse:
    for _ in range(times):
        response = sign_in(browser, email, "not the password", **extra)
    return response


def anonymised(response: HttpResponse, email: str) -> str:
    """Return a page without what differs from request to request anyway."""
    text = response.content.decode().replace(email, "EMAIL")
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "CSRF", text)
    return re.sub(r"[0-9A-F]{4}(-[0-9A-F]{4}){2}", "REFERENCE", text)


def test_an_administrator_signs_in(administrator: User, browser_client: Browser) -> None:
    assert sign_in(browser_client, administrator.company_email.upper())["Location"] == "/admin/"
    assert browser_client.is_administering
    event = last_event(action="admin_portal.sign_in.succeeded")
    details = {"method": "password", "account": administrator.company_email, "browser": "Unknown browser"}
    assert (event.actor_id, event.client_ip, event.details) == (administrator.pk, "127.0.0.1", details)


def test_every_failure_looks_the_same(administrator: User, browser_client: Browser) -> None:
    suspended, person = make_administrator(), make_person(password=PASSWORD)
    suspend_person(actor=OPERATOR, person=suspended)
    attempts = {
        "wrong password": sign_in(browser_client, administrator.company_email, "wrong"),
        "unknown": sign_in(browser_client, "nobody@contoso.example"),
        "no administrator": sign_in(browser_client, person.company_email),
        "suspended": sign_in(browser_client, suspended.company_email),
        "staged": sign_in(browser_client, make_person(password=PASSWORD, state=State.STAGED).company_email),
    }
    assert {response.status_code for response in attempts.values()} == {401}
    emails = [event.details["email"] for event in AuditEvent.objects.filter(action="admin_portal.sign_in.failed")]
    pages = {anonymised(page, email) for page, email in zip(attempts.values(), reversed(emails), strict=True)}
    assert len(pages) == 1
    assert "That email and password did not work here." in pages.pop()
    assert not browser_client.is_administering


def test_a_failure_is_audited_with_the_email_and_without_the_password(browser_client: Browser) -> None:
    sign_in(browser_client, "Nobody@contoso.example", "a-wrong-secret-99")
    event = last_event(action="admin_portal.sign_in.failed")
    assert (event.error_code, event.outcome, event.actor_id) == ("portal.sign_in_failed", "refused", None)
    assert event.details["realm"] == "admin" and event.details["email"].lower() == "nobody@contoso.example"


def test_federation_changes_nothing_for_administrators(provider: IdentityProvider, administrator: User) -> None:
    browser = Browser()
    assert sign_in(browser, administrator.company_email)["Location"] == "/admin/"
    assert browser.is_administering


def test_the_fifth_failure_locks_the_account(administrator: User, browser_client: Browser) -> None:
    assert fail(browser_client, administrator.company_email, 4).status_code == 401
    fail(browser_client, administrator.company_email, 1)
    locked = sign_in(browser_client, administrator.company_email)
    assert locked.status_code == 429
    assert_refused(locked, "portal.sign_in_locked", action="admin_portal.sign_in.failed")
    assert "Wait 15 minutes" in locked.content.decode()
    assert not browser_client.is_administering


def test_another_letter_case_or_browser_gives_no_further_tries(administrator: User, browser_client: Browser) -> None:
    email = administrator.company_email
    for number, spelling in enumerate((email, email.upper(), email.title(), f" {email}", f"{email} ")):
        fail(Browser(), spelling, 1, HTTP_USER_AGENT=f"Browser {number}", REMOTE_ADDR=f"203.0.113.{number}")
    assert error_code(sign_in(browser_client, email)) == "portal.sign_in_locked"


def test_failures_at_the_user_portal_count_too(administrator: User, browser_client: Browser) -> None:
    for _ in range(5):
        browser_client.sign_in_with_password(administrator, "wrong")
    assert sign_in(browser_client, administrator.company_email).status_code == 429


def test_another_account_is_not_locked(administrator: User, browser_client: Browser) -> None:
    fail(browser_client, make_administrator().company_email, 6)
    assert sign_in(browser_client, administrator.company_email).status_code == 302


def test_an_unknown_account_is_locked_alike(browser_client: Browser) -> None:
    assert fail(browser_client, "nobody@contoso.example", 6).status_code == 429


def test_a_right_password_forgets_the_failures(administrator: User, browser_client: Browser) -> None:
    for _ in range(2):
        fail(browser_client, administrator.company_email, 4)
        assert sign_in(browser_client, administrator.company_email).status_code == 302


def test_the_lock_opens_after_fifteen_minutes(administrator: User, browser_client: Browser) -> None:
    fail(browser_client, administrator.company_email, 5)
    for minutes, status in ((14, 429), (16, 302)):
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
            assert sign_in(Browser(), administrator.company_email).status_code == status


def test_knocking_at_a_locked_door_does_not_keep_it_locked(administrator: User, browser_client: Browser) -> None:
    start = timezone.now()
    fail(browser_client, administrator.company_email, 5)
    with time_machine.travel(start + timedelta(minutes=10)):
        fail(browser_client, administrator.company_email, 3)
    with time_machine.travel(start + timedelta(minutes=16)):
        assert sign_in(browser_client, administrator.company_email).status_code == 302


def test_fifty_failures_lock_the_address(administrator: User, browser_client: Browser) -> None:
    for number in range(49):
        fail(browser_client, f"guess-{number}@contoso.example", 1)
    assert sign_in(Browser(), administrator.company_email).status_code == 302
    fail(browser_client, "guess-50@contoso.example", 1)
    locked = sign_in(browser_client, make_administrator().company_email)
    assert (locked.status_code, error_code(locked)) == (429, "portal.sign_in_locked")
    assert sign_in(Browser(), administrator.company_email, REMOTE_ADDR="203.0.113.9").status_code == 302


def test_owning_one_account_does_not_reset_the_address(administrator: User, browser_client: Browser) -> None:
    for number in range(50):
        if number == 25:
            assert sign_in(Browser(), administrator.company_email).status_code == 302
        fail(browser_client, f"guess-{number}@contoso.example", 1)
    assert sign_in(browser_client, administrator.company_email).status_code == 429


def test_a_locked_address_still_signs_in_at_its_provider(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    for number in range(51):
        fail(browser_client, f"guess-{number}@contoso.example", 1)
    assert sign_in(browser_client, "x@contoso.example").status_code == 429
    assert browser_client.federated_sign_in().status_code == 303
    assert browser_client.is_signed_in


def test_a_flood_of_failures_is_folded_in_the_log(browser_client: Browser) -> None:
    for number in range(40):
        fail(browser_client, f"guess-{number}@contoso.example", 1)
    rows = AuditEvent.objects.filter(action="admin_portal.sign_in.failed")
    assert rows.count() == 25 and sum(row.occurrences for row in rows) == 40


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("/admin/insights/directory/?action=idp", "/admin/insights/directory/?action=idp"),
        ("/profile/", "/admin/"),
        ("https://evil.example/", "/admin/"),
        ("//evil.example/admin/", "/admin/"),
        ("/\\evil.example", "/admin/"),
        ("/admin/../logout/", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
    ],
)
def test_it_goes_on_to_where_the_administrator_was_going(
    wanted: str, got: str, administrator: User, browser_client: Browser
) -> None:
    form = {"email": administrator.company_email, "password": PASSWORD, "next": wanted}
    assert browser_client.post("/admin/login/", form)["Location"] == got


def test_a_visitor_is_brought_back_to_the_page_she_asked_for(administrator: User, browser_client: Browser) -> None:
    response = browser_client.get("/admin/insights/directory/", {"action": "idp"})
    assert response["Location"] == "/admin/login/?next=%2Fadmin%2Finsights%2Fdirectory%2F%3Faction%3Didp"
    page = browser_client.get(response["Location"]).content.decode()
    assert 'name="next" value="/admin/insights/directory/?action=idp"' in page


def test_both_portals_are_open_side_by_side_and_close_one_by_one(administrator: User, browser_client: Browser) -> None:
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    browser_client.sign_in_as_administrator(administrator)
    assert browser_client.is_signed_in and browser_client.is_administering
    assert browser_client.post("/admin/logout/")["Location"] == "/admin/login/"
    assert (browser_client.is_signed_in, browser_client.is_administering) == (True, False)
    browser_client.sign_in_as_administrator(administrator)
    browser_client.post("/logout/")
    assert (browser_client.is_signed_in, browser_client.is_administering) == (False, True)


def test_an_administrators_session_does_not_open_the_user_portal(admin_browser: Browser) -> None:
    assert admin_browser.get("/")["Location"].startswith("/login/")
    admin_browser.cookies["gatehouse_session"] = admin_browser.cookies["gatehouse_admin_session"].value
    assert admin_browser.get("/")["Location"].startswith("/login/")


def test_signing_out_is_audited_and_ends_the_session(admin_browser: Browser, administrator: User) -> None:
    key = admin_browser.cookies["gatehouse_admin_session"].value
    admin_browser.post("/admin/logout/")
    assert last_event(action="admin_portal.sign_out").actor_id == administrator.pk
    admin_browser.cookies["gatehouse_admin_session"] = key
    assert not admin_browser.is_administering


def test_a_demoted_administrator_loses_the_pages_at_once(administrator: User, browser_client: Browser) -> None:
    other = make_administrator()
    browser_client.sign_in_as_administrator(other)
    User.objects.filter(pk=other.pk).update(admin_role=AdminRole.HELP_DESK)  # past the service that ends sessions
    assert browser_client.get("/admin/insights/directory/").status_code == 403
    User.objects.filter(pk=other.pk).update(admin_role=None)
    assert browser_client.get("/admin/").status_code == 403
