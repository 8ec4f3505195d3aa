"""The one place that opens sockets: JSON over https with a provider that may be broken, slow or hostile.

A deadline and a byte budget belong to each request, and every single socket operation is held to both: a peer that
drips one byte a second, in headers or body, or that never stops sending, is cut off all the same.
"""

import base64
import os
import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from idp.protocol import errors
from idp.protocol.bodies import json_body
from idp.protocol.budget import BUDGET
from idp.protocol.http_types import HttpPolicy, JsonResponse
from idp.protocol.observing import OTHER, Exchange, Observer, nobody, observed
from idp.protocol.reachability import ResolvedHost, TlsFacts, tls_facts
from idp.protocol.resolution import Address, CheckedResolver
from idp.protocol.urls import UrlParts, is_callable, split_url

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

__all__ = ["HttpClient", "HttpPolicy", "JsonResponse", "Resolver"]

# Load balancers drop idle connections without a word after a few minutes. A POST on such a connection would hang and
# could not be repeated, because a code is single use, so an old connection is not used again.
_MAX_IDLE_SECONDS = 60.0
_MAX_POOLS = 64
_CONNECTIONS_PER_POOL = 32
_MAX_ADDRESSES = 3

Resolver = Callable[..., list[tuple[Any, ...]]]


class _PlainSocket(socket.socket):
    """A socket whose every operation ends with the request's deadline."""

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(BUDGET.seconds())
        return BUDGET.spend(super().recv_into(buffer, nbytes, flags))

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        self.settimeout(BUDGET.seconds())
        super().sendall(data, flags)


class _TlsSocket(ssl.SSLSocket):
    """The same under TLS. OpenSSL's own reads and the handshake honour the timeout as a deadline for the whole call."""

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(BUDGET.seconds())
        super().do_handshake(block)

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(BUDGET.seconds())
        return BUDGET.spend(super().recv_into(buffer, nbytes, flags))

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        self.settimeout(BUDGET.seconds())
        return super().send(data, flags)


class _Dialler:
    """Resolves, checks and connects, in one step: there is no second look-up that could answer differently."""

    def __init__(self, policy: HttpPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self.resolver = CheckedResolver(policy, partial(resolver, type=socket.SOCK_STREAM))

    def dial(self, parts: UrlParts) -> socket.socket:
        """A connected socket to an address that was checked."""
        BUDGET.connected = True
        return self._connect_first(parts.host, self.resolver.addresses(parts))

    def _connect_first(self, host: str, addresses: list[Address]) -> socket.socket:
        """Tries a few addresses, sharing the connect timeout among them."""
        ends_at = time.monotonic() + BUDGET.seconds(self._policy.connect_timeout)
        tried = addresses[:_MAX_ADDRESSES]
        timed_out = False
        for index, (family, address) in enumerate(tried):
            sock = _PlainSocket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(max(ends_at - time.monotonic(), 0.001) / (len(tried) - index))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(address)
                return sock
            except OSError as exc:
                sock.close()
                timed_out = isinstance(exc, TimeoutError)
        raise errors.HttpTimeout(host=host) if timed_out else errors.ConnectionFailed(host=host)


class _Dialled(HTTPConnection):
    """Connects through the dialler; Host, SNI and the certificate check keep the name."""

    def __init__(self, *args: Any, dialler: _Dialler, parts: UrlParts, **options: Any) -> None:
        super().__init__(*args, **options)
        self._dialler = dialler
        self._parts = parts
        self._used_at = 0.0

    def _new_conn(self) -> socket.socket:
        return self._dialler.dial(self._parts)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        self._used_at = time.monotonic()
        return super().getresponse()

    @property
    def is_connected(self) -> bool:
        """Asked by the pool before it reuses a connection."""
        return super().is_connected and time.monotonic() - self._used_at < _MAX_IDLE_SECONDS


class _DialledTls(_Dialled, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Dialled


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _DialledTls


class HttpClient:
    """Thread-safe; keeps connections alive. One per process: its TLS context is expensive to build.

    It follows no redirect, reads no proxy, netrc or other setting from the environment, and never repeats a POST.
    """

    def __init__(
        self, policy: HttpPolicy, *, resolver: Resolver = socket.getaddrinfo, observer: Observer = nobody
    ) -> None:
        self.policy = policy
        self._observer = observer
        self._dialler = _Dialler(policy, resolver)
        self._tls: ssl.SSLContext | None = None
        self._pools: OrderedDict[tuple[int, str], HTTPConnectionPool] = OrderedDict()
        self._lock = threading.Lock()

    def resolve(self, url: str) -> ResolvedHost:
        """The addresses of a URL's host, all of which may be called.

        Raises:
            AddressBlocked: with the addresses `found`, and those `refused` among them, in its context.
        """
        parts = self._begin(url)
        started = time.monotonic()
        addresses = self._dialler.resolver.addresses(parts)
        distinct = tuple(dict.fromkeys(str(address[0]) for _, address in addresses))
        return ResolvedHost(parts.host, distinct, _milliseconds_since(started))

    def inspect_tls(self, url: str) -> TlsFacts:
        """Makes a TLS connection to a URL's host, as a request would, and closes it without one."""
        parts = self._begin(url)
        if parts.scheme != "https":
            return TlsFacts(used=False)
        started = time.monotonic()
        with self._dialler.dial(parts) as connected:
            try:
                with self._tls_context().wrap_socket(connected, server_hostname=parts.host) as secured:
                    certificate = secured.getpeercert(binary_form=True) or b""
                    return tls_facts(secured.version() or "", certificate, _milliseconds_since(started))
            except TimeoutError:
                raise errors.HttpTimeout(host=parts.host) from None
            except ssl.SSLError as exc:
                raise _tls_failure(exc, parts.host) from exc
            except OSError:
                raise errors.ConnectionBroken(host=parts.host) from None

    def check_address(self, url: str) -> None:
        """Refuses a URL that could not be called now, without calling it: for endpoints that are stored for later."""
        self.resolve(url)

    def get_json(self, url: str, *, endpoint: str = OTHER) -> JsonResponse:
        """GETs a JSON object; `endpoint` says what for."""
        with observed(self._observer, endpoint) as exchange:
            return self._exchange(exchange, "GET", url, {}, None)

    def post_form(
        self, url: str, form: Mapping[str, str], *, basic_auth: tuple[str, str] | None = None, endpoint: str = OTHER
    ) -> JsonResponse:
        """POSTs a form and reads a JSON object; `basic_auth` is already form-encoded (RFC 6749 section 2.3.1)."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if basic_auth is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic_auth).encode()).decode()
        with observed(self._observer, endpoint) as exchange:
            return self._exchange(exchange, "POST", url, headers, urlencode(form).encode())

    def _exchange(
        self, exchange: Exchange, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> JsonResponse:
        started = time.monotonic()
        parts = self._begin(url)
        policy, host = self.policy, parts.host
        headers |= {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Gatehouse"}
        try:
            response = self._send(self._pool(parts), method, parts.target, headers, body)
            exchange.answered(response.status)
            content = self._read(response, host)
        except HTTPError as exc:
            raise _translated(exc, host) from exc
        names = {name.lower(): value for name, value in response.headers.items()}
        document = json_body(content, names.get("content-encoding", ""), response.status, host, policy.max_bytes)
        return JsonResponse(response.status, document, names, _milliseconds_since(started))

    def _begin(self, url: str) -> UrlParts:
        """The URL, if it may be called, and a deadline that runs from now on."""
        policy = self.policy
        with suppress(ValueError):
            parts = split_url(url)
            if is_callable(parts, policy.insecure_origins):
                BUDGET.begin(parts.host, policy.total_timeout, policy.read_timeout, policy.max_bytes)
                return parts
        raise errors.UrlNotAllowed

    def _pool(self, parts: UrlParts) -> HTTPConnectionPool:
        # The process is part of the key: a forked worker must not share its parent's TLS connections.
        key = (os.getpid(), parts.origin)
        with self._lock:
            pool = self._pools.pop(key, None) or self._new_pool(parts)
            self._pools[key] = pool
            if len(self._pools) > _MAX_POOLS:
                self._pools.popitem(last=False)
            return pool

    def _new_pool(self, parts: UrlParts) -> HTTPConnectionPool:
        options: dict[str, Any] = {"maxsize": _CONNECTIONS_PER_POOL, "dialler": self._dialler, "parts": parts}
        if parts.scheme == "https":
            return _TlsPool(parts.host, parts.port, ssl_context=self._tls_context(), **options)
        return _PlainPool(parts.host, parts.port, **options)

    def _tls_context(self) -> ssl.SSLContext:
        # Built once, when it is needed first: reading the system's trust store takes tens of milliseconds.
        self._tls = self._tls or _new_tls_context(self.policy.ca_file)
        return self._tls

    def _send(
        self, pool: HTTPConnectionPool, method: str, target: str, headers: dict[str, str], body: bytes | None
    ) -> HTTPResponse:
        options: dict[str, Any] = {"body": body, "headers": headers, "retries": False, "redirect": False}
        options |= {"assert_same_host": False, "preload_content": False, "timeout": self.policy.read_timeout}
        try:
            return pool.urlopen(method, target, **options)  # type: ignore[return-value]
        except ProtocolError:
            # A kept-alive connection that the peer closed in the same moment, before it answered a byte: a GET may be
            # repeated then, a POST never (RFC 9110 section 9.2.2), because it carries a single-use code.
            if method != "GET" or BUDGET.connected or BUDGET.received:
                raise
            return pool.urlopen(method, target, **options)  # type: ignore[return-value]

    def _read(self, response: HTTPResponse, host: str) -> bytes:
        content = bytearray()
        try:
            if 300 <= response.status < 400:
                raise errors.RedirectRefused(host=host, status=response.status)
            while chunk := response.read(16384, decode_content=False):
                content += chunk
                if len(content) > self.policy.max_bytes:
                    raise errors.BodyTooLarge(host=host, limit=self.policy.max_bytes)
        except errors.HttpError:
            response.close()  # unread bytes must not be taken for the next answer
            raise
        response.release_conn()
        return bytes(content)


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _new_tls_context(ca_file: str | None) -> ssl.SSLContext:
    # Not ssl.create_default_context(): that writes session keys to the file named by SSLKEYLOGFILE.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _TlsSocket
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def _translated(exc: HTTPError, host: str) -> errors.HttpError:
    if isinstance(exc, PoolTimeoutError):
        return errors.HttpTimeout(host=host)
    if isinstance(exc, SSLError):
        return _tls_failure(exc.args[0] if exc.args else None, host)
    return errors.ConnectionBroken(host=host)


def _tls_failure(cause: object, host: str) -> errors.TlsFailed:
    reason = getattr(cause, "verify_message", None) or getattr(cause, "reason", None) or "the handshake failed"
    return errors.TlsFailed(host=host, reason=str(reason)[:200].rstrip("."))
