"""The light provider: OpenID Connect over HTTP and TLS at once, in a process of its own, cheap enough to stay idle.

`python -m bench.provider DIRECTORY` prints one line of JSON when it listens: its ports and process id. It signs every
ID token when the browser is at the authorization endpoint, so that the token request, which the contestants wait for,
costs a look-up. It checks what a provider must (client secret, redirect URI, PKCE, one use of a code), so that
nobody is fast by sending less.
"""

import asyncio
import base64
import hashlib
import itertools
import json
import os
import secrets
import signal
import ssl
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from bench.people import Person
from bench.registration import CLIENT_ID, CLIENT_SECRET, TENANT_ID, Endpoints

UPSTREAM = frozenset({"discovery", "keys", "token", "userinfo"})
HEAD_END = b"\r\n\r\n"
REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 404: "Not Found"}


class Provider:
    """Keys, codes and counters; what a request means, apart from how it arrives."""

    def __init__(self) -> None:
        self.new_key("bench")
        self.codes: dict[str, dict[str, Any]] = {}
        self.userinfo: dict[str, bytes] = {}
        self.numbers = itertools.count(1)
        self.latency = 0.0
        self.per_round_trip = False
        self.requests: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()

    def new_key(self, kid: str) -> None:
        """Sign with a fresh key from now on; the key set has no other."""
        self.kid = kid
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        jwk |= {"kid": kid, "use": "sig", "alg": "RS256"}
        jwk.pop("key_ops", None)
        self.keys = json.dumps({"keys": [jwk]}).encode()

    def discovery(self, origin: str) -> bytes:
        """Return the discovery document of the issuer at this origin."""
        at = Endpoints(origin)
        document = {
            "issuer": at.issuer,
            "authorization_endpoint": at.authorization,
            "token_endpoint": at.token,
            "jwks_uri": at.jwks,
            "userinfo_endpoint": at.userinfo,
            "end_session_endpoint": at.end_session,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "scopes_supported": ["openid", "profile", "email"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
        }
        return json.dumps(document).encode()

    def authorize(self, origin: str, query: str, person_number: str) -> str:
        """Return the address to redirect the browser to; who is at the browser, its cookie says."""
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        if asked["client_id"] != CLIENT_ID or asked["response_type"] != "code":
            raise ValueError("not our client")
        if asked.get("code_challenge_method", "S256") != "S256":
            raise ValueError("not S256")
        code, access_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        claims = self.claims(origin, asked.get("nonce"), int(person_number) + 1)
        id_token = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.kid})
        answer = {"token_type": "Bearer", "expires_in": 3600, "access_token": access_token, "id_token": id_token}
        self.codes[code] = {
            "redirect_uri": asked["redirect_uri"],
            "challenge": asked.get("code_challenge"),
            "answer": json.dumps(answer).encode(),
        }
        self.userinfo[access_token] = json.dumps({k: claims[k] for k in ("sub", "name", "email")}).encode()
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def claims(self, origin: str, nonce: str | None, number: int) -> dict[str, Any]:
        """Return what an ID token says: Entra's claims, with what a plain provider vouches for the email with."""
        person, now = Person(number), int(time.time())
        claims = {"iss": Endpoints(origin).issuer, "aud": CLIENT_ID, "iat": now, "nbf": now, "exp": now + 3600}
        claims |= {"sub": person.object_id, "oid": person.object_id, "tid": TENANT_ID, "ver": "2.0", "acct": 0}
        claims |= {"name": person.name, "email": person.email, "email_verified": True}
        claims |= {"preferred_username": person.email, "upn": person.email, "sid": f"sid-{next(self.numbers)}"}
        return claims if nonce is None else claims | {"nonce": nonce}

    def token(self, form: dict[str, list[str]]) -> bytes:
        """Return the token response for a code, once."""
        sent = {name: values[-1] for name, values in form.items()}
        if sent.get("grant_type") == "client_credentials":
            return b'{"token_type": "Bearer", "expires_in": 3599, "access_token": "app-only"}'
        if sent["client_id"] != CLIENT_ID or sent["client_secret"] != CLIENT_SECRET:
            raise ValueError("not our client's secret")
        noted = self.codes.pop(sent["code"])
        if noted["redirect_uri"] != sent["redirect_uri"]:
            raise ValueError("another redirect URI")
        if noted["challenge"] is not None:
            digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != noted["challenge"]:
                raise ValueError("another code verifier")
        answer: bytes = noted["answer"]
        return answer

    def counters(self) -> bytes:
        """Return what was counted since the last reset."""
        return json.dumps({"requests": self.requests, "connections": self.connections}).encode()

    def reset(self, latency: float, *, per_round_trip: bool) -> None:
        """Begin to count afresh, and from now on wait so many seconds before an upstream answer.

        Args:
            per_round_trip: as on a network so far away, where opening a connection takes a round trip of its own, and
                the TLS handshake another; they are waited for in one piece, with the first answer of a connection.
        """
        self.latency, self.per_round_trip = latency, per_round_trip
        self.requests.clear()
        self.connections.clear()
        self.codes.clear()
        self.userinfo.clear()


def kind_of(path: str) -> str:
    """Return what a path asks for, in the counters' words."""
    ends = {
        "/.well-known/openid-configuration": "discovery",
        "/discovery/v2.0/keys": "keys",
        "/oauth2/v2.0/token": "token",
        "/oidc/userinfo": "userinfo",
        "/oauth2/v2.0/authorize": "authorize",
        "/bench/counters": "counters",
        "/bench/reset": "reset",
    }
    return next((kind for end, kind in ends.items() if path.endswith(end)), "unknown")


class Connection(asyncio.Protocol):
    """One kept-alive connection: just enough HTTP/1.1 for one request after the other."""

    def __init__(self, provider: Provider, scheme: str) -> None:
        self.provider = provider
        self.scheme = scheme
        self.buffer = b""
        self.seen = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self.buffer += data
        while (end := self.buffer.find(HEAD_END)) >= 0:
            lines = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            start, length = end + len(HEAD_END), int(headers.get("content-length", 0))
            if len(self.buffer) < start + length:
                return
            body, self.buffer = self.buffer[start : start + length], self.buffer[start + length :]
            self.answer(lines[0].split(" ")[1], headers, body.decode("latin-1"))

    def answer(self, target: str, headers: dict[str, str], body: str) -> None:
        """Count a request, and answer it at once or after the added latency."""
        path, _, query = target.partition("?")
        kind = kind_of(path)
        provider, wait = self.provider, 0.0
        if kind in UPSTREAM:
            provider.requests[kind] += 1
            # Browsers keep connections of their own, which say nothing about the contestant.
            provider.connections["upstream"] += not self.seen
            trips = (2 if self.scheme == "http" else 3) if provider.per_round_trip and not self.seen else 1
            wait, self.seen = provider.latency * trips, True
        try:
            status, extra, content = self.answer_of(kind, query, headers, body)
        except (ValueError, KeyError, IndexError) as error:
            text = json.dumps({"error": "invalid_request", "error_description": repr(error)})
            status, extra, content = 400, "", text.encode()
        head = f"HTTP/1.1 {status} {REASONS[status]}\r\n{extra}Content-Type: application/json\r\n"
        answer = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
        if wait:
            asyncio.get_running_loop().call_later(wait, self.transport.write, answer)
        else:
            self.transport.write(answer)

    def answer_of(self, kind: str, query: str, headers: dict[str, str], body: str) -> tuple[int, str, bytes]:
        """Return status, further header lines and body."""
        provider, origin = self.provider, f"{self.scheme}://{headers['host']}"
        match kind:
            case "authorize":
                location = provider.authorize(origin, query, headers["cookie"].partition("=")[2])
                return 302, f"Location: {location}\r\n", b""
            case "token":
                return 200, "Cache-Control: no-store\r\n", provider.token(parse_qs(body))
            case "keys":
                return 200, "", provider.keys
            case "userinfo":
                return 200, "", provider.userinfo[headers["authorization"].removeprefix("Bearer ")]
            case "discovery":
                return 200, "", provider.discovery(origin)
            case "counters":
                return 200, "", provider.counters()
            case "reset":
                seconds, _, per = query.partition(",")
                provider.reset(float(seconds), per_round_trip=per == "round-trip")
                return 200, "", b"{}"
        return 404, "", b"{}"


async def serve(directory: Path) -> None:
    """Listen on two free ports of the loopback interface until a signal comes."""
    provider = Provider()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    loop = asyncio.get_running_loop()
    plain = await loop.create_server(lambda: Connection(provider, "http"), "127.0.0.1", 0, backlog=256)
    tls = await loop.create_server(lambda: Connection(provider, "https"), "127.0.0.1", 0, backlog=256, ssl=context)
    ports = {"http": plain.sockets[0].getsockname()[1], "https": tls.sockets[0].getsockname()[1]}
    sys.stdout.write(json.dumps(ports | {"pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
