"""INSIGHTS > Directory as an administrator uses it: filters, chart, files, saved filters, one event."""

import json
import random
from datetime import timedelta
from pathlib import Path

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browsing import last_event
from tests.e2e.looking import Eye
from tests.e2e.steps import field, heading, press, says
from tests.factories import OPERATOR, make_person
from users.audit import Actor, record_refusal
from users.errors import SignInFailed
from users.models import AuditEvent, User
from users.services import suspend_person

URL = "/admin/insights/directory/"


def write_a_fortnight(days: int = 14) -> None:
    """Fill the log with days that differ, as those of a company do."""
    dice = random.Random(4)  # noqa: S311  (a picture, no secret)
    now = timezone.now()
    rows = []
    for day in range(days):
        busy = 30 if (now - timedelta(days=day)).weekday() < 5 else 4
        for number in range(dice.randint(busy // 2, busy)):
            refused = dice.random() < 0.15
            rows.append(
                AuditEvent(
                    at=now - timedelta(days=day, minutes=dice.randint(1, 600)),
                    action="portal.sign_in.failed" if refused else "portal.sign_in.succeeded",
                    outcome="refused" if refused else "success",
                    error_code="portal.sign_in_failed" if refused else "",
                    actor_label="visitor" if refused else f"Colleague {number}",
                    client_ip=f"203.0.113.{number}",
                    request_id=f"{day:04}-{number:04}-ABCD",
                )
            )
    AuditEvent.objects.bulk_create(rows)


def test_an_administrator_finds_keeps_and_takes_along_what_happened(
    admin_page: Page, administrator: User, eye: Eye, tmp_path: Path
) -> None:
    write_a_fortnight()
    admin_page.goto(URL)
    says(admin_page, "kept for 365 days")
    eye.look(admin_page, "directory-chart")
    admin_page.get_by_text("Numbers as a table").click()
    expect(admin_page.get_by_role("figure").locator("tbody tr")).to_have_count(8)
    eye.glance(admin_page, "directory-chart-table")
    admin_page.get_by_role("link", name="Last 30 days").click()
    field(admin_page, "Outcome").select_option("Refused")
    press(admin_page, "Filter")
    expect(admin_page.get_by_role("link", name="Last 30 days")).to_have_attribute("aria-current", "page")
    with admin_page.expect_download() as downloading:
        press(admin_page, "Export as JSON Lines")
    path = tmp_path / "log.jsonl"
    downloading.value.save_as(path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines and {line["outcome"] for line in lines} == {"refused"}
    assert downloading.value.suggested_filename.endswith(".jsonl")
    field(admin_page, "Save this filter as").fill("Refusals of the month")
    admin_page.get_by_label("Show it to all administrators").check()
    press(admin_page, "Save filter")
    says(admin_page, "The filter Refusals of the month was saved.")
    eye.look(admin_page, "directory-saved")
    field(admin_page, "Save this filter as").fill("refusals of the month")
    press(admin_page, "Save filter")
    says(admin_page, "You have a saved filter named")
    eye.glance(admin_page, "directory-save-error")
    admin_page.goto(URL)
    admin_page.get_by_role("link", name="Refusals of the month").click()
    admin_page.wait_for_url("**/?last=30d&outcome=refused")
    press(admin_page, "Delete the filter Refusals of the month")
    says(admin_page, "was deleted.")


def test_a_filter_in_error_and_a_range(admin_page: Page, eye: Eye) -> None:
    write_a_fortnight(2)
    admin_page.goto(f"{URL}?address=nowhere&since=2026-02-02T00:00&until=2026-02-01T00:00")
    says(admin_page, "Use an address such as")
    eye.look(admin_page, "directory-filter-error")
    day = timezone.now() - timedelta(hours=30)
    admin_page.goto(URL)
    field(admin_page, "From (UTC)").fill(f"{day:%Y-%m-%dT%H:%M}")
    press(admin_page, "Filter")
    says(admin_page, "by hour")
    eye.glance(admin_page, "directory-by-hour")


def test_one_event(admin_page: Page, administrator: User, eye: Eye) -> None:
    ada = make_person("ada@contoso.example", display_name="Ada Lovelace")
    visitor = Actor(person=None, label="visitor", client_ip="203.0.113.77", request_id="ABCD-ABCD-ABCD")
    details = {"email": "ada@contoso.example", "claims": {"tid": "1234", "roles": ["a", "b"]}, "realm": "user"}
    record_refusal("portal.sign_in.failed", actor=visitor, error=SignInFailed(), details=details)
    suspend_person(actor=OPERATOR, person=ada)
    admin_page.goto(f"{URL}?person=ada@contoso.example")
    admin_page.get_by_role("link", name="Sign-in to the User Portal failed").click()
    heading(admin_page, "Sign-in to the User Portal failed")
    eye.look(admin_page, "audit-event")
    admin_page.goto(f"{URL}{last_event(action='users.person.suspended').pk}/")
    eye.glance(admin_page, "audit-event-done")
    admin_page.get_by_role("link", name="Everything about Ada Lovelace").click()
    expect(admin_page.locator(".table-events tbody tr")).to_have_count(2)
    admin_page.goto(f"{URL}999999999/")
    says(admin_page, "no such event")
