"""INSIGHTS > Directory: the audit log, newest first, filtered and paged."""

import re

import pytest
from django.http import HttpResponse

from tests.browsing import Browser, last_event
from tests.factories import OPERATOR, make_person
from users.audit import Actor, record, record_refusal
from users.audit_log import PAGE_SIZE
from users.errors import SignInFailed
from users.models import AuditEvent, User
from users.services import suspend_person

pytestmark = pytest.mark.django_db

URL = "/admin/insights/directory/"


def actions(response: HttpResponse) -> list[str]:
    """Return the actions that the page lists, each below its words."""
    page = response.content.decode().replace("<wbr>", "")
    row = r'<a class="table-main"\s+href="/admin/insights/directory/\d+/">[^<]+</a><p class="[^"]+">([\w.]+)</p>'
    return re.findall(row, page)


def older(response: HttpResponse) -> str:
    links = re.findall(r'rel="next" href="([^"]+)"', response.content.decode())
    return links[0].replace("&amp;", "&") if links else ""


def test_it_shows_every_row_newest_first(admin_browser: Browser) -> None:
    suspend_person(actor=OPERATOR, person=make_person(display_name="Ada Lovelace"))
    response = admin_browser.get(URL)
    assert actions(response) == [
        "users.person.suspended",
        "users.person.added",
        "admin_portal.sign_in.succeeded",
        "users.administrator.added",
    ]
    page = response.content.decode()
    assert "Ada Lovelace" in page and OPERATOR.label in page


def test_it_shows_refusals_with_code_address_reference_and_count(admin_browser: Browser) -> None:
    for _ in range(12):
        visitor = Actor(person=None, label="visitor", client_ip="203.0.113.77", request_id="ABCD-ABCD-ABCD")
        record_refusal("portal.sign_in.failed", actor=visitor, error=SignInFailed())
    page = admin_browser.get(URL).content.decode().replace("<wbr>", "")
    assert all(
        text in page for text in ("portal.sign_in_failed", "203.0.113.77", "ABCD-ABCD-ABCD", "3 times", "Refused")
    )


def test_it_pages_through_more_than_a_page_without_loss(admin_browser: Browser) -> None:
    for number in range(120):
        record(f"test.row_{number}", actor=OPERATOR)
    seen, url, pages = [], URL, 0
    while url:
        response = admin_browser.get(url)
        seen += actions(response)
        url, pages = older(response), pages + 1
    assert (
        pages == -(-len(seen) // PAGE_SIZE)
        and len(seen) == len(set(seen)) == AuditEvent.objects.values("action").distinct().count()
    )
    assert seen[:2] == ["test.row_119", "test.row_118"]


def test_a_page_leads_back_to_the_newest_and_keeps_its_filters(admin_browser: Browser) -> None:
    for _ in range(PAGE_SIZE + 1):
        record("test.row", actor=OPERATOR)
    first = admin_browser.get(URL, {"action": "test", "person": OPERATOR.label})
    assert len(actions(first)) == PAGE_SIZE and "Newest" not in first.content.decode()
    second = admin_browser.get(older(first))
    assert actions(second) == ["test.row"] and older(second) == ""
    assert "Newest" in second.content.decode() and "action=test" in second.content.decode()


def test_exactly_one_full_page_has_no_second(admin_browser: Browser) -> None:
    for _ in range(PAGE_SIZE):
        record("test.row", actor=OPERATOR)
    assert older(admin_browser.get(URL, {"action": "test.row"})) == ""


def test_it_filters_by_action_person_and_reference(admin_browser: Browser, administrator: User) -> None:
    ada = make_person("ada@contoso.example", user_name="ada", display_name="Ada Lovelace")
    suspend_person(actor=OPERATOR, person=ada)
    about_ada = ["users.person.suspended", "users.person.added"]
    assert actions(admin_browser.get(URL, {"action": "users.person"})) == about_ada
    for person in ("ADA@contoso.example", "ada", "Ada Lovelace", " ada "):
        assert actions(admin_browser.get(URL, {"person": person})) == about_ada
    signed_in = last_event(action="admin_portal.sign_in.succeeded")
    found = admin_browser.get(URL, {"reference": signed_in.request_id.lower()})
    assert actions(found) == [signed_in.action]


def test_it_finds_failures_by_the_email_that_was_tried(admin_browser: Browser) -> None:
    Browser().post("/login/password/", {"email": "Nobody@contoso.example", "password": "x"})
    assert actions(admin_browser.get(URL, {"person": "nobody@contoso.example"})) == ["portal.sign_in.failed"]


def test_it_says_when_nothing_fits(admin_browser: Browser) -> None:
    page = admin_browser.get(URL, {"action": "nothing.of.the.kind"}).content.decode()
    assert "Nothing fits these filters" in page and "Show all" in page


@pytest.mark.parametrize(
    "before", ["", "0", "-1", "1.5", "x", "\x00", "٣", "9" * 18, "9" * 400, "1e3", "0x10", "%00", "NaN"]
)
def test_a_forged_page_number_is_harmless(before: str, admin_browser: Browser) -> None:
    make_person()
    response = admin_browser.get(URL, {"before": before})
    assert response.status_code == 200
    assert len(actions(response)) in {0, 3}


@pytest.mark.parametrize("value", ["\x00", "a\x00b", "x" * 5000, "' OR 1=1 --", "%", "_", "\u202e", "\ud7ff", "<b>"])
@pytest.mark.parametrize("name", ["action", "person", "reference"])
def test_a_hostile_filter_finds_nothing_or_is_refused_with_words(name: str, value: str, admin_browser: Browser) -> None:
    response = admin_browser.get(URL, {name: value})
    assert response.status_code == 200
    page = response.content.decode()
    assert "<b>" not in page
    assert actions(response) == [] or 'class="field-errors"' in page


def test_what_others_typed_is_shown_escaped(admin_browser: Browser) -> None:
    record(
        "test.row",
        actor=Actor(person=None, label="<script>x</script>"),
        details={"<i>k": "<img src=x>", "n": [1, None]},
    )
    page = admin_browser.get(URL).content.decode()
    assert "<script>x" not in page and "<img src=x>" not in page and "<i>k" not in page
    assert "&lt;script&gt;x" in page
