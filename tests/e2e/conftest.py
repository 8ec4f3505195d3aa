"""Fixtures of the browser tests: Chromium, the portal on a free port, the practice tenant with its own sign-in page."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.core.cache import cache
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser import find_browser, left_out
from tests.browsing import Browser
from tests.e2e.looking import Eye, Watch
from tests.entra_tenant import PracticeServer, PracticeTenant
from tests.leaving_out import leave_out
from users.models import User

HERE = Path(__file__).parent
LEFT_OUT = "browser tests left out: no browser; `python -m tests.browser` says what to do"
ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_report_header() -> str | None:
    """Say it at the top where these tests were asked for by name."""
    return LEFT_OUT if left_out() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the browser tests out where there is no browser, and say so. In CI they stay, and fail."""
    mine = [item for item in items if HERE in item.path.parents]
    for item in mine:
        item.add_marker("browser")
    if mine and left_out():
        leave_out(config, items, mine, LEFT_OUT)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One browser for all tests of a worker."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def portal(live_server: LiveServer, settings: LazySettings) -> str:
    """The address at which the portal runs, and which it knows as its own."""
    settings.PUBLIC_URL = live_server.url
    settings.ALLOWED_HOSTS = [urlsplit(live_server.url).hostname, "testserver"]
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    cache.clear()
    return live_server.url


@pytest.fixture
def tenant(portal: str, settings: LazySettings) -> Iterator[PracticeTenant]:
    """The practice tenant, which asks on a page of its own who signs in."""
    tenant = PracticeTenant(auto_sign_in=None)
    with PracticeServer(tenant) as server:
        settings.INSECURE_ISSUER_ORIGINS = [server.url]
        yield tenant


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What no page may do: errors in the console, violated policies, uncaught exceptions, failed requests, 5xx."""
    watch = Watch()
    yield watch
    assert watch.problems == []


OpenContext = Callable[..., BrowserContext]


@pytest.fixture
def open_context(chromium: Chromium, portal: str, watch: Watch) -> Iterator[OpenContext]:
    """Open a browser with cookies of its own; relative addresses are the portal's."""
    opened: list[BrowserContext] = []

    def open_one(**options: object) -> BrowserContext:
        size = {"width": 1280, "height": 800}
        context = chromium.new_context(**{"base_url": portal, "viewport": size, "reduced_motion": "reduce", **options})
        context.set_default_timeout(10_000)
        watch.follow(context)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def page(open_context: OpenContext) -> Page:
    """A page in which nobody is signed in."""
    return open_context().new_page()


@pytest.fixture
def admin_page(page: Page, administrator: User) -> Page:
    """A page in which an Administrator With Billing is signed in."""
    sign_in_as(page, administrator)
    return page


@pytest.fixture
def plain_page(open_context: OpenContext, administrator: User) -> Page:
    """A page without JavaScript in which an Administrator With Billing is signed in."""
    page = open_context(java_script_enabled=False).new_page()
    sign_in_as(page, administrator)
    return page


@pytest.fixture
def eye(portal: str) -> Eye:
    """Looks at pages: axe, sizes and screenshots."""
    return Eye(django_settings.BASE_DIR / "screenshots")


def sign_in_as(page: Page, administrator: User) -> None:
    """Sign an administrator in without the way over the page, which has tests of its own."""
    client = Browser()
    client.sign_in_as_administrator(administrator)
    take_cookies(page, client)


def take_cookies(page: Page, client: Browser) -> None:
    """Give the page the sessions of a test client."""
    url = django_settings.PUBLIC_URL
    page.context.add_cookies(
        [{"name": name, "value": morsel.value, "url": url} for name, morsel in client.cookies.items() if morsel.value]
    )
