"""Outgoing requests against peers that are broken, slow or hostile."""

import gzip
import struct
import threading
import tracemalloc
from socket import SO_LINGER, SOL_SOCKET

import pytest

from idp.protocol.http import HttpClient, HttpPolicy
from tests.idp.protocol.support import drip, gzipped, refused, reply

FAST = {"connect_timeout": 0.3, "read_timeout": 0.2, "total_timeout": 0.3}
SMALL = {"max_bytes": 4096}


def test_it_reads_an_object_with_status_and_headers(peer):
    server = peer(lambda _r, _c: reply({"error": "invalid_grant"}, 400, {"Cache-Control": "no-store"}))
    response = server.client().get_json(server.origin + "/a?b=c")
    assert (response.status, response.body["error"]) == (400, "invalid_grant")
    assert response.headers["cache-control"] == "no-store"
    assert server.requests[0].target == "/a?b=c"


def test_it_reuses_a_warm_connection_for_a_post(peer):
    server = peer({"ok": True})
    client = server.client()
    for _ in range(3):
        client.post_form(server.origin, {"code": "x"})
    assert (server.connections, len(server.requests)) == (1, 3)


def test_it_dials_again_when_the_idle_connection_was_closed(peer):
    server = peer(lambda _r, _c: reply({"ok": True}, headers={"Connection": "close"}))
    client = server.client()
    client.post_form(server.origin, {"code": "x"})
    client.post_form(server.origin, {"code": "y"})
    assert (server.connections, len(server.requests)) == (2, 2)


def test_it_does_not_trust_a_connection_that_was_idle_for_long(peer, monkeypatch):
    server = peer({"ok": True})
    client = server.client()
    client.post_form(server.origin, {"code": "x"})
    monkeypatch.setattr("idp.protocol.http._MAX_IDLE_SECONDS", 0.0)
    client.post_form(server.origin, {"code": "y"})
    assert server.connections == 2


def _answers_once_per_connection(server_state):
    def answer(_request, conn):
        if conn in server_state:
            return None  # closes without a byte, as a server does whose keep-alive has just run out
        server_state.append(conn)
        return reply({"ok": True})

    return answer


def test_it_repeats_a_get_that_a_stale_connection_swallowed(peer):
    server = peer(_answers_once_per_connection([]))
    client = server.client()
    client.get_json(server.origin)
    assert client.get_json(server.origin).body == {"ok": True}
    assert server.connections == 2


def test_it_does_not_repeat_a_get_that_a_fresh_connection_swallowed(peer):
    server = peer(lambda _r, _c: None)
    with refused("idp.http.connection_broken"):
        server.client().get_json(server.origin)
    assert len(server.requests) == 1


def test_it_never_repeats_a_post(peer):
    server = peer(_answers_once_per_connection([]))
    client = server.client()
    client.post_form(server.origin, {"code": "first"})
    with refused("idp.http.connection_broken"):
        client.post_form(server.origin, {"code": "single-use"})
    assert [request.body for request in server.requests].count(b"code=single-use") == 1


def test_it_sends_no_origin_and_ignores_the_environment(peer, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server = peer({"ok": True})
    server.client().post_form(server.origin, {"a": "b"})
    headers = server.requests[0].headers
    assert headers["user-agent"] == "Gatehouse"
    assert not {"origin", "authorization", "cookie"} & set(headers)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_it_follows_no_redirect(peer, status):
    target = peer({"stolen": True})
    server = peer(lambda _r, _c: reply(b"", status, {"Location": target.origin}))
    with refused("idp.http.redirect"):
        server.client().post_form(server.origin, {"code": "c", "client_secret": "s"})
    assert target.requests == []


@pytest.mark.parametrize(
    "body", [b"<html>", b"[1]", b'"text"', b"null", b"", b"\xff\xfe", b'{"a": NaN}', b'{"a": "\\ud800"}', b"{} {}"]
)
def test_it_refuses_what_is_no_json_object(peer, body):
    server = peer(lambda _r, _c: reply(body))
    with refused("idp.http.not_json"):
        server.client().get_json(server.origin)


@pytest.mark.parametrize("depth", [100, 1000, 100_000])
def test_it_refuses_deep_nesting(peer, depth):
    server = peer(lambda _r, _c: reply(b'{"a":' + b"[" * depth + b"]" * depth + b"}"))
    with refused("idp.http.not_json"):
        server.client().get_json(server.origin)


def test_it_reports_a_failure_status_without_json(peer):
    server = peer(lambda _r, _c: reply(b"<h1>Bad Gateway</h1>", 502))
    with refused("idp.http.status"):
        server.client().get_json(server.origin)


def test_it_refuses_a_large_body_without_reading_it_all(peer):
    sent = []

    def endless(_request, conn):
        conn.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 209715200\r\n\r\n")
        for _ in range(3200):
            sent.append(conn.send(b"x" * 65536))

    server = peer(endless)
    with refused("idp.http.too_large"):
        server.client().get_json(server.origin)
    assert sum(sent) < 50_000_000


def test_it_refuses_endless_headers(peer):
    def endless(_request, conn):
        conn.sendall(b"HTTP/1.1 200 X\r\n")
        while True:
            conn.sendall(b"X-Again: yes\r\n" * 1000)

    server = peer(endless)
    with refused("idp.http.connection_broken"):
        server.client(**SMALL).get_json(server.origin)


def test_it_refuses_an_endless_run_of_interim_responses(peer):
    def endless(_request, conn):
        while True:
            conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    server = peer(endless)
    with refused("idp.http.too_large"):
        server.client(**SMALL).get_json(server.origin)


def test_it_refuses_a_chunk_size_without_end(peer):
    def endless(_request, conn):
        conn.sendall(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            conn.sendall(b"0" * 65536)

    server = peer(endless)
    with refused("idp.http.connection_broken"):
        server.client().get_json(server.origin)


def test_it_reads_gzip_that_nobody_asked_for(peer):
    server = peer(lambda _r, _c: gzipped(b'{"ok": true}'))
    assert server.client().get_json(server.origin).body == {"ok": True}
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_it_refuses_a_gzip_bomb(peer):
    bomb = gzipped(b'{"a":"' + b"a" * 50_000_000 + b'"}')
    server = peer(lambda _r, _c: bomb)
    tracemalloc.start()
    with refused("idp.http.too_large"):
        server.client().get_json(server.origin)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("coding", "body"),
    [("br", b"{}"), ("gzip, gzip", b"{}"), ("gzip", b"{}"), ("gzip", gzip.compress(b'{"a": 1}', mtime=0)[:-4])],
)
def test_it_refuses_other_codings_and_broken_streams(peer, coding, body):
    server = peer(lambda _r, _c: reply(body, headers={"Content-Encoding": coding}))
    with refused("idp.http.content_encoding"):
        server.client().get_json(server.origin)


def test_it_stops_a_drip_in_the_body(peer):
    server = peer(lambda _r, conn: drip(conn, b"HTTP/1.1 200 X\r\nContent-Length: 9999\r\n\r\n" + b"x" * 9999))
    with refused("idp.http.timeout"):
        server.client(**FAST).get_json(server.origin)


def test_it_stops_a_drip_in_the_headers(peer):
    server = peer(lambda _r, conn: drip(conn, b"HTTP/1.1 200 X\r\nX-Slow: " + b"x" * 9999))
    with refused("idp.http.timeout"):
        server.client(**FAST).post_form(server.origin, {"code": "c"})


def test_it_stops_waiting_for_silence(peer):
    silent = threading.Event()
    server = peer(lambda _r, _c: silent.wait(5) and None)
    with refused("idp.http.timeout"):
        server.client(**FAST).get_json(server.origin)
    silent.set()


def test_it_reports_a_reset_in_the_body(peer):
    def reset(_request, conn):
        conn.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{")
        conn.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))

    server = peer(reset)
    with refused("idp.http.connection_broken"):
        server.client().get_json(server.origin)


def test_it_reports_what_is_not_http(peer):
    server = peer(lambda _r, conn: conn.sendall(b"220 smtp.example.com ESMTP\r\n"))
    with refused("idp.http.connection_broken"):
        server.client().get_json(server.origin)


def test_it_reports_a_port_where_nobody_listens(peer):
    server = peer({})
    client = server.client()
    server.close()
    with refused("idp.http.connection_failed"):
        client.get_json(server.origin)


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/", "ftp://login.example.com/", "https://user@login.example.com/", "https:///x",
        "https://login.example.com:99999/", "https://login.example.com/a b", "https://login.example.com\\@evil/",
        "https://löginexample.com/", "https://[::1%25eth0]/", "https://a/\r\nX: y", "",
    ],
)  # fmt: skip
def test_it_calls_clean_https_urls_only(url):
    with refused("idp.http.url_not_allowed"):
        HttpClient(HttpPolicy()).get_json(url)
