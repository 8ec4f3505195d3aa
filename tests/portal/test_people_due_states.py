"""People whose scheduled state counts before housekeeping has written it down: in lists, counts, files and acts."""

from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.utils import timezone

from tests.browsing import Browser
from tests.commands.running import run
from tests.factories import make_person
from tests.portal.test_people_page import BULK, LIST, fingerprint, listed, text_of
from tests.users.support import audit_rows
from users.models import State, User

pytestmark = pytest.mark.django_db


def make_due(email: str, state: State, scheduled: State, *, hours: float = -1) -> User:
    """Return somebody whose scheduled state came an hour ago."""
    person = make_person(f"{email}@contoso.example", state=state, display_name=email.title())
    at = timezone.now() + timedelta(hours=hours)
    User.objects.filter(pk=person.pk).update(scheduled_state=scheduled, scheduled_at=at)
    return person


@pytest.fixture
def leaver() -> User:
    """Active as stored, suspended as everybody sees it."""
    return make_due("leaver", State.ACTIVE, State.SUSPENDED)


@pytest.fixture
def returner() -> User:
    """Suspended as stored, active as everybody sees it."""
    return make_due("returner", State.SUSPENDED, State.ACTIVE)


def confirm(browser: Browser, act: str, asked: dict[str, object]) -> HttpResponse:
    shown = browser.post(f"{BULK}{act}/", asked)
    return browser.post(f"{BULK}{act}/", {**asked, "fingerprint": fingerprint(shown)})


def test_who_is_active_by_now_can_be_suspended_with_others(returner: User, admin_browser: Browser) -> None:
    asked = {"person": [returner.pk]}
    shown = admin_browser.post(f"{BULK}suspend/", asked)
    assert "1 person may not sign in any more" in text_of(shown)
    answer = admin_browser.post(f"{BULK}suspend/", {**asked, "fingerprint": fingerprint(shown), "reason": "Left"})
    assert answer.status_code == 302
    returner.refresh_from_db()
    assert (returner.state, returner.state_reason, returner.scheduled_state) == ("suspended", "Left", None)
    actions = [action for action, _, _ in audit_rows(target_id=str(returner.pk))]
    assert actions[-2:] == ["users.person.activated", "users.person.suspended"]


@pytest.mark.parametrize("alone", [True, False])
def test_who_is_suspended_by_now_keeps_no_confirmation_from_being_taken(
    leaver: User, alone: bool, admin_browser: Browser
) -> None:
    others = [] if alone else [make_person(state=State.SUSPENDED)]
    answer = confirm(admin_browser, "activate", {"person": [leaver.pk, *(person.pk for person in others)]})
    assert answer.status_code == 302
    for person in (leaver, *others):
        person.refresh_from_db()
        assert person.effective_state == State.ACTIVE


def test_a_moment_that_comes_while_the_numbers_are_looked_at_is_shown_once(admin_browser: Browser) -> None:
    leaver, other = make_due("leaver", State.ACTIVE, State.SUSPENDED, hours=1), make_person()
    asked = {"person": [leaver.pk, other.pk]}
    shown = admin_browser.post(f"{BULK}suspend/", asked)
    assert "2 people may not sign in any more" in text_of(shown)
    User.objects.filter(pk=leaver.pk).update(scheduled_at=timezone.now())
    again = admin_browser.post(f"{BULK}suspend/", {**asked, "fingerprint": fingerprint(shown)})
    assert again.status_code == 409 and "1 person is suspended already" in text_of(again)
    assert admin_browser.post(f"{BULK}suspend/", {**asked, "fingerprint": fingerprint(again)}).status_code == 302
    assert not User.objects.filter(pk=other.pk, state=State.ACTIVE).exists()


def test_filters_and_numbers_go_by_the_state_that_is_shown(
    leaver: User, returner: User, admin_browser: Browser
) -> None:
    page = admin_browser.get(LIST, {"state": "suspended", "role": "none"})
    assert listed(page) == ["Leaver"] and "1 person" in text_of(page) and "Suspended 1" in text_of(page)
    assert listed(admin_browser.get(LIST, {"state": "active", "role": "none"})) == ["Returner"]


def test_the_home_page_counts_by_the_state_that_counts(leaver: User, admin_browser: Browser) -> None:
    page = text_of(admin_browser.get("/admin/"))
    assert "Suspended people 1" in page and "Active people 0" in page


@pytest.mark.parametrize("written", ["list", "export"])
def test_commands_list_and_write_by_the_state_that_is_shown(
    leaver: User, returner: User, administrator: User, written: str
) -> None:
    out = run("users", written, "--state", "active").out
    assert returner.company_email in out and leaver.company_email not in out


def test_the_page_exports_by_the_state_that_is_shown(leaver: User, returner: User, admin_browser: Browser) -> None:
    answer = admin_browser.get(f"{LIST}export.csv", {"state": "suspended"})
    lines = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert leaver.company_email in lines and returner.company_email not in lines
