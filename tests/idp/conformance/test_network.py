"""A provider that is down, slow, wrong or hostile on the wire, at the token endpoint and at the key set."""

import socket
import time
import tracemalloc
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from idp import upstream
from idp.models import IdentityProvider
from idp.protocol.budget import BUDGET
from idp.protocol.http import HttpClient
from tests.browsing import Browser, assert_refused, error_code
from tests.entra_tenant import Fault, PracticeTenant
from tests.factories import make_provider
from tests.idp.conformance.support import refuses, stays, succeeds, table, warm_up
from users.models import User

QUICK = [
    ("down", Fault.DOWN, "idp.http.connection_broken"),
    ("resets-mid-body", Fault.RESET_MID_BODY, "idp.http.connection_broken"),
    ("html", Fault.HTML, "idp.http.not_json"),
    ("json-list", Fault.JSON_LIST, "idp.http.not_json"),
    ("empty", Fault.EMPTY, "idp.http.not_json"),
    ("200-mib", Fault.HUGE, "idp.http.too_large"),
    ("200-mib/chunked", Fault.HUGE_CHUNKED, "idp.http.too_large"),
    ("gzip-bomb", Fault.GZIP_BOMB, "idp.http.too_large"),
    ("redirect-307", Fault.REDIRECT_307, "idp.http.redirect"),
]
SLOW = [
    ("one-byte-a-second", Fault.DRIP, "idp.http.timeout"),
    ("one-byte-a-second/in-headers", Fault.DRIP_HEADERS, "idp.http.timeout"),
    ("no-answer", Fault.HANG, "idp.http.timeout"),
]


@pytest.mark.parametrize("kind", ["token", "keys"])
@table(("fault", "code"), QUICK, "network-")
@pytest.mark.spec("RFC 9700", "2.6")
def test_a_broken_answer_is_refused(
    kind: str,
    fault: Fault,
    code: str,
    tenant: PracticeTenant,
    provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    tenant.fault(kind, fault)
    refuses(browser_client.federated_sign_in(), browser_client, code)
    assert tenant.count("trap") == 0
    tenant.clear_faults()
    succeeds(browser_client.federated_sign_in(), browser_client)


@pytest.mark.parametrize("kind", ["token", "keys"])
@table(("fault", "code"), SLOW, "network-")
def test_a_slow_answer_is_refused(
    kind: str,
    fault: Fault,
    code: str,
    tenant: PracticeTenant,
    impatient: None,
    ada: User,
    browser_client: Browser,
) -> None:
    tenant.fault(kind, fault)
    started = time.monotonic()
    refuses(browser_client.federated_sign_in(), browser_client, code)
    assert time.monotonic() - started < 2
    tenant.clear_faults()
    succeeds(browser_client.federated_sign_in(), browser_client)


@pytest.mark.conformance("network-worker-held-8-seconds-at-most")
def test_all_requests_of_a_sign_in_share_one_deadline(
    tenant: PracticeTenant, impatient: None, ada: User, browser_client: Browser
) -> None:
    """A provider that hands out the token late, and then no keys, does not hold a worker twice as long."""
    handed_out = []

    def hand_out(token: str) -> str:
        handed_out.append(time.monotonic())
        return token

    tenant.fault("keys", Fault.HANG)
    with tenant.lying(id_token=hand_out):
        refuses(browser_client.federated_sign_in(), browser_client, "idp.http.timeout")
    # The request for keys was to end as if it had begun with the one for the token: both are this thread's.
    assert BUDGET.ends_at <= handed_out[0] + upstream.policy().total_timeout


def test_the_deadline_is_8_seconds(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    """That it is kept, whatever the provider sends, is shown with a shorter one in this module."""
    begun = time.monotonic()
    with upstream.one_deadline():
        upstream.client().get_json(tenant.jwks_uri)
        assert begun < BUDGET.ends_at <= time.monotonic() + 8


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.HTML, Fault.STATUS, Fault.GZIP_BOMB, Fault.REDIRECT_307])
def test_a_broken_answer_signs_nobody_out(
    fault: Fault, tenant: PracticeTenant, provider: IdentityProvider, ada: User
) -> None:
    browser = warm_up(tenant)
    key = browser.session_cookie
    tenant.fault("token", fault)
    response = browser.federated_sign_in()
    assert 500 < response.status_code < 505
    stays(response, browser, error_code(response))
    assert browser.session_cookie == key


@pytest.mark.conformance("network-refuses")
def test_a_provider_that_refuses_connections(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    location = browser_client.at_provider(browser_client.begin())
    tenant.server.stop()
    refuses(browser_client.come_back(location), browser_client, "idp.http.connection_failed")
    tenant.server.start()
    succeeds(browser_client.federated_sign_in(), browser_client)


@table(
    ("lie", "code"),
    [
        ("no-id-token", {"drop_token": ("id_token",)}, "idp.token_endpoint.id_token_missing"),
        ("no-id-token/empty", {"id_token": ""}, "idp.token_endpoint.id_token_missing"),
        ("no-id-token/null", {"token": {"id_token": None}}, "idp.token_endpoint.id_token_missing"),
        ("id-token-a-list", {"token": {"id_token": ["a.b.c"]}}, "idp.token_endpoint.malformed"),
        ("access-token-a-number", {"token": {"access_token": 7}}, "idp.token_endpoint.malformed"),
        ("token-type-missing", {"drop_token": ("token_type",)}, "idp.token_endpoint.token_type"),
        ("token-type-dpop", {"token": {"token_type": "DPoP"}}, "idp.token_endpoint.token_type"),
        ("an-error-with-status-200", {"token": {"error": "invalid_grant"}}, "idp.token_endpoint.refused"),
        ("an-error-that-is-no-string", {"token": {"error": {"a": 1}}}, "idp.token_endpoint.refused"),
        ("status-503", {"token_status": 503}, "idp.token_endpoint.unavailable"),
        ("status-201", {"token_status": 201}, "idp.token_endpoint.unavailable"),
        ("nested-too-deep", {"token_body": b'{"a":' * 5000 + b"1" + b"}" * 5000}, "idp.http.not_json"),
        ("not-a-number", {"token_body": b'{"expires_in": NaN}'}, "idp.http.not_json"),
        ("not-utf-8", {"token_body": b'{"id_token": "\xff"}'}, "idp.http.not_json"),
        ("expired-secret", {"token_error": 7000222}, "idp.token_endpoint.refused"),
        ("code-used-before", {"token_error": 54005}, "idp.token_endpoint.refused"),
        ("temporarily-unavailable", {"token_error": 90033}, "idp.token_endpoint.unavailable"),
    ],
    "network-",
)
@pytest.mark.spec("OIDC Core", "3.1.3.3")
def test_a_token_response_is_refused(
    lie: dict, code: str, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(**lie):
        refuses(browser_client.federated_sign_in(), browser_client, code)


@table(
    "lie",
    [
        ("content-type-text", {"token_content_type": "text/plain"}),
        ("no-access-token", {"drop_token": ("access_token",)}),
    ],
)
@pytest.mark.spec("OIDC Core", "3.1.3.3")
def test_a_token_response_survives(
    lie: dict, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    with tenant.lying(**lie):
        succeeds(browser_client.federated_sign_in(), browser_client)


@pytest.mark.parametrize("fault", [Fault.HUGE, Fault.HUGE_CHUNKED, Fault.GZIP_BOMB])
def test_200_mib_cost_no_memory(
    fault: Fault, tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    warm_up(tenant)
    tenant.fault("token", fault)
    location = browser_client.at_provider(browser_client.begin())
    tracemalloc.start()
    try:
        assert_refused(browser_client.come_back(location), "idp.http.too_large")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.conformance("network-redirect-307")
@pytest.mark.spec("RFC 9700", "4.12")
def test_code_and_secret_do_not_follow_a_307(
    tenant: PracticeTenant, plain_tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    """Neither on the same host nor on another one that Gatehouse may otherwise call."""
    for target in (tenant.trap_url, plain_tenant.trap_url, tenant.token_endpoint + "?again=1"):
        tenant.reset_log()
        tenant.fault("token", Fault.REDIRECT_307, to=target)
        refuses(browser_client.federated_sign_in(), browser_client, "idp.http.redirect")
        assert (tenant.upstream_count(), plain_tenant.upstream_count()) == (1, 0)


@pytest.mark.conformance("network-netrc-and-proxies-ignored")
def test_netrc_and_proxies_in_the_environment_are_ignored(
    tenant: PracticeTenant, administrator: User, ada: User, browser_client: Browser, monkeypatch, tmp_path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    make_provider(tenant)
    succeeds(browser_client.federated_sign_in(), browser_client)
    headers = [r.request.headers for r in tenant.requests if r.kind in {"discovery", "keys", "token"}]
    assert len(headers) == 4
    assert not any("authorization" in header or "origin" in header for header in headers)


@pytest.mark.parametrize("member", ["token_endpoint", "jwks_uri"])
@table(
    ("host", "code"),
    [
        ("name-that-resolves-to-a-private-address", "localhost:1", "idp.http.address_blocked"),
        ("private-address", "10.0.0.1", "idp.http.address_blocked"),
        ("loopback-address", "127.0.0.1:1", "idp.http.address_blocked"),
        ("loopback-address-as-a-number", "2130706433", "idp.http.address_blocked"),
        ("ipv4-in-ipv6", "[::ffff:127.0.0.1]", "idp.http.address_blocked"),
        ("metadata-address", "169.254.169.254", "idp.http.address_blocked"),
    ],
)
def test_an_endpoint_on_a_private_address_is_not_called(
    member: str,
    host: str,
    code: str,
    plain_tenant: PracticeTenant,
    plain_provider: IdentityProvider,
    ada: User,
    browser_client: Browser,
) -> None:
    """Also where the name was public when the provider was added: each connection looks again."""
    IdentityProvider.objects.update(metadata={**plain_provider.metadata, member: f"https://{host}/x"})
    refuses(browser_client.federated_sign_in(), browser_client, code)


@pytest.mark.parametrize("flavour", ["tenant", "plain_tenant"])
def test_a_warm_sign_in_is_one_upstream_request_on_an_open_connection(
    flavour: str, request: pytest.FixtureRequest, administrator: User, ada: User
) -> None:
    tenant = request.getfixturevalue(flavour)
    make_provider(tenant)
    browser = warm_up(tenant)
    location = browser.at_provider(browser.begin())
    connections = tenant.server.connections
    tenant.reset_log()
    assert browser.come_back(location).status_code == 303
    assert browser.is_signed_in
    assert (tenant.upstream_count(), tenant.count("token"), tenant.server.connections - connections) == (1, 1, 0)


def test_neither_the_sign_in_page_nor_the_redirect_asks_the_provider(
    tenant: PracticeTenant, provider: IdentityProvider, browser_client: Browser
) -> None:
    tenant.reset_log()
    browser_client.get("/login/")
    browser_client.begin()
    browser_client.get("/oauth/login/entra/")
    assert tenant.count() == 0


@pytest.fixture
def moving_host(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A host whose name resolves to a public address at first, and to a private one from then on."""
    host, answers = "sso.company.test", ["93.184.216.34"]

    def look_up(name: str, port: int, **options: Any) -> list[tuple[Any, ...]]:
        if name != host:
            return socket.getaddrinfo(name, port, **options)
        address = answers.pop() if answers else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr("idp.upstream.HttpClient", partial(HttpClient, resolver=look_up))
    upstream._pair.cache_clear()
    yield host
    upstream._pair.cache_clear()


@pytest.mark.conformance("discovery-name-that-resolves-to-a-private-address-later")
@pytest.mark.parametrize("member", ["token_endpoint", "jwks_uri"])
@pytest.mark.spec("entra.md", "2")
def test_a_name_that_resolves_to_a_private_address_later_is_not_called(
    member: str,
    plain_tenant: PracticeTenant,
    moving_host: str,
    administrator: User,
    ada: User,
    browser_client: Browser,
) -> None:
    """DNS rebinding: the name was looked up and found to be public when the provider was added."""
    with plain_tenant.lying(discovery={member: f"https://{moving_host}/x"}):
        provider = make_provider(plain_tenant)
    assert moving_host in getattr(provider.discovered, member)
    refuses(browser_client.federated_sign_in(), browser_client, "idp.http.address_blocked")
