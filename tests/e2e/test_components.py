"""The components of long lists and long work in a browser: how they look, and what their scripts add."""

import re

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, expect

from tests.e2e import gallery
from tests.e2e.conftest import OpenContext, sign_in_as
from tests.e2e.looking import Eye
from tests.e2e.steps import press, says
from users.models import User

URL = "/admin/gallery/"


@pytest.fixture(autouse=True)
def _gallery(settings: LazySettings, portal: str) -> None:
    """Serve the gallery beside the portal's own pages."""
    settings.ROOT_URLCONF = gallery.__name__


def test_the_gallery_of_components(admin_page: Page, eye: Eye) -> None:
    admin_page.goto(f"{URL}?q=ada&state=active&state=staged&sort=-name")
    eye.look(admin_page, "components")
    admin_page.get_by_label("Select Ada Lovelace").first.check()
    admin_page.locator(".stat-link").first.focus()
    eye.glance(admin_page, "components-selected")


def test_selection_says_how_many_and_ticks_the_page(admin_page: Page) -> None:
    admin_page.goto(URL)
    suspend, everybody = admin_page.get_by_role("button", name="Suspend"), admin_page.get_by_label("Select all")
    count = admin_page.locator("[data-selection-count]")
    expect(suspend).to_be_disabled()
    expect(count).to_have_text("Tick people to act on them together.")
    everybody.check()
    expect(count).to_have_text("24 selected")
    admin_page.get_by_label("Select Ada Lovelace").first.uncheck()
    expect(count).to_have_text("23 selected")
    expect(everybody).to_have_js_property("indeterminate", True)
    everybody.check()
    everybody.uncheck()
    expect(suspend).to_be_disabled()
    admin_page.get_by_label("Select Alan Turing").first.check()
    suspend.click()
    says(admin_page, "Sent: alan")
    assert admin_page.url.endswith("?suspend")


def test_no_row_that_has_the_focus_is_under_the_bar(admin_page: Page) -> None:
    admin_page.set_viewport_size({"width": 390, "height": 844})
    admin_page.goto(URL)
    rows = admin_page.locator("[data-select-row]")
    rows.first.check()
    bar = admin_page.locator(".selection-bar")
    expect(bar).to_be_in_viewport(ratio=1)
    for _ in range(20):
        admin_page.keyboard.press("Tab")
        focused = admin_page.evaluate("document.activeElement.getBoundingClientRect().bottom")
        assert focused <= admin_page.evaluate("document.querySelector('.selection-bar').getBoundingClientRect().top")


def test_progress_moves_and_goes_on_at_the_end(admin_page: Page) -> None:
    admin_page.goto(f"{URL}?work")
    bar = admin_page.locator("progress")
    expect(bar).to_have_attribute("value", str(gallery.ROWS // 4))
    says(admin_page, "2,500 rows")
    admin_page.wait_for_url("**/?finished")


def test_recovery_codes_are_copied_a_line_each(open_context: OpenContext, administrator: User) -> None:
    page = open_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
    sign_in_as(page, administrator)
    page.goto(URL)
    page.locator(".code-list").get_by_role("button", name=re.compile("^Copy")).click()
    expect(page.locator(".code-list [data-copy-status]")).to_have_text("Copied")
    # No page of ours may read the clipboard, so a person pastes.
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'pasted'}))")
    page.locator("#pasted").press("Control+V")
    assert page.locator("#pasted").input_value() == "\n".join(gallery.CODES)
    page.evaluate("window.print = () => { document.title = 'printed'; }")
    press(page, "Print Recovery codes")
    expect(page).to_have_title("printed")


def test_everything_works_without_javascript(open_context: OpenContext, administrator: User, eye: Eye) -> None:
    page = open_context(java_script_enabled=False).new_page()
    sign_in_as(page, administrator)
    page.goto(f"{URL}?sort=name")
    eye.shoot(page, "no-javascript-components")
    expect(page.get_by_label("Select all")).to_have_count(0)
    page.get_by_label("Select Ada Lovelace").first.check()
    page.get_by_label("Select Rebecca F.-C.").last.check()
    press(page, "Activate")
    says(page, "Sent: ada, rebecca")
    page.goto(f"{URL}?work")
    with page.expect_navigation():
        pass  # the page loads itself anew while work goes on
