"""How often one address may use the public pages: every post and every page that writes, and what is counted where."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.core.checks import run_checks
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from idp.models import IdentityProvider
from portal import limits
from tests.browsing import Browser, error_code, last_event
from tests.commands.running import run
from tests.factories import PASSWORD, make_person
from tests.idp.conformance.support import all_at_once
from users.models import AuditEvent, RateCount, User, UserSession
from users.rate_counts import FirstFew

pytestmark = pytest.mark.django_db

NOW = datetime(2031, 3, 3, 9, 0, 1, tzinfo=UTC)
SAMPLES = {"slug": "entra", "token": "x" * 43, "address": "x" * 16}
SET_UP = "/admin/set-up/some-token/"  # 20 in a minute
OFFICE = "203.0.113.9"
WRITING = {"INSERT", "UPDATE", "DELETE"}


def every_view(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from every_view(pattern.url_patterns, inner)
        else:
            yield f"{prefix}{pattern.name}", pattern


VIEWS = dict(every_view(get_resolver().url_patterns))
PUBLIC = {name: pattern for name, pattern in VIEWS.items() if limits.is_public(pattern.callback)}


def address_of(name: str, pattern: URLPattern) -> str:
    return reverse(name, kwargs={argument: SAMPLES[argument] for argument in pattern.pattern.converters})


@pytest.fixture
def usual(settings: LazySettings) -> None:
    """The limits as they are where nobody sets a factor."""
    settings.RATE_LIMIT_FACTOR = 1


@pytest.fixture
def one_each(settings: LazySettings) -> None:
    """One request of each kind from each address."""
    settings.RATE_LIMIT_FACTOR = 0.00001


def post(path: str, count: int = 1, *, address: str = OFFICE, browser: Browser | None = None) -> list[HttpResponse]:
    browser = browser or Browser()
    return [browser.post(path, REMOTE_ADDR=address) for _ in range(count)]


def is_refused(response: HttpResponse) -> bool:
    return response.status_code == 429


def test_what_is_listed_is_there() -> None:
    assert limits.RATES.keys() | limits.SHOWN_AND_COUNTED <= PUBLIC.keys()
    assert limits.BODIES.keys() <= VIEWS.keys() - PUBLIC.keys()
    assert all(rate.most > 0 and rate.seconds > 0 and rate.why for rate in limits.RATES.values())
    assert len(PUBLIC) > 20


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_post_is_limited(name: str, one_each: None) -> None:
    path = address_of(name, PUBLIC[name])
    with time_machine.travel(NOW, tick=False):
        first, second = post(path, 2)
    assert not is_refused(first) and is_refused(second)
    assert int(second["Retry-After"]) == limits.RATES.get(name, limits.USUAL).seconds - 1
    assert "no-store" in second["Cache-Control"] and not second.cookies
    event = last_event(error_code="portal.too_many_requests")
    assert (event.outcome, event.client_ip, event.actor_id, event.details["limit"]) == ("refused", OFFICE, None, name)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "BREW"])
def test_another_method_is_no_way_round(method: str, one_each: None) -> None:
    with time_machine.travel(NOW, tick=False):
        first, second = (Browser().generic(method, "/login/", REMOTE_ADDR=OFFICE) for _ in range(2))
    assert (first.status_code, second.status_code) == (405, 429)


def test_the_page_says_what_to_do_next(one_each: None) -> None:
    with time_machine.travel(NOW, tick=False):
        refused = post("/login/", 2)[-1]
        mails = post("/password/reset/", 2)[-1]
    assert error_code(refused) == "portal.too_many_requests"
    assert "Wait a minute, go back, and try again" in refused.content.decode()
    assert last_event().request_id and last_event(details__limit="user_portal:sign_in").request_id in str(
        refused.content
    )
    assert "Wait 15 minutes" in mails.content.decode()


def test_a_providers_server_is_answered_in_its_own_form(one_each: None) -> None:
    with time_machine.travel(NOW, tick=False):
        refused = post("/oauth/backchannel-logout/entra", 2)[-1]
    assert (refused.status_code, refused["Content-Type"]) == (429, "application/json")
    assert refused.json()["error"] == "temporarily_unavailable"
    assert "[portal.too_many_requests]" in refused.json()["error_description"]
    assert last_event().action == "idp.logout.backchannel"


def test_as_many_as_the_table_says_are_let_through(usual: None) -> None:
    with time_machine.travel(NOW, tick=False):
        answers = [is_refused(response) for response in post(SET_UP, 22)]
    assert answers == [False] * 20 + [True] * 2


def test_the_next_window_begins_anew(usual: None) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        assert is_refused(post(SET_UP, 21)[-1])
        clock.shift(timedelta(seconds=58))
        assert is_refused(post(SET_UP)[0])
        clock.shift(timedelta(seconds=1))
        assert not any(map(is_refused, post(SET_UP, 20))) and is_refused(post(SET_UP)[0])
    assert RateCount.objects.count() == 1


@pytest.mark.parametrize(
    ("other", "is_the_same"),
    [
        ("203.0.113.10", False),
        ("2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:3::1", False),
        ("::ffff:203.0.113.10", False),
    ],
)
def test_it_counts_by_address_and_of_ipv6_by_network(other: str, is_the_same: bool, one_each: None) -> None:
    first = "2001:db8:1:2::1" if ":" in other and "." not in other else "::ffff:203.0.113.9"
    with time_machine.travel(NOW, tick=False):
        post("/login/", address=first)
        assert is_refused(post("/login/", address=other)[0]) == is_the_same
        assert is_refused(post("/login/", address=first)[0])


def test_ipv4_in_the_clothes_of_ipv6_is_the_same_address(one_each: None) -> None:
    with time_machine.travel(NOW, tick=False):
        post("/login/", address=OFFICE)
        assert is_refused(post("/login/", address=f"::ffff:{OFFICE}")[0])


def test_a_claimed_address_gives_no_further_tries(one_each: None, settings: LazySettings) -> None:
    def claim(number: int) -> HttpResponse:
        return Browser().post("/login/", REMOTE_ADDR=OFFICE, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")

    with time_machine.travel(NOW, tick=False):
        assert [is_refused(claim(number)) for number in (1, 2)] == [False, True]
        settings.TRUSTED_PROXIES = [OFFICE]
        assert [is_refused(claim(number)) for number in (1, 2)] == [False, False]


def test_one_kind_leaves_the_others_alone(one_each: None) -> None:
    with time_machine.travel(NOW, tick=False):
        assert is_refused(post("/login/", 2)[-1])
        assert not is_refused(post("/login/password/")[0])


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - limits.SHOWN_AND_COUNTED))
def test_what_is_shown_is_not_counted_and_writes_nothing(name: str, one_each: None, provider: IdentityProvider) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert not any(is_refused(Browser().get(address_of(name, PUBLIC[name]))) for _ in range(3))
    assert not [query for query in captured.captured_queries if query["sql"].split()[0] in WRITING]


@pytest.mark.parametrize("name", sorted(limits.SHOWN_AND_COUNTED))
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_writes_though_it_is_shown_has_a_number_of_its_own(name: str, method: str, one_each: None) -> None:
    path = address_of(name, PUBLIC[name])
    with time_machine.travel(NOW, tick=False):
        post(path)
        first, second = (Browser().generic(method, path, REMOTE_ADDR=OFFICE) for _ in range(2))
    assert not is_refused(first) and is_refused(second) and int(second["Retry-After"]) == 59
    event = last_event(error_code="portal.too_many_requests")
    assert (event.client_ip, event.actor_id, event.details["limit"]) == (OFFICE, None, f"{name} shown")


def test_the_first_few_of_what_is_shown_ask_nobody_else(settings: LazySettings, provider: IdentityProvider) -> None:
    settings.RATE_LIMIT_FACTOR = 0.01  # 30 in a minute, three of them counted here alone
    with time_machine.travel(NOW, tick=False) as clock:
        for _ in range(2):
            answers = [Browser().get("/oauth/login/entra/", REMOTE_ADDR="203.0.113.77") for _ in range(32)]
            assert [is_refused(answer) for answer in answers] == [False] * 30 + [True] * 2
            assert RateCount.objects.get().hits == 29 and UserSession.objects.count() % 30 == 0
            clock.shift(timedelta(minutes=1))


def test_the_memory_for_the_first_few_has_an_end() -> None:
    few = FirstFew(most_keys=2)
    with time_machine.travel(NOW, tick=False) as clock:
        assert [few.has(key, seconds=60, few=2) for key in "aabca"] == [True, True, True, False, False]
        clock.shift(timedelta(minutes=1))
        assert few.has("c", seconds=60, few=2)


def test_whoever_is_signed_in_is_not_counted_and_visitors_at_the_same_pages_are(
    one_each: None, administrator: User, browser_client: Browser
) -> None:
    path = "/admin/settings/organization/profile/"
    with time_machine.travel(NOW, tick=False):
        browser_client.sign_in_as_administrator(administrator)
        assert {answer.status_code for answer in post(path, 3, browser=browser_client)} == {302}
        first, second = post(path)[0], post("/admin/settings/organization/limits/")[0]
    assert first["Location"] == "/admin/login/" and is_refused(second)
    assert last_event().details["limit"] == "visitor"


def test_a_flood_is_a_few_rows_of_the_log_also_from_a_browser_that_is_signed_in(
    one_each: None, browser_client: Browser
) -> None:
    person = make_person(password=PASSWORD)
    with time_machine.travel(NOW, tick=False):
        browser_client.sign_in_with_password(person)
        post("/login/", 101, browser=browser_client)
        assert browser_client.is_signed_in
    rows = AuditEvent.objects.filter(error_code="portal.too_many_requests")
    assert sum(row.occurrences for row in rows) == 100 and rows.count() <= 25


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_none_is_overlooked(usual: None) -> None:
    with time_machine.travel(NOW, tick=False):
        post(SET_UP, 12)
        answers = all_at_once(lambda browser: post(SET_UP, browser=browser)[0], [Browser() for _ in range(16)])
    assert sum(map(is_refused, answers)) == 8
    assert RateCount.objects.get().hits == 28


def test_a_company_behind_one_address_comes_in_at_nine(usual: None, ada: User) -> None:
    """As many as the sign-in pages let through in a minute are ten thousand in less than twenty."""
    with time_machine.travel(NOW, tick=False):
        assert not any(map(is_refused, post("/login/", 500)))
        assert not any(map(is_refused, post("/login/password/", 500)))


def test_a_factor_makes_them_more_generous(settings: LazySettings) -> None:
    settings.RATE_LIMIT_FACTOR = 1.5
    with time_machine.travel(NOW, tick=False):
        assert [is_refused(response) for response in post(SET_UP, 31)][-2:] == [False, True]


@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_a_factor_that_would_refuse_everybody_is_refused(factor: float, settings: LazySettings) -> None:
    settings.RATE_LIMIT_FACTOR = factor
    assert "users.E001" in [message.id for message in run_checks(tags=["security"])]


def test_housekeeping_removes_counts_that_are_over(usual: None) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        post(SET_UP)
        clock.shift(timedelta(minutes=2))
        post(SET_UP, address="203.0.113.10")
        (task,) = [task for task in run("housekeeping", "--json").json["tasks"] if task["task"] == "counted requests"]
    assert task["counts"] == {"removed": 1} and RateCount.objects.get().key.endswith("203.0.113.10")
