"""Whose word on the client's address is believed."""

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from portal.proxies import ClientAddressMiddleware, TrustedProxies
from tests.browsing import Browser, last_event
from tests.factories import PASSWORD, make_person

pytestmark = pytest.mark.django_db

PROXIES = ["10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48"]


def address_of(peer: str, forwarded: str | None) -> str | None:
    """Return the address that a failed sign-in is audited with."""
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    form = {"email": "nobody@contoso.example", "password": "x"}
    response = Browser().post("/login/password/", form, REMOTE_ADDR=peer, **headers)
    assert response.status_code == 401
    return last_event(action="portal.sign_in.failed").client_ip


CASES = [
    # peer, X-Forwarded-For, believed
    ("203.0.113.5", None, "203.0.113.5"),
    ("203.0.113.5", "198.51.100.7", "203.0.113.5"),  # a visitor's own claim
    ("10.1.2.3", None, "10.1.2.3"),
    ("10.1.2.3", "", "10.1.2.3"),
    ("10.1.2.3", "198.51.100.7", "198.51.100.7"),
    ("192.0.2.1", "198.51.100.7", "198.51.100.7"),
    ("192.0.2.2", "198.51.100.7", "192.0.2.2"),  # next to the proxy, and not it
    ("10.1.2.3", "1.1.1.1, 198.51.100.7", "198.51.100.7"),  # the right-most that is no proxy
    ("10.1.2.3", "1.1.1.1, 198.51.100.7, 10.9.9.9, 192.0.2.1", "198.51.100.7"),
    ("10.1.2.3", "1.1.1.1,10.9.9.9", "1.1.1.1"),
    ("10.1.2.3", "10.9.9.8, 10.9.9.9", "10.9.9.8"),  # proxies all the way
    ("10.1.2.3", "1.1.1.1, unknown", "10.1.2.3"),  # what is no address ends the chain
    ("10.1.2.3", "1.1.1.1, ,10.9.9.9", "10.9.9.9"),
    ("10.1.2.3", "  198.51.100.7  ", "198.51.100.7"),
    ("10.1.2.3", "2001:db8:2::7", "2001:db8:2::7"),
    ("2001:db8:1::1", "2001:db8:2::7, 2001:db8:1::9", "2001:db8:2::7"),
    ("::ffff:10.1.2.3", "198.51.100.7", "198.51.100.7"),  # what a server at [::] sees of a proxy of version 4
    ("::ffff:203.0.113.5", "198.51.100.7", "203.0.113.5"),
    ("10.1.2.3", "198.51.100.7, ::ffff:10.9.9.9", "198.51.100.7"),
    ("10.1.2.3", "::ffff:198.51.100.7", "198.51.100.7"),
    ("10.1.2.3", "x" * 9000, "10.1.2.3"),
    ("10.1.2.3", "1.1.1.1\x00", "10.1.2.3"),
]


@pytest.mark.parametrize(("peer", "forwarded", "expected"), CASES)
def test_it_believes_the_proxies_and_nobody_else(
    peer: str, forwarded: str | None, expected: str, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    assert address_of(peer, forwarded) == expected


@pytest.mark.parametrize("forwarded", ["fe80::1%eth0", "fe80::1%" + "x" * 500, "::ffff:198.51.100.7"])
def test_an_unusual_address_is_no_defect(forwarded: str, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    assert address_of("10.1.2.3", forwarded) is not None


def test_without_proxies_nobody_is_believed() -> None:
    assert address_of("10.1.2.3", "198.51.100.7") == "10.1.2.3"


def test_a_unix_socket_has_no_address_unless_the_proxy_behind_it_tells(settings: LazySettings) -> None:
    assert address_of("", "198.51.100.7") is None
    settings.TRUSTED_PROXIES = ["unix"]
    assert address_of("", "198.51.100.7") == "198.51.100.7"
    assert address_of("203.0.113.5", "198.51.100.7") == "203.0.113.5"


def test_a_forged_address_does_not_get_around_the_lock(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    browser, person = Browser(), make_person(password=PASSWORD)
    for number in range(50):
        form = {"email": f"guess-{number}@contoso.example", "password": "x"}
        forged = {"REMOTE_ADDR": "10.1.2.3", "HTTP_X_FORWARDED_FOR": f"1.2.3.{number}, 198.51.100.7"}
        browser.post("/login/password/", form, **forged)
    form = {"email": person.company_email, "password": PASSWORD}
    assert browser.post("/login/password/", form, **forged).status_code == 429


def seen_through(peer: str, **headers: str) -> str:
    """Return what a view sees of what a peer says: the scheme, the host, and which forwarding headers are left."""

    def show(request: HttpRequest) -> HttpResponse:
        left = [name for name in request.META if "FORWARDED" in name]
        return HttpResponse(f"{request.scheme} {request.get_host()} {' '.join(left)}".strip())

    request = RequestFactory().get("/", REMOTE_ADDR=peer, **headers)
    return ClientAddressMiddleware(show)(request).content.decode()


@pytest.mark.parametrize(("peer", "seen"), [("10.1.2.3", "https"), ("203.0.113.5", "http")])
def test_the_scheme_is_believed_of_proxies_alone(peer: str, seen: str, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    assert seen_through(peer, HTTP_X_FORWARDED_PROTO="https").split()[0] == seen


@pytest.mark.parametrize("peer", ["10.1.2.3", "203.0.113.5"])
def test_nobody_is_believed_about_the_host(peer: str, settings: LazySettings) -> None:
    """Not even a proxy: `Forwarded` (RFC 7239) and its older relatives are often passed on as they came."""
    settings.TRUSTED_PROXIES = PROXIES
    forged = {f"HTTP_X_FORWARDED_{name}": "evil.example" for name in ("HOST", "PORT", "SERVER")}
    forged["HTTP_FORWARDED"] = "for=198.51.100.7;host=evil.example;proto=https"
    assert seen_through(peer, **forged) == "http testserver"


def test_forwarded_gives_nobody_another_address(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    form = {"email": "nobody@contoso.example", "password": "x"}
    Browser().post("/login/password/", form, REMOTE_ADDR="10.1.2.3", HTTP_FORWARDED="for=198.51.100.7")
    assert last_event(action="portal.sign_in.failed").client_ip == "10.1.2.3"


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "proxy.example", "10.0.0.0/33", "*", "0.0.0.0/0", "::/0", "Unix"])
def test_what_is_no_proxy_is_no_setting(wrong: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
        TrustedProxies.read(["10.0.0.1", wrong])
