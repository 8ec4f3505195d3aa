"""The database does not answer: a page that says so and when to try again, from wherever that shows first."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from idp.models import IdentityProvider
from portal.database_away import is_database_away
from tests.browsing import Browser, error_code
from tests.commands.running import in_python
from users.models import User

CODE = "portal.database_unavailable"
ADDRESSES = ("/login/", "/", "/admin/", "/oauth/login/entra/", "/oauth/callback/entra?state=s&code=c")
ASK = f"""
import json, sys
import django
django.setup()
from django.conf import settings
from django.test import Client
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
found = []
for address in {ADDRESSES!r}:
    client = Client(raise_request_exception=False)
    for name in (settings.SESSION_COOKIE_NAME, settings.ADMIN_COOKIE_NAMES[settings.SESSION_COOKIE_NAME]):
        client.cookies[name] = "a-session-of-somebody"
    answer = client.get(address)
    page = answer.content.decode()
    code = page.partition('data-error-code="')[2].partition('"')[0]
    found.append([answer.status_code, code, answer.headers.get("Retry-After"), answer["X-Request-ID"] in page])
print(json.dumps(found))
"""


def asked_on(url: str) -> list[list[Any]]:
    """Ask for pages in a process that has this database, with the cookie of a session."""
    found: list[list[Any]] = json.loads(in_python(ASK, url))
    return found


@pytest.mark.parametrize("url", ["postgres://nobody@127.0.0.1:1/nothing", "sqlite:////dev/null/nothing.sqlite3"])
def test_every_page_says_that_the_database_is_away(url: str) -> None:
    assert asked_on(url) == [[503, CODE, "5", True]] * len(ADDRESSES)


def test_a_database_without_tables_is_no_such_trouble(tmp_path: Path) -> None:
    statuses = {(status, code) for status, code, *_ in asked_on(f"sqlite:///{tmp_path / 'empty.sqlite3'}")}
    assert statuses == {(500, "http.server_error")}


def lost(beginning: str) -> Callable[..., Any]:
    """Return what lets every statement fail that begins so, as when a server is stopped in the middle of a request."""

    def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith(beginning):
            raise OperationalError("the connection is lost")
        return run(sql, *rest)

    return execute


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE", "SELECT"])
def test_a_connection_that_is_lost_in_a_sign_in_is_no_ended_session(
    statement: str, provider: IdentityProvider, ada: User
) -> None:
    browser = Browser(raise_request_exception=False)
    browser.get("/login/password/")
    browser.post("/login/", {"email": "nobody@fabrikam.example"})
    with connection.execute_wrapper(lost(statement)):
        answer = browser.post("/login/", {"email": ada.company_email})
    assert (answer.status_code, error_code(answer), answer["Retry-After"]) == (503, CODE, "5")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_a_callback_that_cannot_be_written_signs_nobody_in_and_another_try_does(
    provider: IdentityProvider, ada: User
) -> None:
    browser = Browser(raise_request_exception=False)
    location = browser.at_provider(browser.begin())
    with connection.execute_wrapper(lost('INSERT INTO "users_auditevent"')):
        answer = browser.come_back(location)
    assert (answer.status_code, error_code(answer)) == (503, CODE)
    assert browser.get("/").status_code == 302
    assert browser.come_back(browser.at_provider(browser.begin())).status_code == 303
    assert browser.get("/").status_code == 200


def test_what_follows_a_lost_connection_is_told_from_a_defect() -> None:
    assert is_database_away(OperationalError("gone")) and not is_database_away(None)
    assert not is_database_away(ValueError("a defect"))
    try:
        try:
            raise OperationalError("gone")
        except OperationalError as error:
            raise transaction.TransactionManagementError("no more queries") from error
    except transaction.TransactionManagementError as error:
        assert is_database_away(error)
    try:
        try:
            raise OperationalError("gone")
        except OperationalError:
            raise ValueError("of its own") from None
    except ValueError as error:
        assert not is_database_away(error)
