"""The provider's side: one pooled client, cached keys, and a complete check of the ID token."""

import hmac
import json
import threading
import time
from typing import Any

import jwt
import urllib3

from bench.registration import CLIENT_ID, CLIENT_SECRET
from bench.rivals.config import CA_FILE, PROVIDER, REDIRECT_URI

KEYS_LIVE = 3600
UNKNOWN_KEY_WINDOW = 30
MAX_BYTES = 262144
LEEWAY = 60
MAX_AGE = 600
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]


class Refused(Exception):
    """The provider's answer is not one to sign somebody in with."""


_pool = urllib3.PoolManager(
    maxsize=32,
    retries=False,
    timeout=urllib3.Timeout(connect=3, read=5),
    cert_reqs="CERT_REQUIRED",
    ca_certs=CA_FILE,
)


def _json(method: str, url: str, **options: Any) -> dict[str, Any]:
    response = _pool.request(method, url, redirect=False, preload_content=False, **options)
    body = response.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        response.close()
        raise Refused("too large an answer")
    response.release_conn()
    document = json.loads(body)
    if response.status != 200 or not isinstance(document, dict):
        raise Refused(f"status {response.status}")
    return document


class _Keys:
    """The provider's keys by ID, read again hourly, and for an unknown ID twice a minute at most."""

    def __init__(self) -> None:
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._lock = threading.Lock()

    def get(self, kid: str) -> jwt.PyJWK:
        age = time.monotonic() - self._fetched_at
        if age > KEYS_LIVE or (kid not in self._keys and age > UNKNOWN_KEY_WINDOW):
            with self._lock:
                document = _json("GET", PROVIDER.jwks)
                signing = [key for key in document["keys"] if key.get("use", "sig") == "sig"]
                self._keys = {key["kid"]: jwt.PyJWK(key, algorithm="RS256") for key in signing}
                self._fetched_at = time.monotonic()
        if kid not in self._keys:
            raise Refused("signed with an unknown key")
        return self._keys[kid]


_keys = _Keys()


def exchange(code: str, code_verifier: str) -> str:
    """Return the ID token for an authorization code: the one request of a warm sign-in."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "code_verifier": code_verifier,
    }
    id_token = _json("POST", PROVIDER.token, fields=form, encode_multipart=False).get("id_token")
    if not isinstance(id_token, str):
        raise Refused("no ID token")
    return id_token


def verify(id_token: str, nonce: str) -> dict[str, Any]:
    """Return the claims of an ID token that is right in every way (OpenID Connect Core 1.0, section 3.1.3.7)."""
    header = jwt.get_unverified_header(id_token)
    if header.get("alg") != "RS256" or "crit" in header:
        raise Refused("another algorithm")
    claims: dict[str, Any] = jwt.decode(
        id_token,
        _keys.get(str(header.get("kid"))),
        algorithms=["RS256"],
        audience=CLIENT_ID,
        issuer=PROVIDER.issuer,
        leeway=LEEWAY,
        options={"require": REQUIRED},
    )
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else CLIENT_ID) != CLIENT_ID:
        raise Refused("meant for another party")
    if time.time() - claims["iat"] > MAX_AGE:
        raise Refused("too old")
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise Refused("another sign-in's token")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise Refused("no subject")
    return claims
