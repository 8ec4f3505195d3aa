"""A person's or an administrator's HTTP client: Django's test client, with what a browser does in a sign-in."""

from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from tests.conformance_table import saw
from tests.factories import PASSWORD
from users.models import AuditEvent, User


class _Stay(HTTPRedirectHandler):
    """Shows a redirect instead of following it."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


_opener = build_opener(_Stay)


class Browser(Client):
    """A browser: cookies, CSRF as in life, and the round trip to the provider."""

    def sign_in_as_administrator(self, administrator: User, password: str = PASSWORD) -> HttpResponse:
        """Sign in at the Admin Portal's own page."""
        return self.post("/admin/login/", {"email": administrator.company_email, "password": password})

    def sign_in_with_password(self, person: User, password: str = PASSWORD) -> HttpResponse:
        """Sign in at the User Portal with a password."""
        return self.post("/login/password/", {"email": person.company_email, "password": password})

    def begin(self, email: str = "ada@contoso.example", next_path: str = "") -> str:
        """Give the company email at the User Portal, and return where it leads: the provider."""
        response = self.post("/login/", {"email": email, "next": next_path})
        assert response.status_code == 302, response.content
        return response["Location"]

    def at_provider(self, location: str) -> str:
        """Follow the redirect to the provider, and return where the provider sends the browser: our callback."""
        try:
            _opener.open(Request(location), timeout=10)  # noqa: S310  (the practice tenant)
        except OSError as answer:
            where = answer.headers["Location"]  # type: ignore[attr-defined]
            assert where, answer
            return where
        raise AssertionError("the provider showed a page instead of sending the browser back")

    def page_at_provider(self, location: str) -> str:
        """Follow the redirect to the provider, and return the page that it shows."""
        with _opener.open(Request(location), timeout=10) as answer:  # noqa: S310  (the practice tenant)
            return answer.read().decode()

    def come_back(self, location: str) -> HttpResponse:
        """Open our callback with what the provider put into its address."""
        parts = urlsplit(location)
        return self.get(f"{parts.path}?{parts.query}")

    def federated_sign_in(self, email: str = "ada@contoso.example", next_path: str = "") -> HttpResponse:
        """Do the whole sign-in, and return the answer to the callback."""
        return self.come_back(self.at_provider(self.begin(email, next_path)))

    @property
    def is_signed_in(self) -> bool:
        """Whether the User Portal's home opens."""
        return self.get("/").status_code == 200

    @property
    def is_administering(self) -> bool:
        """Whether the Admin Portal's home opens."""
        return self.get("/admin/").status_code == 200

    @property
    def session_cookie(self) -> str:
        """The User Portal's session key."""
        return self.cookies[settings.SESSION_COOKIE_NAME].value


def parameters(location: str) -> dict[str, str]:
    """Return the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def error_code(response: HttpResponse) -> str:
    """Return the code that an error page shows, and note it for the conformance table."""
    text = response.content.decode()
    assert 'data-error-code="' in text, text[:2000]
    return saw(text.split('data-error-code="')[1].split('"')[0])


def last_event(**filters: object) -> AuditEvent:
    """Return the newest audit row that fits."""
    event = AuditEvent.objects.filter(**filters).order_by("-id").first()
    assert event is not None, filters
    return event


def assert_refused(response: HttpResponse, code: str, *, action: str = "portal.sign_in.failed") -> None:
    """Check a refusal as a whole: its page, its reference number, and its audit row."""
    assert error_code(response) == code
    assert response.status_code >= 400
    event = last_event(action=action)
    assert (event.error_code, event.outcome) == (code, "refused")
    assert event.request_id in response.content.decode()
