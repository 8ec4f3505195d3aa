"""Nothing on a page moves when its scripts and pictures come late, as they do on a slow line."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.browsing import Browser
from tests.e2e.conftest import sign_in_as, take_cookies
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.pictures import picture
from users.organization_profile import set_logo, set_name

# A tenth of what counts as good: nothing that anybody could see.
MOST_SHIFT = 0.01

# Ends when there is something to see: before that, nothing can move.
PAINTED = """() => new Promise((resolve) => {
  const observer = new PerformanceObserver((list) => {
    if (list.getEntriesByName("first-contentful-paint").length) requestAnimationFrame(resolve);
  });
  observer.observe({ type: "paint", buffered: true });
})"""

# How far parts of the page have moved until now, as Layout Instability counts it, and which parts.
SHIFTED = """() => new Promise((resolve) => {
  const found = { sum: 0, parts: [] };
  const name = (source) => source.node?.outerHTML?.slice(0, 120) ?? "text";
  const add = (entries) => {
    for (const entry of entries) {
      found.sum += entry.value;
      found.parts.push(...entry.sources.map(name));
    }
  };
  const observer = new PerformanceObserver((list) => add(list.getEntries()));
  observer.observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => { add(observer.takeRecords()); resolve(found); }));
})"""

# By how many pixels the heading stands elsewhere while the browser has read the page only as far as its line: where a
# page is drawn in two goes, it jumps by that.
MOVED_BY_THE_REST = """() => {
  const heading = document.querySelector("h1");
  const top = () => heading.getBoundingClientRect().top;
  const whole = top();
  let node = heading.closest(".page-header, .welcome") ?? heading;
  for (; node !== document.body; node = node.parentElement) {
    while (node.nextSibling) node.nextSibling.remove();
  }
  return Math.abs(top() - whole);
}"""

PUBLIC = ("/login/", "/login/password/", "/admin/login/", "/password/reset/")
OWN = ("/", "/profile/", "/security/")
ADMINISTRATORS = (
    "/admin/",
    "/admin/user-management/users/",
    "/admin/user-management/groups/",
    "/admin/directory-integrations/identity-providers/",
    "/admin/insights/directory/",
    "/admin/settings/administrators/",
    "/admin/settings/organization/",
    "/admin/account/second-factor/",
)


@pytest.fixture
def late(page: Page) -> list[Route]:
    """The scripts and pictures that the page has asked for and not got."""
    held: list[Route] = []
    page.route("**/*", lambda route: held.append(route) if _is_late(route) else route.continue_())
    set_name(actor=OPERATOR, name="Contoso")
    set_logo(actor=OPERATOR, data=picture(mode="RGBA"))
    return held


def _is_late(route: Route) -> bool:
    return route.request.resource_type in {"script", "image"}


@pytest.mark.parametrize("path", PUBLIC)
def test_nothing_moves_for_visitors(page: Page, late: list[Route], path: str) -> None:
    _nothing_moves(page, late, path)


@pytest.mark.parametrize("path", OWN)
def test_nothing_moves_for_people(page: Page, late: list[Route], path: str) -> None:
    client = Browser()
    client.sign_in_with_password(make_person(password=PASSWORD))
    take_cookies(page, client)
    _nothing_moves(page, late, path)


@pytest.mark.parametrize("path", ADMINISTRATORS)
def test_nothing_moves_for_administrators(page: Page, late: list[Route], path: str) -> None:
    sign_in_as(page, make_administrator())
    _nothing_moves(page, late, path)


def _nothing_moves(page: Page, late: list[Route], path: str) -> None:
    page.goto(path, wait_until="commit")
    page.evaluate(PAINTED)
    assert any(route.request.resource_type == "script" for route in late)
    page.route("**/*", lambda route: route.continue_())
    for route in late:
        route.continue_()
    page.wait_for_load_state("load")
    page.locator("html.js").wait_for()
    found: dict[str, Any] = page.evaluate(SHIFTED)
    assert found["sum"] <= MOST_SHIFT, f"{path} moves: {found['sum']:.4f} {found['parts']}"
    assert page.evaluate(MOVED_BY_THE_REST) <= 1, f"the heading of {path} waits for the rest of the page"
