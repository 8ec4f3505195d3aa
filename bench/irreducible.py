"""The irreducible work of a sign-in: one token request, one RS256 verification, one session write; nothing else.

`python -m bench.irreducible` with a job as JSON on standard input; in a Django project only for the session's sake.
The codes are fetched before the clock starts.
"""

import http.client
import json
import secrets
import ssl
import sys
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import django

django.setup()

# Models and sessions need the settings.
import jwt  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from jwt.algorithms import RSAAlgorithm  # noqa: E402
from jwt.utils import base64url_decode  # noqa: E402

from bench.registration import CLIENT_ID, CLIENT_SECRET, Endpoints  # noqa: E402
from bench.wire import Connection  # noqa: E402

REDIRECT_URI = "http://127.0.0.1/callback"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Worker:
    """One thread's work: a kept-alive connection, the provider's key, the codes to exchange."""

    def __init__(self, origin: str, tls: ssl.SSLContext, count: int) -> None:
        parts, at = urlsplit(origin), Endpoints(origin)
        self.token_path = _path(at.token)
        host, port = parts.hostname or "", parts.port
        secure = parts.scheme == "https"
        self.client = (
            http.client.HTTPSConnection(host, port, context=tls) if secure else http.client.HTTPConnection(host, port)
        )
        self.bodies = [body_of(code) for code in self._codes(origin, tls, count)]
        jwk = json.loads(self._request("GET", _path(at.jwks), None))["keys"][0]
        self.key = RSAAlgorithm.from_jwk(jwk)
        self.algorithm = RSAAlgorithm(RSAAlgorithm.SHA256)
        self.times: list[float] = []

    def _codes(self, origin: str, tls: ssl.SSLContext, count: int) -> list[str]:
        query = {
            "client_id": CLIENT_ID,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "nonce": "n",
            "state": "s",
        }
        browser = Connection(origin, tls)
        target = f"{_path(Endpoints(origin).authorization)}?{urlencode(query)}"
        answers = [browser.get(target, {"person": "1"}) for _ in range(count)]
        browser.close()
        return [parse_qs(urlsplit(answer.location).query)["code"][0] for answer in answers]

    def _request(self, method: str, target: str, body: str | None) -> bytes:
        self.client.request(method, target, body, HEADERS)
        return self.client.getresponse().read()

    def run(self) -> None:
        """Do the work once for every code."""
        for body in self.bodies:
            begun = time.perf_counter()
            id_token = json.loads(self._request("POST", self.token_path, body))["id_token"]
            signed, _, signature = id_token.rpartition(".")
            if not self.algorithm.verify(signed.encode(), self.key, base64url_decode(signature)):  # type: ignore[arg-type]
                raise jwt.InvalidSignatureError
            session = SessionStore(session_key=secrets.token_hex(16))
            session["user"] = json.loads(base64url_decode(signed.partition(".")[2]))["sub"]
            session.save(must_create=True)
            self.times.append(time.perf_counter() - begun)


def _path(url: str) -> str:
    return urlsplit(url).path


def body_of(code: str) -> str:
    """Return the token request for a code."""
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return urlencode({"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, **client})


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Return how long it took, how much CPU time, and how often it was done."""
    tls = ssl.create_default_context(cafile=job["ca_file"])
    count = max(1, job["sign_ins"] // job["concurrency"])
    workers = [Worker(job["provider_origin"], tls, count) for _ in range(job["concurrency"])]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    begun, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = [took for worker in workers for took in worker.times]
    if len(times) != count * len(workers):
        raise RuntimeError("a thread of the irreducible work broke")
    return {"elapsed": time.perf_counter() - begun, "cpu": time.process_time() - cpu, "sign_ins": times}


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
