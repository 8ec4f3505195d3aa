"""Changing one's own password, in both portals."""

import pytest

from idp.models import IdentityProvider
from tests.browsing import Browser, assert_refused, error_code, last_event
from tests.factories import PASSWORD, make_person
from tests.mailbox import newest_mail
from users.audit import operator
from users.models import User, UserSession
from users.services import unlock_person

pytestmark = pytest.mark.django_db

USER_PAGE, ADMIN_PAGE = "/security/password/", "/admin/account/password/"
NEW = "a-different-umbrella-0815"


def form(old: str = PASSWORD, new: str = NEW, again: str = "") -> dict[str, str]:
    return {"old_password": old, "new_password": new, "new_password_again": again or new}


@pytest.fixture
def person(db: None) -> User:
    """Somebody with a local password."""
    return make_person(password=PASSWORD, display_name="Grace Hopper")


@pytest.fixture
def at_work(person: User, browser_client: Browser) -> Browser:
    """Her browser."""
    browser_client.sign_in_with_password(person)
    return browser_client


def test_other_sessions_end_and_this_one_gets_a_new_key(person: User, at_work: Browser) -> None:
    at_home = Browser()
    at_home.sign_in_with_password(person)
    before = at_work.session_cookie
    assert f'href="{USER_PAGE}"' in at_work.get("/security/").content.decode()
    response = at_work.post(USER_PAGE, form())
    assert response["Location"] == "/security/"
    assert "Your password was changed." in at_work.get("/security/").content.decode()
    assert at_work.is_signed_in and at_work.session_cookie != before
    assert UserSession.objects.filter(person=person).count() == 1
    assert not at_home.is_signed_in
    stolen = Browser()
    stolen.cookies["gatehouse_session"] = before
    assert not stolen.is_signed_in
    person.refresh_from_db()
    assert person.check_password(NEW)
    event = last_event(action="users.password.changed")
    assert event.details == {"sessions_ended": 1} and event.actor_id == person.pk


@pytest.mark.django_db(transaction=True)
def test_a_mail_tells_of_it(person: User, at_work: Browser) -> None:
    at_work.post(USER_PAGE, form())
    message = newest_mail(person.company_email)
    assert "You changed it yourself" in message.body and NEW not in message.body


def test_an_administrator_changes_hers(administrator: User, admin_browser: Browser) -> None:
    elsewhere = Browser()
    elsewhere.sign_in_as_administrator(administrator)
    assert f'href="{ADMIN_PAGE}"' in admin_browser.get("/admin/").content.decode()
    assert admin_browser.post(ADMIN_PAGE, form()).status_code == 302
    assert admin_browser.is_administering and not elsewhere.is_administering
    elsewhere.sign_in_as_administrator(administrator, NEW)
    assert elsewhere.is_administering


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (form(old="wrong"), "This is not your present password."),
        (form(old=""), "Type your present password."),
        (form(new="short-1"), "at least 12 characters"),
        (form(new="grace-hopper-1"), "too similar"),
        (form(again="another"), "The two passwords differ"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(person: User, at_work: Browser, sent: dict[str, str], said: str) -> None:
    response = at_work.post(USER_PAGE, sent)
    page = response.content.decode()
    assert response.status_code == 422 and said in page and sent["new_password"] not in page
    person.refresh_from_db()
    assert person.check_password(PASSWORD) and at_work.is_signed_in


def test_guessing_the_present_password_locks_the_account(person: User, at_work: Browser) -> None:
    for _ in range(5):
        at_work.post(USER_PAGE, form(old="wrong"))
    assert last_event(action="users.password.changed").error_code == "users.old_password_wrong"
    response = at_work.post(USER_PAGE, form())
    assert (response.status_code, error_code(response)) == (429, "portal.sign_in_locked")
    assert Browser(REMOTE_ADDR="203.0.113.77").sign_in_with_password(person).status_code == 429
    unlock_person(actor=operator(), person=person)
    assert at_work.post(USER_PAGE, form()).status_code == 302


def test_failures_at_the_sign_in_page_count_here_too(person: User, at_work: Browser) -> None:
    for _ in range(5):
        Browser().sign_in_with_password(person, "wrong")
    assert at_work.post(USER_PAGE, form()).status_code == 429


def test_a_federated_person_sees_whose_it_is_to_change(
    provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in()
    page = browser_client.get(USER_PAGE)
    assert page.status_code == 200 and f"kept by {provider.name}" in page.content.decode()
    assert '<input type="password"' not in page.content.decode()
    response = browser_client.post(USER_PAGE, form())
    assert_refused(response, "users.password_managed_externally", action="users.password.changed")
    ada.refresh_from_db()
    assert not ada.has_usable_password()


@pytest.mark.parametrize("path", [USER_PAGE, ADMIN_PAGE])
def test_nobody_else_gets_there(path: str, browser_client: Browser) -> None:
    for response in (browser_client.get(path), browser_client.post(path, form())):
        assert response.status_code == 302 and "/login/" in response["Location"]
