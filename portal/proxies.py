"""Whose word on a client is believed: TRUSTED_PROXIES, and what a proxy may say."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

UNIX = "unix"
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# What nobody is believed about: hosts come from PUBLIC_URL, and `Forwarded` (RFC 7239) is read by nothing here.
_NEVER_BELIEVED = ("HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_SERVER", "HTTP_FORWARDED")
_BELIEVED_OF_PROXIES = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")


@dataclass(frozen=True)
class TrustedProxies:
    """TRUSTED_PROXIES, read.

    Attributes:
        networks: addresses and networks of proxies.
        trusts_unix: whether a peer without an address, behind a Unix socket, is a proxy.
    """

    networks: tuple[_Network, ...]
    trusts_unix: bool

    @classmethod
    def read(cls, texts: Iterable[str]) -> "TrustedProxies":
        """Return what a list of addresses, networks and the word "unix" means; raises ImproperlyConfigured."""
        given = [text.strip() for text in texts]
        networks = tuple(_network(text) for text in given if text != UNIX)
        return cls(networks, UNIX in given)

    def __contains__(self, address: str) -> bool:
        if not address:
            return self.trusts_unix
        try:
            parsed = _unwrapped(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.networks)

    def client(self, forwarded: str, peer: str) -> str:
        """Return the right-most address that is no proxy of ours: everything left of it is the client's own claim."""
        for part in reversed(forwarded.split(",")):
            address = _plain_address(part)
            if address is None:
                break
            peer = address
            if address not in self:
                break
        return peer


class ClientAddressMiddleware:
    """Believes `X-Forwarded-For` and `-Proto` from TRUSTED_PROXIES only, and removes them from anybody else.

    Behind a Unix socket there is no peer address; "unix" in TRUSTED_PROXIES trusts it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.proxies = TrustedProxies.read(settings.TRUSTED_PROXIES)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        request.is_local = is_local(meta)  # type: ignore[attr-defined]
        peer = _as_version_4(meta.get("REMOTE_ADDR", ""))
        trusted = peer in self.proxies
        sent = {name: meta.get(f"HTTP_X_FORWARDED_{name.upper()}", "") for name in ("for", "proto")}
        # For portal/seen.py alone.
        request.forwarded = {**sent, "believed": trusted}  # type: ignore[attr-defined]
        for name in _NEVER_BELIEVED if trusted else _NEVER_BELIEVED + _BELIEVED_OF_PROXIES:
            meta.pop(name, None)
        forwarded = meta.get("HTTP_X_FORWARDED_FOR", "")
        meta["REMOTE_ADDR"] = self.proxies.client(forwarded, peer) if trusted else peer
        return self.get_response(request)


# What proxies add. One on this machine makes everybody look like a neighbour.
_PROXY_HEADERS = (*_NEVER_BELIEVED, *_BELIEVED_OF_PROXIES, "HTTP_X_REAL_IP", "HTTP_VIA")


def is_local(meta: Mapping[str, Any]) -> bool:
    """Return whether a request comes from this machine and not through a proxy; asked before anything is taken out."""
    try:
        peer = _unwrapped(meta.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return peer.is_loopback and not any(name in meta for name in _PROXY_HEADERS)


def _unwrapped(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read an address. One of version 4 is such also where a socket of version 6 took it (::ffff:10.0.0.5)."""
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def _as_version_4(address: str) -> str:
    """Return an address as it came, but for one of version 4 that a socket of version 6 took."""
    return (_plain_address(address) or address) if address.lower().startswith("::ffff:") else address


def _network(text: str) -> _Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"TRUSTED_PROXIES: {text!r} is no address, no network and not {UNIX!r}.") from error
    if network.prefixlen == 0:
        raise ImproperlyConfigured(f"TRUSTED_PROXIES: {text!r} is everybody, and everybody could forge an address.")
    return network


def _plain_address(text: str) -> str | None:
    """Return an address of X-Forwarded-For in normal form, without the port or zone that some proxies add to it."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(_unwrapped(text)).partition("%")[0]
    except ValueError:
        return None
