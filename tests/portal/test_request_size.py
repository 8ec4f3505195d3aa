"""How much one request may bring: little from a visitor, and what is too much is refused before it is read."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from pytest_django.live_server_helper import LiveServer

from portal import limits, serving
from tests.browsing import Browser, error_code, last_event
from tests.portal.test_request_limits import PUBLIC, address_of
from users.models import AuditEvent, User

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
CODE = "portal.request_too_large"
PROFILE = "/admin/settings/organization/profile/"
LOGO = "/admin/settings/organization/logo/"
IMPORT = "/admin/user-management/users/import/"


def post(path: str, size: int, browser: Browser | None = None) -> HttpResponse:
    body = b"email=" + b"x" * (size - 6)
    return (browser or Browser(raise_request_exception=False)).generic("POST", path, body, FORM)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_post_is_bounded(name: str) -> None:
    path = address_of(name, PUBLIC[name])
    assert post(path, limits.PUBLIC_BODY).status_code != 413
    before = AuditEvent.objects.count()
    refused = post(path, limits.PUBLIC_BODY + 1)
    assert refused.status_code == (400 if name == "backchannel_logout" else 413) and CODE in refused.content.decode()
    event = last_event(error_code=CODE)
    assert (event.outcome, event.client_ip, AuditEvent.objects.count()) == ("refused", "127.0.0.1", before + 1)
    assert event.request_id == refused["X-Request-ID"]


def test_the_page_says_what_to_do_next() -> None:
    refused = post("/login/", limits.PUBLIC_BODY + 1)
    assert error_code(refused) == CODE and "send it in parts" in refused.content.decode()


@pytest.mark.parametrize("path", [PROFILE, IMPORT, LOGO, "/profile/edit/"])
def test_a_visitor_has_no_more_room_where_others_have(path: str) -> None:
    answer = post(path, limits.PUBLIC_BODY + 1)
    # As for a small form: whose session has ended signs in again.
    sign_in = "/admin/login/" if path.startswith("/admin/") else "/login/"
    assert (answer.status_code, answer["Location"]) == (302, sign_in)


def test_whoever_is_signed_in_has_the_room_that_forms_need(admin_browser: Browser) -> None:
    assert post(PROFILE, limits.BODY, admin_browser).status_code != 413
    assert error_code(post(PROFILE, limits.BODY + 1, admin_browser)) == CODE
    assert last_event(error_code=CODE).details["path"] == PROFILE


@pytest.mark.parametrize(("path", "field", "name"), [(LOGO, "logo", "set_logo"), (IMPORT, "file", "import_people")])
def test_files_have_the_room_that_they_need_and_no_more(
    path: str, field: str, name: str, admin_browser: Browser
) -> None:
    most = limits.BODIES[f"admin_portal:{name}"]
    fits = SimpleUploadedFile("file", b"x" * (most - 1000))
    answer = admin_browser.post(path, {field: fits})
    assert answer.status_code != 413 and 'data-error-code="portal' not in answer.content.decode()
    assert error_code(admin_browser.post(path, {field: SimpleUploadedFile("file", b"x" * most)})) == CODE


def test_many_fields_and_many_files_are_too_much(administrator: User) -> None:
    browser = Browser(raise_request_exception=False)
    browser.sign_in_as_administrator(administrator)
    fields = {f"f{number}": "1" for number in range(201)}
    files = {f"f{number}": SimpleUploadedFile("x", b"x") for number in range(2)}
    for number, (path, given) in enumerate([("/login/", fields), (LOGO, files), (LOGO, fields)], start=1):
        answer = browser.post(path, given)
        assert (answer.status_code, error_code(answer)) == (413, CODE)
        assert AuditEvent.objects.filter(error_code=CODE).count() == number


@pytest.mark.parametrize("length", ["-1", "many", "1e3", "\u0663", "9" * 400])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    answer = Browser().post("/login/", {"email": "ada@contoso.example"}, CONTENT_LENGTH=length)
    assert answer.status_code == (413 if length.startswith("9") else 400)
    assert error_code(answer) == (CODE if length.startswith("9") else "portal.bad_request")


@pytest.fixture
def talk(live_server: LiveServer) -> Iterator["Talk"]:
    """Speak HTTP by hand to a server that runs."""
    parts = urlsplit(live_server.url)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=20) as connection:
        yield Talk(connection)


class Talk:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def post(self, path: str, *headers: str, body: bytes = b"") -> str:
        """Send a head and whatever is given of a body, and return the head of the answer."""
        head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {FORM}", *headers]
        self.connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        received = b""
        while b"\r\n\r\n" not in received and (more := self.connection.recv(4096)):
            received += more
        return received.partition(b"\r\n\r\n")[0].decode()


@pytest.mark.django_db(transaction=True)
def test_what_is_too_large_is_refused_before_it_is_sent(talk: Talk) -> None:
    assert talk.post("/login/", "Content-Length: 2000000").startswith("HTTP/1.1 413 ")


@pytest.mark.django_db(transaction=True)
def test_more_than_was_said_is_not_read(talk: Talk) -> None:
    answer = talk.post("/oauth/initiate/entra", "Content-Length: 5", body=b"iss=x&login_hint=ada%40contoso.example")
    assert answer.startswith("HTTP/1.1 303 ") and "login_hint" not in answer


@pytest.mark.django_db(transaction=True)
def test_a_body_of_unknown_length_is_refused(talk: Talk) -> None:
    assert talk.post("/login/", "Transfer-Encoding: chunked", body=b"7\r\nemail=x\r\n").startswith("HTTP/1.1 411 ")
    event = last_event(error_code="portal.length_required")
    assert (event.action, event.details["path"]) == ("portal.request.refused", "/login/")


def test_the_server_bounds_what_comes_before_the_body() -> None:
    bounds = (serving.limit_request_line, serving.limit_request_fields, serving.limit_request_field_size)
    assert bounds == (8190, 100, 8190)
