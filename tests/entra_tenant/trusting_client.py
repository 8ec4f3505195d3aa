"""A relying party for the tenant's own tests: the standard library, and no suspicion whatsoever."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

from .tenant import PracticeTenant

CALLBACK = "http://127.0.0.1:8000/oauth/callback/entra"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Answer:
    """One response, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def returned(self) -> dict[str, str]:
        """The parameters of an authorization response."""
        return dict(parse_qsl(urlsplit(self.headers["Location"]).query))

    @property
    def cookie(self) -> str:
        """The session cookie, as the browser would send it back."""
        return SimpleCookie(self.headers["Set-Cookie"]).output(attrs=[], header="").strip()


class Client:
    """A relying party that trusts everything, on one kept-alive connection."""

    def __init__(self, tenant: PracticeTenant) -> None:
        self.tenant = tenant
        self.connection = http.client.HTTPConnection(urlsplit(tenant.base_url).netloc, timeout=5)

    def close(self) -> None:
        self.connection.close()

    def send(self, method: str, url: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        parts = urlsplit(url)
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self.connection.request(method, target, urlencode(form) if form is not None else None, headers)
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def get(self, url: str, **headers: str) -> Answer:
        return self.send("GET", url, None, **headers)

    def authorize_url(self, **changes: str) -> str:
        params = {
            "client_id": self.tenant.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "state": "s1",
            "nonce": "n1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        wanted = {name: value for name, value in params.items() if value}
        return f"{self.tenant.authorization_endpoint}?{urlencode(wanted)}"

    def code(self, **changes: str) -> str:
        return self.get(self.authorize_url(**changes)).returned["code"]

    def redeem(self, code: str, /, **changes: str) -> Answer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            "client_id": self.tenant.client_id,
            "client_secret": self.tenant.client_secret,
        } | changes
        return self.send("POST", self.tenant.token_endpoint, {name: value for name, value in form.items() if value})

    def id_token(self) -> str:
        token: str = self.redeem(self.code()).json["id_token"]
        return token

    def verified(self, token: str) -> dict[str, Any]:
        """The claims, checked against the published keys by PyJWT."""
        keys = jwt.PyJWKSet.from_dict(self.get(self.tenant.jwks_uri).json)
        key = keys[jwt.get_unverified_header(token)["kid"]]
        algorithm = self.tenant.signing_alg
        return jwt.decode(token, key, [algorithm], audience=self.tenant.client_id, issuer=self.tenant.issuer)
