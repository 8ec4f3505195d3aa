"""HTTP as the practice tenant sees it: a request, a response, and the way from and to WSGI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_BODY = 1 << 20

Pairs = tuple[tuple[str, str], ...]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    query: Pairs = ()
    form: Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""

    def value(self, name: str) -> str:
        """The first value of a query or form parameter, or an empty string."""
        return next((value for key, value in (*self.query, *self.form) if key == name), "")

    def repeated(self, *allowed: str) -> str:
        """The name of a parameter that occurs twice (OAuth 2.0 section 3.1 forbids it), or an empty string."""
        seen: set[str] = set()
        for name, _ in (*self.query, *self.form):
            if name in seen and name not in allowed:
                return name
            seen.add(name)
        return ""

    def cookie(self, name: str) -> str:
        """The value of a cookie, or an empty string."""
        try:
            found = SimpleCookie(self.headers.get("cookie", "")).get(name)
        except CookieError:
            return ""
        return found.value if found else ""


@dataclass(frozen=True, kw_only=True)
class Response:
    """What the tenant answers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Pairs = ()

    @property
    def status_line(self) -> str:
        """The code with its phrase, as WSGI wants it."""
        phrase = HTTPStatus(self.status).phrase if self.status in HTTPStatus._value2member_map_ else "Unknown"
        return f"{self.status} {phrase}"

    def all_headers(self) -> list[tuple[str, str]]:
        """Every header, the content's own ones first."""
        own = [("Content-Length", str(len(self.body)))]
        if self.content_type:
            own.insert(0, ("Content-Type", self.content_type))
        return own + list(self.headers)


def json_response(
    document: object, *, status: int = 200, headers: Pairs = (("Cache-Control", "no-store"),)
) -> Response:
    """A JSON document; the token endpoint's ones must not be stored (RFC 6749 section 5.1)."""
    return Response(
        status=status,
        body=json.dumps(document).encode(),
        content_type="application/json; charset=utf-8",
        headers=headers,
    )


def redirect(location: str, *, status: int = 302, headers: Pairs = ()) -> Response:
    """Sends the browser elsewhere."""
    return Response(
        status=status, content_type="", headers=(("Location", location), ("Cache-Control", "no-store"), *headers)
    )


def parse_request(method: str, target: str, query: str, headers: Mapping[str, str], body: bytes) -> Request:
    """A request from its parts; a body that is no form counts as none."""
    is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == FORM_TYPE
    form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) if is_form else []
    return Request(
        method=method,
        path=target,
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        form=tuple(form),
        headers=headers,
    )


def request_from_environ(environ: Mapping[str, Any]) -> Request:
    """A request from a WSGI environment."""
    headers = {
        name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    length = environ.get("CONTENT_LENGTH") or "0"
    size = min(int(length), MAX_BODY) if str(length).isdigit() else 0
    body: bytes = environ["wsgi.input"].read(size) if size else b""
    return parse_request(
        environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"), environ.get("QUERY_STRING", ""), headers, body
    )


def as_wsgi(handle: Callable[[Request], Response]) -> WsgiApp:
    """A WSGI application around a function from request to response."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Sequence[bytes]:
        response = handle(request_from_environ(environ))
        start_response(response.status_line, response.all_headers())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    return application
