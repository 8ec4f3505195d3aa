"""Which host a request may name. Links, mails and redirect URIs never come from it: PUBLIC_URL is their only source.

Django looks at the host late and lets some odd spellings pass. Here it is looked at before anything can answer.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

HIGHEST_PORT = 65_535


class HostMiddleware:
    """Refuses a request for a host that is not ours, before any view, file or redirect."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refuse_wrong_host(request)
        return self.get_response(request)


def refuse_wrong_host(request: HttpRequest) -> None:
    """Raise DisallowedHost unless a request names a host of ALLOWED_HOSTS, plainly and once.

    A name with a dot at its end is the same host to DNS and another one to cookies and certificates. A request line
    with a whole address (RFC 9112, section 3.2.2) counts for more than the Host header, so both must agree.
    """
    host = request.get_host()
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "")
    if name.endswith(".") or (port and not 0 < int(port[:6]) <= HIGHEST_PORT):
        raise DisallowedHost(f"Invalid HTTP_HOST header: {host[:100]!r}")
    target = str(request.META.get("RAW_URI", "/"))
    if not target.startswith("/") and target != "*" and _authority(target) != host.lower():
        raise DisallowedHost("The request line names another host than the Host header.")


def _authority(target: str) -> str:
    try:
        return urlsplit(target).netloc.lower()
    except ValueError:
        return ""
