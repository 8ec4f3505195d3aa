"""Sessions are kept on the server, under a hash, and know whose they are."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.management import call_command
from django.forms.models import model_to_dict
from django.utils import timezone

from tests.browsing import Browser
from tests.factories import PASSWORD, make_person
from users.models import Realm, User, UserSession
from users.sessions import SessionStore, end_sessions, hashed, live_sessions

pytestmark = pytest.mark.django_db


def test_a_session_row_knows_person_portal_address_and_browser(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    browser_client.defaults.update({"HTTP_USER_AGENT": "Firefox " + "x" * 999, "REMOTE_ADDR": "203.0.113.7"})
    browser_client.sign_in_with_password(person)
    row = UserSession.objects.get(person=person)
    assert (row.realm, row.client_ip, row.provider_id) == (Realm.USER, "203.0.113.7", None)
    assert row.user_agent.startswith("Firefox ") and len(row.user_agent) == 255
    assert row.signed_in_at and row.expire_date - row.signed_in_at < timedelta(hours=8, minutes=1)


def test_the_key_in_the_cookie_is_stored_nowhere(browser_client: Browser) -> None:
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    key, row = browser_client.session_cookie, UserSession.objects.get(person__isnull=False)
    assert row.session_key == hashed(key) != key
    assert key not in str([model_to_dict(row), row.session_key, SessionStore().decode(row.session_data)])


def test_a_stored_key_opens_nothing(browser_client: Browser) -> None:
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    thief = Browser()
    thief.cookies["gatehouse_session"] = UserSession.objects.get(person__isnull=False).session_key
    assert not thief.is_signed_in


def test_a_planted_key_is_not_taken_over(browser_client: Browser) -> None:
    browser_client.cookies["gatehouse_session"] = planted = "planted0planted0planted0planted0"
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    assert browser_client.session_cookie != planted
    assert not UserSession.objects.filter(session_key=hashed(planted)).exists()


def test_signing_in_again_changes_the_key_and_ends_the_former_session(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    browser_client.sign_in_with_password(person)
    former = browser_client.session_cookie
    browser_client.sign_in_with_password(person)
    assert browser_client.session_cookie != former
    assert not UserSession.objects.filter(session_key=hashed(former)).exists()


def test_a_session_ends_after_eight_hours(browser_client: Browser) -> None:
    browser_client.sign_in_with_password(make_person(password=PASSWORD))
    with time_machine.travel(timezone.now() + timedelta(hours=8, minutes=1)):
        assert not browser_client.is_signed_in
        call_command("clearsessions")
    assert not UserSession.objects.exists()


def test_sessions_are_ended_by_what_selects_them() -> None:
    ada, grace = make_person(password=PASSWORD), make_person(password=PASSWORD)
    browsers = [Browser(), Browser(), Browser()]
    for browser, person in zip(browsers, (ada, ada, grace), strict=True):
        browser.sign_in_with_password(person)
    assert live_sessions(realm=Realm.USER) == 3
    assert end_sessions(person=ada, keep_key=browsers[0].session_cookie) == 1
    assert [browser.is_signed_in for browser in browsers] == [True, False, True]
    assert end_sessions(provider_id=uuid4()) == 0


def test_a_session_that_was_ended_meanwhile_is_not_revived(browser_client: Browser) -> None:
    store = SessionStore()
    store.save()
    open_elsewhere = SessionStore(store.session_key)
    open_elsewhere["note"] = 1
    store.delete()
    response = browser_client.get("/login/")
    assert response.status_code == 200
    assert not store.exists(store.session_key or "")


def test_a_suspended_account_is_noticed_on_the_next_request(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    browser_client.sign_in_with_password(person)
    User.objects.filter(pk=person.pk).update(password="!changed")
    assert not browser_client.is_signed_in  # the session's hash of the password does not fit any more
