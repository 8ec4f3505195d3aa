"""The portal under its production server, and a visitor who speaks to it over the wire."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, Request, build_opener

from portal.management.commands.run import APPLICATION, gunicorn_command
from tests.commands.running import database_url
from tests.commands.starting import bare_environment, ended, free_port, until_it_answers
from tests.environment import TEST_ENVIRONMENT


@dataclass
class Portal:
    """A running portal."""

    url: str
    process: subprocess.Popen[str]

    def workers(self) -> set[int]:
        """Return the ids of the processes that answer requests."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], text=True, capture_output=True, check=True)  # noqa: S607
        rows = [line.split() for line in listed.stdout.splitlines()]
        return {int(pid) for pid, parent in rows if int(parent) == self.process.pid}


@contextmanager
def served(
    project: Path, port: int, *, workers: int = 0, threads: int = 0, log: Path | None = None, **environment: str
) -> Iterator[Portal]:
    """Start the production server as `manage.py run` does, wait until it answers, and end it with the block.

    Args:
        project: a copy of the project, with its static files collected.
        workers: how many processes; WORKERS where it is 0. So for `threads`.
        log: where its output goes; standard error is shown by pytest without.
        environment: all that it gets.
    """
    with (log or Path(os.devnull)).open("w") as output:
        process = subprocess.Popen(  # noqa: S603  (our own interpreter and arguments)
            gunicorn_command(APPLICATION, f"127.0.0.1:{port}", workers=workers, threads=threads),
            cwd=project,
            env=bare_environment(**environment),
            text=True,
            stdout=output,
            stderr=output if log else None,
            start_new_session=True,
        )
        try:
            until_it_answers(f"http://127.0.0.1:{port}/healthz")
            yield Portal(f"http://127.0.0.1:{port}", process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)


@contextmanager
def serving(project: Path, **environment: str) -> Iterator[Portal]:
    """Serve a copy of the project on the database of the test, as committed, until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {**TEST_ENVIRONMENT, "PUBLIC_URL": url, "DATABASE_URL": database_url(), **environment}
    collected = ended(project, "manage.py", "collectstatic", "--no-input", **variables)
    assert collected.returncode == 0, collected.stderr
    with served(project, port, **variables) as portal:
        yield portal


class _Stay(HTTPRedirectHandler):
    """Shows a redirect instead of following it."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    headers: HTTPMessage


@dataclass
class Visitor:
    """A browser over the wire: cookies, no scripts, redirects one by one."""

    opener: OpenerDirector = field(default_factory=lambda: build_opener(_Stay, HTTPCookieProcessor(CookieJar())))

    def get(self, url: str, **headers: str) -> Answer:
        """Open an address."""
        return self._ask(Request(url, headers=headers))  # noqa: S310  (servers of the test)

    def post(self, url: str, page: str, **form: str) -> Answer:
        """Send the form of a page."""
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
        body = urlencode({**form, "csrfmiddlewaretoken": unescape(token)}).encode()
        return self._ask(Request(url, body))  # noqa: S310  (servers of the test)

    def _ask(self, request: Request) -> Answer:
        try:
            with self.opener.open(request, timeout=20) as answer:
                return Answer(answer.status, answer.read().decode(), answer.headers)
        except HTTPError as answer:
            with answer:
                return Answer(answer.code, answer.read().decode(), answer.headers)

    def at_callback(self, portal: str, email: str) -> str:
        """Begin a sign-in and pass the provider; return the address of the callback, which is not opened yet."""
        began = self.post(f"{portal}/login/", self.get(f"{portal}/login/").text, email=email)
        assert began.status == 302, began.text
        at_provider = self.get(began.headers["Location"])
        assert at_provider.status in {302, 303}, at_provider.text
        return str(at_provider.headers["Location"])
