"""A contestant in this very process: complete sign-ins through its WSGI application, split into their three requests.

Used for what cannot be seen from outside: profiles, database queries, transactions. The environment is the one that
the contestant's server gets.
"""

import io
import itertools
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

import django

django.setup()

# The application needs the settings, which `django.setup()` loads.
from django.core.wsgi import get_wsgi_application  # noqa: E402

from bench.people import PEOPLE  # noqa: E402
from bench.wire import BrokenSignIn, Connection  # noqa: E402

Around = Callable[[str], AbstractContextManager[Any]]


def unwatched(phase: str) -> AbstractContextManager[None]:
    """Put nothing around a request."""
    return nullcontext()


class InProcess:
    """Browsers of a contestant that runs here."""

    def __init__(self, origin: str, start: str, provider_origin: str, ca_file: str) -> None:
        self.application = get_wsgi_application()
        self.host = urlsplit(origin).netloc
        self.start = start
        tls = ssl.create_default_context(cafile=ca_file)
        self.provider = Connection(provider_origin, tls)
        self.numbers: Iterator[int] = itertools.count()

    def sign_in(self, around: Around = unwatched) -> None:
        """Sign the next person in; `around(phase)` is entered around each request to the contestant alone."""
        person = PEOPLE[next(self.numbers) % len(PEOPLE)]
        cookies: dict[str, str] = {}
        with around("start"):
            to_provider = self.get(self.start, cookies)[1]
        parts = urlsplit(to_provider)
        answer = self.provider.get(f"{parts.path}?{parts.query}", {"person": str(person.number - 1)})
        back = urlsplit(answer.location)
        with around("callback"):
            landing = self.get(f"{back.path}?{back.query}", cookies)[1]
        with around("landing"):
            status, _, body = self.get(landing, cookies)
        if status != 200 or not person.is_on(body):
            raise BrokenSignIn(f"the landing page {landing!r}: status {status}, body {body[:600]!r}")

    def get(self, target: str, cookies: dict[str, str]) -> tuple[int, str, bytes]:
        """Send a GET to the application as a server would; return status, Location and body."""
        path, _, query = target.partition("?")
        heard: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
            heard.update(status=int(status[:3]), headers=headers)
            return heard.setdefault

        response = self.application(self._environ(path, query, cookies), start_response)
        try:
            body = b"".join(response)
        finally:
            response.close()
        location = ""
        for name, value in heard["headers"]:
            if name == "Set-Cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                cookies[cookie] = content
            elif name == "Location":
                location = value
        return heard["status"], location, body

    def _environ(self, path: str, query: str, cookies: dict[str, str]) -> dict[str, Any]:
        host, _, port = self.host.partition(":")
        return {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": query,
            "SERVER_NAME": host,
            "SERVER_PORT": port,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self.host,
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux) Firefox/140.0",
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
