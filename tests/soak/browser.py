"""One browser: an address of its own, a cookie jar, and the way through a complete sign-in."""

import re
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, IncompleteRead
from typing import NoReturn
from urllib.parse import urlencode, urlsplit

from bench.people import Person

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
ERROR_CODE = re.compile(r'data-error-code="([^"]+)"')
REFERENCE = re.compile(r"\b[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}\b")
PATIENCE = 70.0  # seconds for one answer: longer than any limit of the servers
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Page:
    """An answer, and where it came from."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.headers.get("location", "")

    @property
    def code(self) -> str:
        """The code of an error page, or "" of any other."""
        found = ERROR_CODE.search(self.body)
        return found[1] if found and self.status >= 400 else ""

    @property
    def reference(self) -> str:
        """The reference number that an error page shows."""
        found = REFERENCE.search(self.body)
        return found[0] if found else ""

    @property
    def request_id(self) -> str:
        """The number that the audit log has of this request."""
        return self.headers.get("x-request-id", "")

    @property
    def instance(self) -> str:
        """Which instance answered: nginx names all that it tried."""
        return self.headers.get("x-served-by", "").rpartition(", ")[2]


# What a browser itself says of an answer that ends too soon: its head was on the way already when its process was
# killed, and no proxy can take that back.
CUT_OFF = Page(503, {}, '<main data-error-code="answer.cut_off">')


class Refused(Exception):
    """A clear page instead of what a sign-in needs: a code of ours, a sentence, what to do next."""

    def __init__(self, page: Page) -> None:
        self.page = page
        super().__init__(page.code)


class Unclear(Exception):
    """Anything else: no answer, a page without a code, a way that leads nowhere. Never right."""


@dataclass(frozen=True)
class SignedIn:
    """A complete sign-in: the home page has shown the person."""

    request_id: str = ""
    began_at: str = ""
    came_back_to: str = ""


@dataclass
class Browser:
    """Somebody's browser, at one address of the loopback network."""

    port: int
    provider_port: int
    person: Person
    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self) -> SignedIn:
        """Sign in completely: the company email, the provider, the callback, the home page.

        Raises:
            Refused: an error page on the way.
            Unclear: anything else that is not as it should be.
        """
        began = self.begin()
        if began is None:
            # The sign-in before this one was complete, and only its last answer was not.
            self.see_home()
            return SignedIn()
        back = self.callback_of(began)
        answer = self.come_back(back)
        self.see_home()
        return SignedIn(answer.request_id, began.instance, answer.instance)

    def begin(self) -> Page | None:
        """Give the company email, and return the redirect to the provider; None where somebody is signed in already."""
        page = self.get("/login/")
        if page.status == 302 and page.location == "/":
            return None
        found = CSRF.search(page.body)
        if page.status != 200 or found is None:
            self._refuse(page, "the sign-in page")
        form = {"csrfmiddlewaretoken": found[1], "email": self.person.email}
        began = self.request("POST", "/login/", form)
        if began.status != 302 or not began.location.startswith(f"http://127.0.0.1:{self.provider_port}/"):
            self._refuse(began, "no redirect to the provider")
        return began

    def callback_of(self, began: Page) -> str:
        """Let the provider recognise the person, and return the address that it sends her back to."""
        parts = urlsplit(began.location)
        who = {"Cookie": f"person={self.person.number - 1}"}
        answer = self._exchange(self.provider_port, "GET", f"{parts.path}?{parts.query}", None, who)
        if answer.status != 302 or "/oauth/callback/" not in answer.location:
            raise Unclear(f"the provider answered {answer.status}: {answer.body[:200]}")
        back = urlsplit(answer.location)
        return f"{back.path}?{back.query}"

    def come_back(self, back: str, port: int = 0) -> Page:
        """Bring the provider's answer to Gatehouse, and return the redirect to the home page.

        Args:
            port: of an instance to ask directly; through nginx where it is not given.
        """
        answer = self.request("GET", back, port=port)
        if answer.status != 303 or answer.location != "/":
            self._refuse(answer, "the callback")
        return answer

    def see_home(self) -> None:
        """Make sure that the home page shows the person."""
        home = self.get("/")
        if home.status != 200 or self.person.name not in home.body:
            self._refuse(home, "the home page")

    def get(self, target: str) -> Page:
        """Ask for a page."""
        return self.request("GET", target)

    def request(self, method: str, target: str, form: dict[str, str] | None = None, *, port: int = 0) -> Page:
        """Ask with the cookies of this browser, and keep those that the answer sets."""
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        return self._exchange(port or self.port, method, target, form, sent if self.cookies else {})

    def _exchange(
        self, port: int, method: str, target: str, form: dict[str, str] | None, headers: dict[str, str]
    ) -> Page:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=(self.address, 0))
        try:
            body = urlencode(form) if form is not None else None
            more = {
                "Connection": "close",
                "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0",
                "Accept": "text/html",
            }
            connection.request(method, target, body, {**more, **headers, **(FORM if form is not None else {})})
            response = connection.getresponse()
            self._keep(response.headers.get_all("Set-Cookie") or [])
            text = response.read().decode("utf-8", "replace")
            return Page(response.status, {name.lower(): value for name, value in response.headers.items()}, text)
        except IncompleteRead as error:
            raise Refused(CUT_OFF) from error
        except (OSError, HTTPException) as error:
            raise Unclear(f"{method} {target.partition('?')[0]}: {type(error).__name__} {error}") from error
        finally:
            connection.close()

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            name, _, value = line.partition(";")[0].partition("=")
            if value.strip('"'):
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)

    def _refuse(self, page: Page, what: str) -> NoReturn:
        if page.code and page.code != "http.server_error":
            raise Refused(page)
        target = page.location or page.body[:300]
        raise Unclear(f"{what}: status {page.status} {page.code}, {target!r}, number {page.request_id}")
