"""Looking at a page as a critical visitor would: accessibility, sizes, weight, and pictures for people to look at."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

SIZES = {"1280": {"width": 1280, "height": 800}, "390": {"width": 390, "height": 844}}
Face = tuple[str, str]
FACES = (("1280", "light"), ("1280", "dark"), ("390", "light"), ("390", "dark"))
PAGE_LIMIT = 100_000
# What the narrow page may do worse than the wide one, which is checked by every rule.
NARROW_RULES = ["color-contrast", "link-in-text-block", "label", "scrollable-region-focusable", "target-size"]
AXE_OPTIONS: dict[str, dict[str, Any]] = {
    "1280": {"resultTypes": ["violations"]},
    "390": {"resultTypes": ["violations"], "runOnly": NARROW_RULES, "rules": {"target-size": {"enabled": True}}},
}

# What a page weighs of its own, uncompressed: itself, stylesheet, scripts and pictures, also those from the cache.
WEIGHT = """() => {
  const entries = performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"));
  const own = entries.filter((entry) => new URL(entry.name).origin === location.origin);
  return Object.fromEntries(own.map((entry) => [new URL(entry.name).pathname, entry.decodedBodySize]));
}"""

# Which parts of a page stick out or are too small for a finger.
MEASURE = """() => {
  const targets = document.querySelectorAll("button, summary, .button, .nav-link, .menu-panel a, input, select");
  const low = [...targets].filter((target) => {
    const box = target.getBoundingClientRect();
    const least = target.matches(".button, .nav-link, .menu-panel a, input:not([type=checkbox])") ? 32 : 24;
    return target.checkVisibility() && target.type !== "hidden" && (box.height < least || box.width < 24);
  });
  return {
    width: document.documentElement.scrollWidth - innerWidth,
    low: low.map((target) => target.outerHTML.slice(0, 120)),
  };
}"""

# How high the modal dialog would be if its list did not scroll; 0 without one.
WANTED_HEIGHT = """() => {
  const dialog = document.querySelector("dialog:modal");
  const list = dialog?.querySelector(".dialog-scroll");
  return dialog ? dialog.scrollHeight + list.scrollHeight - list.clientHeight : 0;
}"""

# Tables of which a part is cut off, since cards clip what they hold; and tables that stand in no card.
CUT_OFF = """() => [...document.querySelectorAll(".table")].filter((table) => {
  const card = table.closest(".card");
  return table.checkVisibility() && (!card || card.scrollWidth > card.clientWidth);
}).map((table) => table.outerHTML.slice(0, 120))"""

TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"


class Watch:
    """Collects what goes wrong in a browser while a test drives it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.expected_status = 0

    def follow(self, context: BrowserContext) -> None:
        """Listen to every page of a browser."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.problems.append(f"uncaught: {error.error}"))
        context.on("response", self._response)
        context.on("requestfailed", self._failed)

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium reports every 4xx here as well; `_response` tells pages, which may be 4xx, from their parts.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.problems.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        is_page = response.request.is_navigation_request()
        allowed = is_page and (response.status < 500 or response.status == self.expected_status)
        if response.status >= 400 and not allowed:
            self.problems.append(f"{response.status}: {response.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"{request.failure}: {request.url}")


class Eye:
    """Looks at pages and keeps pictures of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def look(self, page: Page, name: str) -> None:
        """Check a page wide and narrow, light and dark, and take its four pictures."""
        self._look(page, name, FACES, checked=(("1280", "dark"), ("390", "light")))
        self._squeeze(page, name)

    def glance(self, page: Page, name: str) -> None:
        """Check a page that has its four pictures elsewhere: two pictures do."""
        faces = (("1280", "light"), ("390", "dark"))
        self._look(page, name, faces, checked=faces)

    def shoot(self, page: Page, name: str) -> None:
        """Take the four pictures only: axe is a script, and some pages have to do without."""
        self._look(page, name, FACES, checked=())

    def _look(self, page: Page, name: str, faces: Sequence[Face], checked: Sequence[Face]) -> None:
        weigh(page, name)
        for width, scheme in faces:
            page.set_viewport_size(SIZES[width])  # type: ignore[arg-type]
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            path = self.folder / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=path, full_page=not self._make_room_for_dialog(page, SIZES[width]))
            if (width, scheme) in checked:
                axe(page, f"{name}, {width}, {scheme}", AXE_OPTIONS[width])
                self._measure(page, name)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(SIZES["1280"])  # type: ignore[arg-type]

    def _squeeze(self, page: Page, name: str) -> None:
        """Check that nothing sticks out on the smallest phone (WCAG 2.2, 1.4.10) and between the layouts."""
        for width in (320, 720, 1000, 1100):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(TOO_WIDE) <= 0, f"{name} scrolls sideways at {width}"
            assert page.evaluate(CUT_OFF) == [], f"{name} is cut off at {width}"
        page.set_viewport_size(SIZES["1280"])  # type: ignore[arg-type]

    def _make_room_for_dialog(self, page: Page, size: dict[str, int]) -> bool:
        """Scroll to the top, or, where a dialog covers the page, make the window as high as the dialog wants."""
        page.evaluate("scrollTo(0, 0)")
        high: int = page.evaluate(WANTED_HEIGHT)
        if high:
            page.set_viewport_size({"width": size["width"], "height": max(size["height"], high + 64)})
        return bool(high)

    def _measure(self, page: Page, name: str) -> None:
        found = page.evaluate(MEASURE)
        assert page.evaluate(CUT_OFF) == [], f"{name}: a table is cut off"
        assert found["width"] <= 0, f"{name} scrolls sideways by {found['width']} pixels"
        assert found["low"] == [], f"{name}: too small for a finger"


def weigh(page: Page, name: str) -> int:
    """Return what a page transfers of its own, uncompressed; every page that is looked at stays under the limit."""
    parts: dict[str, int] = page.evaluate(WEIGHT)
    total = sum(parts.values())
    told = "\n".join(f"{size:>7} {path}" for path, size in sorted(parts.items(), key=lambda part: -part[1]))
    assert total <= PAGE_LIMIT, f"{name} weighs {total} bytes of {PAGE_LIMIT}:\n{told}"
    return total


def axe(page: Page, name: str, options: dict[str, Any]) -> None:
    """Check that axe finds nothing."""
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE_SCRIPT)
    findings: list[dict[str, Any]] = page.evaluate(f"() => axe.run(document, {json.dumps(options)})")["violations"]
    told = [
        f"{finding['id']}: {node['target']} {node['html'][:160]} {node.get('failureSummary', '')}"
        for finding in findings
        for node in finding["nodes"]
    ]
    assert told == [], f"axe on {name}:\n" + "\n".join(told)
