"""Requests to our own address, as a visitor would send them: no redirect is followed, and little is read."""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3
from django.conf import settings

from idp.protocol.reachability import TlsFacts, tls_facts

_CONNECT, _READ = 5.0, 10.0
_MOST = 262_144


@dataclass(frozen=True)
class Reply:
    """What came back; header names are lower-cased."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The beginning of the body, as text."""
        return self.body.decode(errors="replace")


def trusted() -> ssl.SSLContext:
    """Return a TLS context that trusts what UPSTREAM_CA_FILE names, or else the system."""
    return ssl.create_default_context(cafile=settings.UPSTREAM_CA_FILE or None)


def ask(url: str, headers: Mapping[str, str]) -> Reply:
    """GET an address.

    Raises:
        OSError, urllib3.exceptions.HTTPError: nobody answers, or not in time.
    """
    timeout = urllib3.Timeout(connect=_CONNECT, read=_READ)
    with urllib3.PoolManager(ssl_context=trusted(), timeout=timeout, retries=False) as pool:
        answer = pool.request("GET", url, headers=dict(headers), redirect=False, preload_content=False)
        try:
            body = answer.read(_MOST)
        finally:
            answer.close()
    return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)


def addresses(host: str, port: int) -> list[str]:
    """Return where a name leads.

    Raises:
        OSError: nowhere.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def handshake(host: str, port: int) -> TlsFacts:
    """Make a TLS connection that is verified, and return what it shows.

    Raises:
        ssl.SSLError: the certificate is not good for this name, or not trusted.
        OSError: nobody answers.
    """
    with (
        socket.create_connection((host, port), timeout=_CONNECT) as connected,
        trusted().wrap_socket(connected, server_hostname=host) as secured,
    ):
        return tls_facts(secured.version() or "", secured.getpeercert(binary_form=True) or b"", 0)
