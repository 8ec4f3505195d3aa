"""Tables of lies as pytest parameters, and the checks that every row shares."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Barrier
from typing import Any, TypeVar

import pytest
from django.db import connection
from django.http import HttpResponse

from idp import upstream
from idp.models import FederatedIdentity, IdentityProvider
from tests.browsing import Browser, assert_refused
from tests.entra_tenant import PracticeTenant
from tests.idp.conformance.cases import CASES
from users.models import UserSession

T = TypeVar("T")
Row = tuple[str, dict[str, Any], str] | tuple[str, dict[str, Any]]


def table(names: str, rows: Iterable[Row], part: str = "") -> pytest.MarkDecorator:
    """Parametrize by rows of (case, lie, code) or (case, lie); the part and the case are the test's id.

    Together they claim the conformance case of that name, if there is one. What follows a slash in the case tells
    variants of one case apart.
    """
    params = []
    for case, *rest in rows:
        slug = part + case.partition("/")[0]
        marks = [pytest.mark.conformance(slug)] if slug in CASES else []
        params.append(pytest.param(*rest, id=part + case, marks=marks))
    return pytest.mark.parametrize(names, params)


def later(claim: str, seconds: int) -> Callable[[Mapping[str, Any]], object]:
    """For `lying(claims=…)`: a time that lies so many seconds after an honest claim."""
    return lambda honest: honest[claim] + seconds


def assert_nobody_came_in(browser: Browser) -> None:
    """Check that a refusal left nothing behind: no session and no link."""
    assert not browser.is_signed_in
    assert not UserSession.objects.filter(person__isnull=False).exists()
    assert not FederatedIdentity.objects.exists()


def refuses(response: HttpResponse, browser: Browser, code: str) -> None:
    """Check the refusal of a first sign-in as a whole: page, code, audit row, and nothing left behind."""
    assert_refused(response, code)
    assert_nobody_came_in(browser)


def stays(response: HttpResponse, browser: Browser, code: str) -> None:
    """Check the refusal of a sign-in in a browser where somebody is signed in: she stays, in her one session."""
    assert_refused(response, code)
    assert browser.is_signed_in
    assert UserSession.objects.filter(person__isnull=False).count() == 1
    assert FederatedIdentity.objects.count() == 1


def refuses_everybody(tenant: PracticeTenant, browser: Browser, code: str, lie: Mapping[str, Any]) -> None:
    """Check a lie as a whole: a visitor is refused, an honest answer signs in, and a signed-in person stays so."""
    with tenant.lying(**lie):
        refuses(browser.federated_sign_in(), browser, code)
    # Lies about keys are told to those who fetch them.
    upstream.keys().clear()
    succeeds(browser.federated_sign_in(), browser)
    key = browser.session_cookie
    upstream.keys().clear()
    with tenant.lying(**lie):
        stays(browser.federated_sign_in(), browser, code)
    assert browser.session_cookie == key


def succeeds(response: HttpResponse, browser: Browser) -> None:
    """Check a sign-in as a whole: the redirect home, a session, and exactly one link."""
    assert (response.status_code, response.get("Location")) == (303, "/"), response.content.decode()[-1500:]
    assert browser.is_signed_in
    assert FederatedIdentity.objects.count() == 1


def warm_up(tenant: PracticeTenant, email: str = "ada@contoso.example") -> Browser:
    """Sign a person in once, so that keys are cached and connections open, and count requests from there."""
    browser = Browser()
    assert browser.federated_sign_in(email).status_code == 303
    tenant.reset_log()
    return browser


def twin_of(browser: Browser) -> Browser:
    """Return a browser with the same cookies: a second tab, which another thread may use."""
    twin = Browser()
    twin.cookies = deepcopy(browser.cookies)
    return twin


def all_at_once(work: Callable[[T], HttpResponse], items: Iterable[T]) -> list[HttpResponse]:
    """Do the work for all items in real threads that start together. An exception in one of them is raised here."""
    things = list(items)
    start = Barrier(len(things))

    def run(item: T) -> HttpResponse:
        start.wait(timeout=10)
        try:
            return work(item)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(run, things))


def in_another_thread(work: Callable[[], object]) -> None:
    """Do something in a thread, and so in a database connection, of its own."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: (work(), connection.close())).result()


def no_provider_is_stored() -> bool:
    """Whether the table of providers is empty."""
    return not IdentityProvider.objects.exists()
