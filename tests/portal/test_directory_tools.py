"""What INSIGHTS > Directory does with what it found: ranges, chart, files, saved filters."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.http import HttpResponse
from django.utils import timezone

from portal.charts import HEIGHT, WIDTH, Point, Series, bar_chart, round_top
from tests.browsing import Browser, error_code, last_event
from tests.factories import OPERATOR, make_administrator, make_person
from tests.portal.test_directory_page import actions
from tests.users.support import as_person
from users.audit import Actor, record, record_refusal
from users.audit_filter import AuditFilter
from users.errors import SignInFailed
from users.models import AdminRole, AuditEvent, Organization, SavedFilter, User
from users.saved_filters import save_filter

pytestmark = pytest.mark.django_db

URL = "/admin/insights/directory/"


def body(response: HttpResponse) -> str:
    assert response.streaming
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]


# --- filters ---------------------------------------------------------------------------------------------------------


def test_it_filters_by_time_outcome_administrator_and_network(admin_browser: Browser, administrator: User) -> None:
    record("bosses.act", actor=as_person(administrator, client_ip="198.51.100.7"))
    visitor = Actor(person=None, label="visitor", client_ip="203.0.113.9")
    record_refusal("refused.act", actor=visitor, error=SignInFailed())
    old = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    AuditEvent.objects.create(action="old.act", outcome="success", actor_label="x", at=old)
    for query, wanted in (
        ({"outcome": "refused"}, ["refused.act"]),
        ({"actor": administrator.company_email, "action": "bosses"}, ["bosses.act"]),
        ({"address": "198.51.100.0/24"}, ["bosses.act"]),
        ({"since": "2026-01-02T03:04:05", "until": "2026-01-02T03:04:06"}, ["old.act"]),
        ({"since": "2026-01-02T03:04:06", "until": "2026-01-02T04:04"}, []),
    ):
        assert actions(admin_browser.get(URL, query)) == wanted
    assert "old.act" not in actions(admin_browser.get(URL, {"last": "30d"}))


@pytest.mark.parametrize(
    "query",
    [
        {"since": "soon"},
        {"until": "2026-99-99T00:00"},
        {"since": "2026-01-02", "until": "2026-01-01"},
        {"address": "nowhere"},
        {"outcome": "maybe"},
        {"last": "9y"},
        {"since": "0001-01-01T00:00+14:00"},
    ],
)
def test_a_filter_that_cannot_be_meant_finds_nothing_and_says_why(
    query: dict[str, str], admin_browser: Browser
) -> None:
    response = admin_browser.get(URL, query)
    assert response.status_code == 200 and actions(response) == []
    assert "Nothing fits these filters" in response.content.decode()


def test_quick_links_change_the_range_and_keep_the_rest(admin_browser: Browser) -> None:
    page = admin_browser.get(URL, {"outcome": "success", "since": "2026-01-01T00:00"}).content.decode()
    assert 'href="/admin/insights/directory/?last=24h&amp;outcome=success"' in page
    chosen = admin_browser.get(URL, {"last": "24h"}).content.decode()
    assert re.search(r'last=24h"\s+aria-current="page"', chosen)


def test_it_says_how_long_events_are_kept(admin_browser: Browser) -> None:
    assert "kept for 365 days" in admin_browser.get(URL).content.decode()
    Organization.objects.create(audit_retention_days=90)
    assert "kept for 90 days" in admin_browser.get(URL).content.decode()


# --- the chart -------------------------------------------------------------------------------------------------------


def test_the_chart_shows_what_the_filter_finds_with_a_table(admin_browser: Browser) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for hours, outcome in ((0, "success"), (0, "success"), (2, "refused")):
        at = noon + timedelta(hours=hours)
        AuditEvent.objects.create(action="a.b", outcome=outcome, actor_label="x", at=at, error_code="")
    page = admin_browser.get(URL, {"since": "2026-03-02T12:00", "until": "2026-03-02T15:00"}).content.decode()
    chart = page[page.index("<figure") : page.index("</figure>")]
    assert "Events, 2 Mar 2026, 12:00 to 2 Mar 2026, 15:00, by hour" in chart
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", chart)
    assert [cell.strip() for cell in cells] == [
        *("2 Mar, 12:00", "2", "0"),
        *("2 Mar, 13:00", "0", "0"),
        *("2 Mar, 14:00", "0", "1"),
    ]
    assert [outline.count("M") for outline in re.findall(r'<path[^>]* d="([^"]+)"', chart)] == [
        1,
        1,
    ] and "style=" not in chart


def test_the_chart_of_everything_is_that_of_the_last_week(admin_browser: Browser) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        page = admin_browser.get(URL).content.decode()
    week_ago = timezone.now() - timedelta(days=7)
    assert f"Events, {week_ago:%-d %b %Y} to" in page and "by day" in page
    assert "These are the last 7 days; choose a range for more." in page


def test_the_chart_has_the_rows_below_it_however_old_they_are(admin_browser: Browser) -> None:
    old = datetime(2026, 1, 20, 3, 4, 5, tzinfo=UTC)
    for days in range(3):
        AuditEvent.objects.create(action="old.act", outcome="success", at=old - timedelta(days=days))
    page = admin_browser.get(URL, {"action": "old"}).content.decode()
    assert "Events, 13 Jan 2026 to 20 Jan 2026, by day" in page
    assert "These are the 7 days up to the newest of these events; choose a range for more." in page
    assert "3 done" in " ".join(re.sub(r"<[^>]+>", " ", page).split())
    page = admin_browser.get(URL, {"until": "9999-12-31T23:59"}).content.decode()
    assert "9999" not in page[page.index("<figure") : page.index("</figure>")]


def test_bars_stay_in_the_drawing_and_stand_on_each_other() -> None:
    series = (Series("Done", "accent"), Series("Refused", "danger"))
    points = [Point(str(number), values) for number, values in enumerate([(0, 0), (7, 3), (1, 0), (1000, 1)])]
    chart = bar_chart(points, series=series, title="t", label_heading="l")
    assert (chart.top, chart.totals, chart.ends) == (2000, (1008, 4), ("0", "3"))
    assert [len(bar.parts) for bar in chart.bars] == [0, 2, 1, 2]
    for bar in chart.bars:
        for part in bar.parts:
            assert part.height >= 1.5 and part.x >= 0 and part.x + part.width <= WIDTH
            assert part.y >= 0 and part.y + part.height <= HEIGHT + 0.1
    lower, upper = chart.bars[3].parts
    assert abs(upper.y + upper.height - lower.y) < 0.2


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (1, 1), (2, 2), (3, 5), (6, 10), (10, 10), (11, 20), (999_999, 1_000_000)]
)
def test_the_scale_ends_at_a_round_number(most: int, top: int) -> None:
    assert round_top(most) == top


def test_a_chart_of_nothing_is_empty() -> None:
    chart = bar_chart([], series=(Series("Done", "accent"),), title="t", label_heading="l")
    assert (chart.bars, chart.totals, chart.ends) == ((), (0,), ("", ""))


# --- files -----------------------------------------------------------------------------------------------------------


def test_the_file_has_everything_that_the_filter_finds(admin_browser: Browser) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(action="test.row", outcome="success", actor_label="=x") for _ in range(2345)
    )
    response = admin_browser.post(f"{URL}export/", {"format": "csv", "action": "test"})
    name = f"gatehouse-audit-{timezone.now():%Y-%m-%d}.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(body(response), newline="")))
    assert len(rows) == 2345 and {row["actor"] for row in rows} == {"'=x"}
    lines = body(admin_browser.post(f"{URL}export/", {"format": "jsonl", "action": "test"})).splitlines()
    assert len(lines) == 2345 and json.loads(lines[0])["actor"] == "=x"
    noted = last_event(action="audit.exported")
    assert noted.details == {"format": "jsonl", "filter": {"action": "test"}} and noted.actor_id


@pytest.mark.parametrize("given", [{}, {"format": "exe"}, {"format": "csv", "address": "nowhere"}])
def test_a_forged_export_is_refused(given: dict[str, str], admin_browser: Browser) -> None:
    assert error_code(admin_browser.post(f"{URL}export/", given)) == "portal.bad_request"
    assert not AuditEvent.objects.filter(action="audit.exported").exists()


def test_the_help_desk_takes_no_file() -> None:
    browser = Browser()
    browser.sign_in_as_administrator(make_administrator(AdminRole.HELP_DESK))
    assert browser.post(f"{URL}export/", {"format": "csv"}).status_code == 403


# --- saved filters ---------------------------------------------------------------------------------------------------


def test_a_filter_is_saved_listed_opened_and_deleted(admin_browser: Browser) -> None:
    given = {"outcome": "success", "last": "7d"}
    response = admin_browser.post(f"{URL}saved/", {**given, "name": "The week"}, follow=True)
    page = response.content.decode()
    assert "The filter The week was saved." in page
    link = re.search(r'href="([^"]+)"\s+aria-current="page">\s*The week', page)
    assert link and link[1] == f"{URL}?last=7d&amp;outcome=success"
    saved = SavedFilter.objects.get()
    assert f"{URL}saved/{saved.pk}/delete/" in page
    page = admin_browser.post(f"{URL}saved/{saved.pk}/delete/", follow=True).content.decode()
    assert "The filter The week was deleted." in page and not SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "", "outcome": "refused"}, "Give the filter a name."),
        ({"name": "Mine", "outcome": "success"}, "You have a saved filter named Mine already."),
    ],
)
def test_what_is_wrong_is_said_on_the_page(
    given: dict[str, str], words: str, admin_browser: Browser, administrator: User
) -> None:
    make_person()
    record_refusal("a.b", actor=OPERATOR, error=SignInFailed())
    save_filter(actor=as_person(administrator), name="Mine", wanted=AuditFilter(outcome="refused"))
    response = admin_browser.post(f"{URL}saved/", given)
    assert response.status_code == 422 and words in response.content.decode()
    assert SavedFilter.objects.count() == 1


def test_a_long_filter_is_kept_or_refused_with_what_was_typed(admin_browser: Browser) -> None:
    given = {"name": "Long", "person": "ä" * 254, "actor": "ü" * 254}
    page = admin_browser.post(f"{URL}saved/", given, follow=True)
    assert page.status_code == 200 and "The filter Long was saved." in page.content.decode()
    smile = "\N{GRINNING FACE}" * 254
    answer = admin_browser.post(f"{URL}saved/", {"name": "Longer", "person": smile, "actor": smile})
    page = answer.content.decode()
    assert answer.status_code == 422 and "This filter is too long to be kept as a link." in page
    assert 'value="Longer"' in page and page.count(f'value="{smile}"') >= 2
    assert last_event(action="audit.filter.saved").error_code == "users.saved_filter_too_long"


def test_a_shared_filter_is_seen_by_all_and_deleted_by_few(administrator: User) -> None:
    save_filter(actor=as_person(administrator), name="Ours", wanted=AuditFilter(outcome="refused"), is_shared=True)
    save_filter(actor=as_person(administrator), name="Secret", wanted=AuditFilter(outcome="refused"))
    browser = Browser()
    browser.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY))
    page = browser.get(URL).content.decode()
    assert "Ours" in page and f"shared by {administrator.label}" in page
    assert "Secret" not in page[: page.index("<table")]  # the log itself names what was saved
    assert "Delete the filter" not in page
    assert browser.post(f"{URL}saved/{SavedFilter.objects.get(name='Ours').pk}/delete/").status_code == 403
    assert browser.post(f"{URL}saved/{SavedFilter.objects.get(name='Secret').pk}/delete/").status_code == 404
