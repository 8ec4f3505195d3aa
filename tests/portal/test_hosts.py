"""Requests for hosts that are not ours: refused before anything answers, and never in a link, mail or redirect."""

import re
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.core import mail

from idp.models import IdentityProvider
from tests.browsing import error_code, parameters
from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD, make_person, make_provider
from tests.mailbox import wait_for_mail_threads
from tests.portal.header_grades import Answer, faults
from tests.portal.served import production_server, raw
from tests.production import ENVIRONMENT, HOST, ProxiedBrowser, put_in_production
from users.models import User

WRONG_HOSTS = [
    "evil.example",
    "",
    f"{HOST}.evil.example",
    f"evil.example/{HOST}",
    f"evil.example#{HOST}",
    f"evil.example?{HOST}",
    f"evil.example\\{HOST}",
    f"sub.{HOST}",
    f"{HOST}.",
    f"{HOST}.:443",
    f"{HOST}:evil",
    f"{HOST}:80@evil.example",
    f"{HOST}:",
    f"{HOST}:0",
    f"{HOST}:65536",
    f"{HOST}:99999999999999999999",
    f"{HOST}:80:80",
    f"{HOST}, evil.example",
    f"{HOST} evil.example",
    f"user@{HOST}",
    f"user:password@{HOST}",
    f"https://{HOST}",
    f"{HOST}\x00.evil.example",
    f"{HOST}\u3002",
    "127.0.0.1",
    "[::1]",
    "[::1",
    "localhost",
]
PATHS = ("/login/", "/admin/login/", "/healthz", "/static/nowhere.css", "/oauth/login/entra/", "/nowhere", "/profile/")


@pytest.fixture
def production(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_production(settings, monkeypatch)


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("host", WRONG_HOSTS)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_wrong_host_is_a_bad_request(scheme: str, host: str) -> None:
    for path in PATHS:
        response = ProxiedBrowser(HTTP_HOST=host, HTTP_X_FORWARDED_PROTO=scheme).get(path)
        assert (response.status_code, error_code(response)) == (400, "portal.bad_request"), path
        assert "evil" not in response.content.decode() and "Location" not in response
        assert faults(Answer(dict(response.headers), response.cookies.values(), https=scheme == "https")) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{HOST}:443", f"{HOST}:8443"])
def test_our_own_host_is_answered_at_any_port(host: str) -> None:
    """A proxy may pass on the port that it listens on. It goes nowhere from here."""
    assert ProxiedBrowser(HTTP_HOST=host).get("/login/").status_code == 200


LIARS = {
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_X_FORWARDED_SERVER": "evil.example",
    "HTTP_X_FORWARDED_PORT": "6666",
    "HTTP_X_HOST": "evil.example",
    "HTTP_X_ORIGINAL_URL": "https://evil.example/",
    "HTTP_X_REWRITE_URL": "https://evil.example/",
    "HTTP_FORWARDED": "host=evil.example;proto=http",
    "HTTP_HOST": f"{HOST}:6666",
    "SERVER_NAME": "evil.example",
    "SERVER_PORT": "6666",
}


def assert_unmoved(text: str) -> None:
    assert "evil" not in text and "6666" not in text, text


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
def test_no_redirect_and_no_page_repeats_what_a_request_says_of_the_host() -> None:
    browser = ProxiedBrowser(**LIARS)
    for path in ("/login", "/profile/", "/admin/", "/login/", "/admin/login/", "/password/reset/", "/nowhere/"):
        response = browser.get(path)
        assert_unmoved(response.get("Location", "") + response.content.decode())
    plain = browser.get("/login/", HTTP_X_FORWARDED_PROTO="http")
    assert (plain.status_code, plain["Location"]) == (301, f"https://{HOST}/login/")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("production")
def test_no_mail_repeats_what_a_request_says_of_the_host() -> None:
    person = make_person(password=PASSWORD)
    ProxiedBrowser(**LIARS).post("/password/reset/", {"email": person.company_email})
    wait_for_mail_threads()
    (sent,) = mail.outbox
    text = str(sent.message())
    assert f"https://{HOST}/password/reset/" in sent.body and set(re.findall(r"https?://([^/\s\"<]+)", text)) == {HOST}
    assert_unmoved(sent.body)


@pytest.mark.django_db
@pytest.mark.usefixtures("production")
@pytest.mark.usefixtures("administrator")
def test_no_redirect_uri_repeats_what_a_request_says_of_the_host(tenant: PracticeTenant, ada: User) -> None:
    tenant.redirect_uris = {f"https://{HOST}/oauth/callback/entra"}
    make_provider(tenant)
    browser = ProxiedBrowser(**LIARS)
    there = browser.begin(ada.company_email)
    there = browser.get(there)["Location"] if there.startswith("/") else there
    assert parameters(there)["redirect_uri"] == f"https://{HOST}/oauth/callback/entra"
    assert_unmoved(browser.come_back(browser.at_provider(there))["Location"])
    out = browser.post("/logout/")["Location"]
    assert parameters(out)["post_logout_redirect_uri"] == f"https://{HOST}/signed-out/"
    assert IdentityProvider.objects.get().redirect_uri.startswith(f"https://{HOST}/")


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A production server behind a proxy on this machine: that is, behind these tests."""
    with production_server(tmp_path_factory.mktemp("server"), **ENVIRONMENT) as port:
        yield port


GOOD = f"Host: {HOST}\nX-Forwarded-Proto: https"
HEADS = [
    # what is sent, the status, whether the answer is a page of ours
    (f"GET /login/ HTTP/1.1\n{GOOD}", 200, True),
    (f"GET https://{HOST}/login/ HTTP/1.1\n{GOOD}", 200, True),
    (f"GET https://evil.example/login/ HTTP/1.1\n{GOOD}", 400, True),
    (f"GET http://{HOST}@evil.example/login/ HTTP/1.1\n{GOOD}", 400, True),
    (f"GET http://{HOST}:6666/login/ HTTP/1.1\n{GOOD}", 400, True),
    ("GET /login/ HTTP/1.1\nHost: evil.example\nX-Forwarded-Proto: https", 400, True),
    (f"GET /login/ HTTP/1.1\nHost: evil.example\n{GOOD}", 400, False),
    (f"GET /login/ HTTP/1.1\n{GOOD}\nHost: evil.example", 400, False),
    (f"GET /login/ HTTP/1.1\n{GOOD}\nhost: {HOST}", 400, False),
    ("GET /login/ HTTP/1.1\nX-Forwarded-Proto: https", 400, True),
    ("GET /login/ HTTP/1.0\nX-Forwarded-Proto: https", 400, True),
    (f"GET /login/ HTTP/1.1\nHost: {HOST} \nX-Forwarded-Proto: https", 200, True),
    (f"GET /login/ HTTP/1.1\nHost : {HOST}\nX-Forwarded-Proto: https", 400, False),
    (f"GET /login/ HTTP/1.1\nHost: {HOST}\n X-Forwarded-Host: evil.example", 400, False),
    (f"GET /login/ HTTP/1.1\n{GOOD}\nX_Forwarded_Host: evil.example\nX_Forwarded_For: 9.9.9.9", 200, True),
    (f"GET //evil.example/%2e%2e HTTP/1.1\n{GOOD}", 404, True),
    (f"GET //evil.example/profile HTTP/1.1\n{GOOD}", 404, True),
    ("GET /login/ HTTP/1.1\nHost: evil.example", 400, True),
    (f"GET /login/ HTTP/1.1\nHost: {HOST}:6666\nX-Forwarded-Host: evil.example", 301, False),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("head", "status", "ours"), HEADS)
def test_the_production_server_lets_no_odd_request_through(server: int, head: str, status: int, ours: bool) -> None:
    answered, headers, body = raw(server, head)
    assert answered == status, (headers, body)
    assert "6666" not in headers.get("location", "") and "evil" not in headers.get("location", "") + body
    if ours:
        titled = {name.title(): value for name, value in headers.items()} | {"Server": headers.get("server", "")}
        graded = Answer(titled, https="https" in head.lower().replace("https://", ""))
        assert faults(graded) == []
