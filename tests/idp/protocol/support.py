"""A peer that answers as told over real sockets, and tokens signed with real keys."""

import base64
import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from idp.protocol.http import HttpClient, HttpPolicy
from idp.protocol.jwks import JwksCache
from users.errors import DirectoryError

TENANT = "3f2b7a10-5c1d-4f6e-9a8b-0123456789ab"
OTHER_TENANT = "11111111-2222-4333-8444-555555555555"
OBJECT_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
CLIENT_ID = "gatehouse-client"
NONCE = "a-nonce-of-this-sign-in"
HOST = "sso.company.test"
MICROSOFT = "login.microsoftonline.com"
NOW = 1_767_000_000


@contextmanager
def refused(code: str) -> Iterator[Any]:
    """The block has to be refused with this code; yields pytest's exception info."""
    with pytest.raises(DirectoryError) as caught:
        yield caught
    assert caught.value.code == code
    assert "{" not in caught.value.message.replace("{tenant", "")
    assert caught.value.message and caught.value.hint


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request, socket.socket], bytes | None]


def reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def gzipped(body: bytes) -> bytes:
    return reply(gzip.compress(body), headers={"Content-Encoding": "gzip"})


@dataclass
class Peer:
    """An HTTP server on a port of its own. `answer` returns the bytes to send; None closes the connection."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    server_names: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def client(self, **policy: Any) -> HttpClient:
        return HttpClient(HttpPolicy(insecure_origins=frozenset({self.origin}), **policy))

    def _serve(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._converse, args=(conn,), daemon=True).start()

    def _converse(self, conn: socket.socket) -> None:
        try:
            if self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
            with conn, conn.makefile("rb") as stream:
                while request := _read_request(stream):
                    self.requests.append(request)
                    data = self.answer(request, conn)
                    if data is None:
                        return
                    conn.sendall(data)
        except OSError:
            conn.close()


def _read_request(stream: Any) -> Request | None:
    first = stream.readline()
    if not first:
        return None
    method, target, _ = first.decode().split(" ", 2)
    headers = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, target, headers, stream.read(int(headers.get("content-length", 0))))


def drip(conn: socket.socket, data: bytes) -> None:
    """Sends a byte at a time, slowly, until the other side has gone."""
    for byte in data:
        conn.sendall(bytes([byte]))
        time.sleep(0.02)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk_of(key: Any, kid: str | None = None, **members: Any) -> dict[str, Any]:
    """The public JWK of a private key, without `alg`, as Entra publishes it."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    jwk = algorithm.to_jwk(key.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    return jwk | ({"kid": kid} if kid else {}) | members


def claims_for(**changes: Any) -> dict[str, Any]:
    """The claims of a good Entra token; a change to `...` removes the claim."""
    claims = {
        "iss": ISSUER, "aud": CLIENT_ID, "sub": "pairwise-subject", "iat": NOW, "nbf": NOW, "exp": NOW + 3900,
        "nonce": NONCE, "ver": "2.0", "tid": TENANT, "oid": OBJECT_ID, "name": "Ada Lovelace",
        "preferred_username": "ada@contoso.com", "email": "ada@contoso.com",
    } | changes  # fmt: skip
    return {name: value for name, value in claims.items() if value is not ...}


def sign(key: Any, claims: Any, *, kid: str | None = "k1", algorithm: str = "RS256", **headers: Any) -> str:
    header = {"alg": algorithm, "typ": "JWT"} | ({"kid": kid} if kid else {}) | headers
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signing_input = f"{b64(json.dumps(header).encode())}.{b64(payload)}"
    signer = jwt.algorithms.get_default_algorithms()[algorithm]
    return f"{signing_input}.{b64(signer.sign(signing_input.encode(), key))}"


class KeyServer:
    """A provider's published keys, and the cache through which they are read. `jwks` may be changed at any time."""

    def __init__(self, peer: Callable[..., Peer], *jwks: dict[str, Any]) -> None:
        self.jwks = list(jwks)
        self.server = peer(lambda _r, _c: reply({"keys": self.jwks}))
        self.keys = JwksCache(self.server.client())
        self.jwks_uri = self.server.origin + "/keys"


def resolving(*answers: list[str], to_port: int | None = None) -> Callable[..., Any]:
    """A resolver that gives one answer after the other, the last one for ever, and may lead to a peer's port."""
    left = list(answers)

    def resolve(_host: str, port: int, **_options: Any) -> list[tuple[Any, ...]]:
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, to_port or port),
            )
            for address in addresses
        ]

    return resolve


def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that a peer received."""
    return {name: value[0] for name, value in parse_qs(request.body.decode()).items()}
