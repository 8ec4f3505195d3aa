"""URLs taken apart once and strictly, so that what is checked is what is called (RFC 3986, RFC 6454)."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_LENGTH = 2048
WELL_KNOWN = "/.well-known/openid-configuration"

_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)
_NUMBER_LABEL = re.compile(r"(0x[0-9a-f]*|\d+)", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class UrlParts:
    """An absolute http(s) URL without user info."""

    scheme: str
    host: str  # lower-cased, IPv6 without brackets
    port: int
    path: str
    query: str
    fragment: str

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`, without the scheme's own port (RFC 6454 section 6.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        suffix = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{suffix}"

    @property
    def target(self) -> str:
        """Path and query, as they go into the request line."""
        return (self.path or "/") + (f"?{self.query}" if self.query else "")


def split_url(text: str) -> UrlParts:
    """Takes an absolute http(s) URL apart.

    Raises:
        ValueError: whatever different readers might read differently: user info, blanks, backslashes, odd hosts.
    """
    if len(text) > MAX_LENGTH or not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("not a clean URL")
    parts = urlsplit(text)
    host = (parts.hostname or "").lower()
    if parts.scheme not in _DEFAULT_PORTS or "@" in parts.netloc or not _is_host(host, parts.netloc):
        raise ValueError("not an absolute http(s) URL")
    port = parts.port if parts.port is not None else _DEFAULT_PORTS[parts.scheme]
    if not 1 <= port <= 65535:
        raise ValueError("not a port")
    return UrlParts(parts.scheme, host, port, parts.path, parts.query, parts.fragment)


def _is_host(host: str, netloc: str) -> bool:
    if netloc.startswith("["):
        # Not every Python refuses what stands between the bracket and the port; it would end in a page's policy.
        after = netloc.partition("]")[2]
        return after[:1] in {"", ":"} and "%" not in host and ipaddress.ip_address(host).version == 6
    return _HOST_NAME.fullmatch(host) is not None


def is_callable(parts: UrlParts, insecure_origins: frozenset[str]) -> bool:
    """Whether we may send something there: https, or an origin that the operator listed."""
    return parts.scheme == "https" or is_insecure_origin(parts, insecure_origins)


def is_insecure_origin(parts: UrlParts, insecure_origins: frozenset[str]) -> bool:
    """Whether the operator listed exactly this origin (a trailing slash in the list is forgiven)."""
    return any(parts.origin == origin.rstrip("/").lower() for origin in insecure_origins)


def is_ip_literal(host: str) -> bool:
    """Whether a host is an IP address in any spelling that resolvers take: 10.1, 0x7f000001, 2130706433, [::1]."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        # A top-level label is never a number (RFC 3696 section 2), so a number there is an address (WHATWG URL 3.5).
        return _NUMBER_LABEL.fullmatch(host.lower().rstrip(".").rpartition(".")[2]) is not None
    return True


def has_invisible(text: str) -> bool:
    """Whether a text holds blanks, control, format (zero-width, bidi) or unassigned characters."""
    return any(character.isspace() or unicodedata.category(character).startswith("C") for character in text)
