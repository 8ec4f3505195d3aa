"""A page of another site lets a browser post here: it is refused, and uses up nothing of its address's allowance."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.conf import LazySettings
from django.http import HttpResponse

from tests.browsing import Browser, error_code, last_event
from users.models import AuditEvent, RateCount, User

pytestmark = pytest.mark.django_db

NOW = datetime(2031, 3, 3, 9, 0, 1, tzinfo=UTC)
OFFICE = "203.0.113.9"
ADMIN = "/admin/login/"
FOREIGN = [
    "https://evil.example",
    "null",
    "",
    "http://testserver.evil.example",
    "http://testserver:81",
    "https://testserver",
    "testserver",
    "http://testserver, http://testserver",
]


@pytest.fixture(autouse=True)
def one_each(settings: LazySettings) -> None:
    """One request of each kind from each address."""
    settings.RATE_LIMIT_FACTOR = 0.00001


@pytest.fixture
def strict() -> Browser:
    """A browser whose forms are checked as in life."""
    return Browser(enforce_csrf_checks=True)


def post(browser: Browser, origin: str | None, path: str = ADMIN, **given: object) -> HttpResponse:
    headers = {} if origin is None else {"HTTP_ORIGIN": origin}
    return browser.post(path, REMOTE_ADDR=OFFICE, **headers, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("origin", FOREIGN)
def test_it_is_refused_and_not_counted(origin: str, strict: Browser) -> None:
    with time_machine.travel(NOW, tick=False):
        answers = [post(strict, origin) for _ in range(60)]
        assert {(answer.status_code, error_code(answer)) for answer in answers} == {(403, "portal.form_expired")}
        assert not RateCount.objects.exists()
        assert post(strict, None).status_code == 403 and post(strict, None).status_code == 429


@pytest.mark.parametrize("origin", FOREIGN)
def test_it_is_what_the_check_of_the_token_would_refuse_too(origin: str, strict: Browser) -> None:
    """Nobody is refused here whom a right token would have let in."""
    strict.get(ADMIN)
    token = strict.cookies["gatehouse_admin_csrf"].value
    assert post(strict, origin, data={"csrfmiddlewaretoken": token}).status_code == 403


@pytest.mark.parametrize(
    ("origin", "secure"),
    [("http://testserver", False), ("https://testserver", True), ("https://gatehouse.example", False), (None, False)],
)
def test_forms_of_our_own_go_through_and_are_counted(
    origin: str | None, secure: bool, strict: Browser, settings: LazySettings
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://gatehouse.example"]
    strict.get(ADMIN)
    data = {"csrfmiddlewaretoken": strict.cookies["gatehouse_admin_csrf"].value}
    referer = {"HTTP_REFERER": "https://testserver/admin/login/"} if secure else {}
    with time_machine.travel(NOW, tick=False):
        assert post(strict, origin, data=data, secure=secure, **referer).status_code == 422
        assert post(strict, origin, data=data, secure=secure, **referer).status_code == 429


def test_our_own_address_over_another_scheme_is_another_site(strict: Browser) -> None:
    assert post(strict, "http://testserver", secure=True).status_code == 403
    assert not RateCount.objects.exists()


def test_what_providers_let_browsers_post_is_let_through_and_counted(strict: Browser) -> None:
    with time_machine.travel(NOW, tick=False):
        for path in ("/oauth/initiate/entra", "/oauth/callback/entra"):
            first, second = (post(strict, "https://login.example", path) for _ in range(2))
            assert b"portal.form_expired" not in first.content and second.status_code == 429


def test_a_flood_is_a_few_rows_of_the_log_whoever_is_signed_in(
    strict: Browser, browser_client: Browser, administrator: User
) -> None:
    browser_client.sign_in_as_administrator(administrator)
    with time_machine.travel(NOW, tick=False):
        for _ in range(50):
            post(strict, "https://evil.example")
            post(browser_client, "https://evil.example", "/admin/settings/organization/profile/")
    rows = AuditEvent.objects.filter(error_code="portal.form_expired")
    assert sum(row.occurrences for row in rows) == 100 and rows.count() <= 25
    event = last_event(error_code="portal.form_expired")
    assert (event.actor_id, event.client_ip, event.details["origin"]) == (None, OFFICE, "https://evil.example")
