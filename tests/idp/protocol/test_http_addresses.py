"""Where a request may go: names that lead into the own network, and TLS to the name that was asked for."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.protocol.addresses import is_allowed
from idp.protocol.http import HttpClient, HttpPolicy
from tests.idp.protocol.support import HOST, drip, refused, reply, resolving


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255", "192.168.1.1", "100.64.0.1", "0.0.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.170", "198.18.0.1", "168.63.129.16", "::1", "::",
        "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378::1", "2001:db8::1", "::7f00:1", "x",
    ],
)  # fmt: skip
def test_it_refuses_addresses_that_are_not_public(address):
    assert not is_allowed(address, private=False)
    resolver = resolving(["20.190.128.1", address])
    with refused("idp.http.address_blocked"):
        HttpClient(HttpPolicy(), resolver=resolver).get_json("https://login.example.com/")


@pytest.mark.parametrize("address", ["20.190.128.1", "2603:1027:1::1", "::ffff:20.190.128.1", "64:ff9b::14be:8001"])
def test_it_allows_public_addresses(address):
    assert is_allowed(address, private=False)


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "0.0.0.1", "224.0.0.1"])
def test_a_private_host_may_still_not_lead_to_metadata(address):
    assert is_allowed("10.1.2.3", private=True)
    assert not is_allowed(address, private=True)


def test_it_reports_a_name_without_address():
    with refused("idp.http.name_not_resolved"):
        HttpClient(HttpPolicy(), resolver=resolving([])).get_json("https://login.example.com/")


def test_it_does_not_wait_for_a_slow_resolver():
    done = threading.Event()
    client = HttpClient(HttpPolicy(connect_timeout=0.05), resolver=lambda *_a, **_o: done.wait(5) and [])
    with refused("idp.http.timeout"):
        client.get_json("https://login.example.com/")
    done.set()


@pytest.fixture
def company(peer, company_ca):
    """The company's own provider, over TLS."""
    server = peer({"ok": True}, tls=company_ca[1])
    company_ca[1].sni_callback = lambda _socket, name, _context: server.server_names.append(name)
    return server


def _client(ca_file, resolver, **policy):
    return HttpClient(HttpPolicy(ca_file=ca_file, private_hosts=frozenset({HOST}), **policy), resolver=resolver)


def test_a_listed_private_host_is_called_by_its_name(company, company_ca):
    client = _client(company_ca[0], resolving(["127.0.0.1"]))
    for _ in range(2):
        assert client.get_json(f"https://{HOST}:{company.port}/").body == {"ok": True}
    assert company.connections == 1
    assert company.server_names == [HOST]
    assert company.requests[0].headers["host"] == f"{HOST}:{company.port}"


def test_a_private_host_that_is_not_listed_is_refused(company, company_ca):
    client = HttpClient(HttpPolicy(ca_file=company_ca[0]), resolver=resolving(["127.0.0.1"]))
    with refused("idp.http.address_blocked"):
        client.get_json(f"https://{HOST}:{company.port}/")
    assert company.connections == 0


def test_it_refuses_a_name_that_is_rebound_between_connections(peer, company_ca):
    server = peer(lambda _r, _c: reply({"ok": True}, headers={"Connection": "close"}), tls=company_ca[1])
    client = _client(company_ca[0], resolving(["127.0.0.1"], ["169.254.169.254"]))
    client.get_json(f"https://{HOST}:{server.port}/")
    with refused("idp.http.address_blocked"):
        client.get_json(f"https://{HOST}:{server.port}/")


def test_it_asks_the_resolver_once_for_each_connection(company, company_ca):
    # A second look-up would get the other address and be refused.
    client = _client(company_ca[0], resolving(["127.0.0.1"], ["169.254.169.254"]))
    assert client.get_json(f"https://{HOST}:{company.port}/").status == 200


def test_it_refuses_an_untrusted_certificate(company):
    client = HttpClient(HttpPolicy(private_hosts=frozenset({HOST})), resolver=resolving(["127.0.0.1"]))
    with refused("idp.http.tls") as caught:
        client.get_json(f"https://{HOST}:{company.port}/")
    assert "certificate" in caught.value.message


def test_it_refuses_a_certificate_of_another_name(company, company_ca):
    policy = HttpPolicy(ca_file=company_ca[0], private_hosts=frozenset({"other.company.test"}))
    with refused("idp.http.tls"):
        HttpClient(policy, resolver=resolving(["127.0.0.1"])).get_json(f"https://other.company.test:{company.port}/")


def test_it_stops_a_handshake_that_hangs(peer, company_ca):
    hung = socket.create_server(("127.0.0.1", 0))
    client = _client(company_ca[0], resolving(["127.0.0.1"]), total_timeout=0.2)
    with hung, refused("idp.http.timeout"):
        client.get_json(f"https://{HOST}:{hung.getsockname()[1]}/")


def test_it_stops_a_drip_under_tls(peer, company_ca):
    server = peer(lambda _r, conn: drip(conn, b"HTTP/1.1 200 X\r\nX-Slow: " + b"x" * 9999), tls=company_ca[1])
    client = _client(company_ca[0], resolving(["127.0.0.1"]), total_timeout=0.3)
    with refused("idp.http.timeout"):
        client.get_json(f"https://{HOST}:{server.port}/")


def test_it_tries_the_next_address(peer, company_ca, company):
    # The peer listens on 127.0.0.1 alone.
    client = _client(company_ca[0], resolving(["127.0.0.2", "127.0.0.1"]))
    assert client.get_json(f"https://{HOST}:{company.port}/").status == 200


def test_many_threads_share_one_client(company, company_ca):
    client = _client(company_ca[0], resolving(["127.0.0.1"]))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.get_json, [f"https://{HOST}:{company.port}/"] * 24))
    assert [answer.status for answer in answers] == [200] * 24
