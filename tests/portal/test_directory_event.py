"""One event of the audit log on a page of its own."""

import pytest

from tests.browsing import Browser, assert_refused, last_event
from tests.factories import OPERATOR, make_person
from tests.users.support import as_person
from users.audit import Actor, record, record_refusal
from users.errors import SignInFailed
from users.models import AuditEvent, User
from users.services import suspend_person

pytestmark = pytest.mark.django_db

URL = "/admin/insights/directory/"


def page_of(browser: Browser, event: AuditEvent) -> str:
    response = browser.get(f"{URL}{event.pk}/")
    assert response.status_code == 200
    return response.content.decode().replace("<wbr>", "")


def test_it_shows_everything_that_the_row_holds(admin_browser: Browser) -> None:
    visitor = Actor(person=None, label="visitor", client_ip="203.0.113.77", request_id="ABCD-ABCD-ABCD")
    details = {"email": "ada@contoso.example", "list": [1, {"deep": "value"}], "none": None, "flag": True}
    record_refusal("test.refused", actor=visitor, error=SignInFailed(), details=details)
    page = page_of(admin_browser, last_event(action="test.refused"))
    for text in (
        "visitor",
        "203.0.113.77",
        "ABCD-ABCD-ABCD",
        "portal.sign_in_failed",
        "ada@contoso.example",
        "Refused",
    ):
        assert text in page
    assert "&quot;deep&quot;: &quot;value&quot;" in page and "yes" in page
    assert "That email and password did not work here." in page
    assert "?address=203.0.113.77" in page and "?code=portal.sign_in_failed" in page


def test_it_leads_to_the_person_and_to_who_did_it(admin_browser: Browser, administrator: User) -> None:
    ada = make_person(display_name="Ada Lovelace")
    suspend_person(actor=as_person(administrator), person=ada)
    page = page_of(admin_browser, last_event(action="users.person.suspended"))
    assert f"?actor={administrator.pk}" in page and f"?person={ada.pk}" in page
    assert f"/admin/user-management/users/{ada.pk}/" in page
    found = admin_browser.get(URL, {"person": str(ada.pk)}).content.decode().replace("<wbr>", "")
    assert "users.person.suspended" in found and "users.person.added" in found


def test_it_leads_to_the_other_rows_of_the_request(admin_browser: Browser) -> None:
    actor = Actor(person=None, label="x", request_id="AAAA-BBBB-CCCC")
    for action in ("test.first", "test.second"):
        record(action, actor=actor)
    record("test.other", actor=OPERATOR)
    page = page_of(admin_browser, last_event(action="test.first"))
    assert f"{URL}{last_event(action='test.second').pk}/" in page and "test.other" not in page


def test_a_row_about_a_person_who_is_gone_keeps_the_name(admin_browser: Browser) -> None:
    ada = make_person(display_name="Ada Lovelace")
    event, address = last_event(target_id=str(ada.pk)), f"/user-management/users/{ada.pk}/"
    assert address in page_of(admin_browser, event)
    ada.delete()
    page = page_of(admin_browser, event)
    assert "Ada Lovelace" in page and address not in page


@pytest.mark.parametrize("number", ["0", "999999999", "9" * 30])
def test_a_row_that_is_not_there_is_said_to_be_gone(number: str, admin_browser: Browser) -> None:
    response = admin_browser.get(f"{URL}{number}/")
    assert_refused(response, "users.audit_event_not_found", action="portal.request.refused")
    assert response.status_code == 404


def test_what_others_typed_is_shown_escaped(admin_browser: Browser) -> None:
    record("test.row", actor=Actor(person=None, label="<script>x</script>"), details={"<i>k": ["<img src=x>"]})
    page = page_of(admin_browser, last_event(action="test.row"))
    assert "<script>x" not in page and "<img src=x>" not in page and "<i>k" not in page
