"""The steps of a connection test below HTTP: name, certificate and clock."""

import datetime
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from idp.protocol.http import HttpClient, HttpPolicy
from idp.protocol.reachability import clock_skew
from tests.idp.protocol.support import HOST, NOW, refused, resolving

URL = "https://login.example.com/tenant"


def test_it_shows_the_addresses_of_a_host():
    resolver = resolving(["20.190.128.1", "2603:1027:1::1", "20.190.128.1"])
    found = HttpClient(HttpPolicy(), resolver=resolver).resolve(URL)
    assert (found.host, found.addresses) == ("login.example.com", ("20.190.128.1", "2603:1027:1::1"))
    assert found.elapsed_ms >= 0


def test_it_shows_which_addresses_are_refused():
    client = HttpClient(HttpPolicy(), resolver=resolving(["20.190.128.1", "10.0.0.7", "127.0.0.1"]))
    with refused("idp.http.address_blocked") as caught:
        client.resolve(URL)
    assert caught.value.context["found"] == ["20.190.128.1", "10.0.0.7", "127.0.0.1"]
    assert caught.value.context["refused"] == ["10.0.0.7", "127.0.0.1"]


@pytest.mark.parametrize("step", ["resolve", "inspect_tls"])
def test_each_step_refuses_what_a_request_would_refuse(step):
    for client, url, code in (
        (HttpClient(HttpPolicy(), resolver=resolving([])), URL, "name_not_resolved"),
        (HttpClient(HttpPolicy(), resolver=resolving(["169.254.169.254"])), URL, "address_blocked"),
        (HttpClient(HttpPolicy()), "http://login.example.com", "url_not_allowed"),
        (HttpClient(HttpPolicy()), "https://a:b@login.example.com", "url_not_allowed"),
    ):
        with refused(f"idp.http.{code}"):
            getattr(client, step)(url)


def test_it_does_not_wait_for_a_slow_resolver():
    done = threading.Event()
    client = HttpClient(HttpPolicy(connect_timeout=0.05), resolver=lambda *_a, **_o: done.wait(5) and [])
    with refused("idp.http.timeout"):
        client.resolve(URL)
    done.set()


def company_client(ca_file, **policy):
    return HttpClient(
        HttpPolicy(ca_file=ca_file, private_hosts=frozenset({HOST}), **policy), resolver=resolving(["127.0.0.1"])
    )


def test_it_shows_the_certificate_and_sends_nothing(peer, company_ca):
    server = peer({"ok": True}, tls=company_ca[1])
    facts = company_client(company_ca[0]).inspect_tls(f"https://{HOST}:{server.port}/")
    assert (facts.used, facts.version, facts.subject, facts.issuer) == (True, "TLSv1.3", "company", "company")
    left = facts.not_after - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=7) < left < datetime.timedelta(days=9)
    assert facts.not_before < facts.not_after
    assert facts.elapsed_ms >= 0
    assert server.requests == []


def test_the_connection_is_closed_afterwards(peer, company_ca):
    left = threading.Event()

    class Noticing(ssl.SSLSocket):
        def recv_into(self, *arguments):
            count = super().recv_into(*arguments)
            if count == 0:
                left.set()
            return count

    company_ca[1].sslsocket_class = Noticing
    try:
        server = peer({}, tls=company_ca[1])
        company_client(company_ca[0]).inspect_tls(f"https://{HOST}:{server.port}/")
        assert left.wait(5)
    finally:
        company_ca[1].sslsocket_class = ssl.SSLSocket


def test_tls_is_not_used_for_a_listed_http_origin(peer):
    server = peer({})
    facts = server.client().inspect_tls(server.origin)
    assert (facts.used, facts.not_after, server.connections) == (False, None, 0)


def test_it_says_why_a_certificate_is_not_trusted(peer, company_ca):
    server = peer({}, tls=company_ca[1])
    client = HttpClient(HttpPolicy(private_hosts=frozenset({HOST})), resolver=resolving(["127.0.0.1"]))
    with refused("idp.http.tls") as caught:
        client.inspect_tls(f"https://{HOST}:{server.port}/")
    assert "certificate" in caught.value.message


def test_it_says_that_a_certificate_has_expired(peer, rsa_key, tmp_path):
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "expired")])
    end = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, rsa_key.public_key(), 2, end - datetime.timedelta(days=9), end)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(rsa_key, hashes.SHA256())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "cert").write_bytes(certificate.public_bytes(encoding))
    (tmp_path / "key").write_bytes(rsa_key.private_bytes(encoding, form, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    server = peer({}, tls=context)
    with refused("idp.http.tls") as caught:
        company_client(str(tmp_path / "cert")).inspect_tls(f"https://{HOST}:{server.port}/")
    assert "expired" in caught.value.message


def test_it_stops_a_handshake_that_hangs(company_ca):
    with socket.create_server(("127.0.0.1", 0)) as hung, refused("idp.http.timeout"):
        company_client(company_ca[0], total_timeout=0.2).inspect_tls(f"https://{HOST}:{hung.getsockname()[1]}/")


def test_it_reports_a_server_that_speaks_something_else(company_ca):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            conn, _ = listener.accept()
            with conn:
                conn.sendall(b"220 smtp.example.com ESMTP\r\n")
                conn.recv(4096)

        threading.Thread(target=greet, daemon=True).start()
        with refused("idp.http.tls"):
            company_client(company_ca[0]).inspect_tls(f"https://{HOST}:{listener.getsockname()[1]}/")


def test_it_reports_a_port_where_nobody_listens(peer, company_ca):
    server = peer({})
    server.close()
    with refused("idp.http.connection_failed"):
        company_client(company_ca[0]).inspect_tls(f"https://{HOST}:{server.port}/")


# NOW in the form of RFC 9110 section 5.6.7.
DATE = "Mon, 29 Dec 2025 09:20:00 GMT"


@pytest.mark.parametrize(
    ("date", "ours", "skew"),
    [
        (DATE, NOW, 0.0), (DATE, NOW + 0.999, 0.0), (DATE, NOW + 1.0, 0.0), (DATE, NOW + 301.5, 300.5),
        (DATE, NOW - 0.5, -0.5), (DATE, NOW - 300, -300.0),
        # Obsolete forms, which RFC 9110 has recipients accept.
        ("Monday, 29-Dec-25 09:20:00 GMT", NOW + 61, 60.0), ("Mon Dec 29 09:20:00 2025", NOW + 61, 60.0),
    ],
)  # fmt: skip
@pytest.mark.spec("RFC 9110", "6.6.1")
def test_it_measures_how_far_our_clock_is_ahead(date, ours, skew):
    assert clock_skew({"date": date}, ours) == pytest.approx(skew)


@pytest.mark.parametrize("date", [None, "", "soon", "0", "Mon, 99 Dec 2025 09:20:00 GMT", "Mon, 29 Dec 99999 1:1 GMT"])
def test_without_a_readable_date_there_is_no_skew(date):
    assert clock_skew({} if date is None else {"date": date}, NOW) is None


@pytest.mark.parametrize(("age", "skew"), [("100", 0.0), ("x", 99.0), ("-5", 99.0), ("9" * 40, 99.0)])
def test_an_answer_from_a_cache_is_as_old_as_it_says(age, skew):
    assert clock_skew({"date": DATE, "age": age}, NOW + 100) == pytest.approx(skew)


def test_the_skew_of_a_real_answer(peer):
    server = peer(lambda _r, _c: b"HTTP/1.1 200 X\r\nDate: %b\r\nContent-Length: 2\r\n\r\n{}" % DATE.encode())
    assert clock_skew(server.client().get_json(server.origin).headers, NOW + 11) == pytest.approx(10.0)
