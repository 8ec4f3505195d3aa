"""The one place that opens sockets: JSON over https with a provider that may be broken, slow or hostile.

A deadline and a byte budget belong to each request, and every single socket operation is held to both: a peer that
drips one byte a second, in headers or body, or that never stops sending, is cut off all the same.
"""

import base64
import os
import queue
import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from idp.protocol import errors
from idp.protocol.addresses import is_allowed
from idp.protocol.bodies import json_body
from idp.protocol.budget import BUDGET
from idp.protocol.urls import UrlParts, is_callable, is_insecure_origin, split_url

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

# Load balancers drop idle connections without a word after a few minutes. A POST on such a connection would hang and
# could not be repeated, because a code is single use, so an old connection is not used again.
_MAX_IDLE_SECONDS = 60.0
_MAX_POOLS = 64
_CONNECTIONS_PER_POOL = 32
_MAX_ADDRESSES = 3

Resolver = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True)
class HttpPolicy:
    """What a client may call, and how long and how much it waits for.

    Attributes:
        insecure_origins: exact origins that are exempt from https and from the address check (practice and tests).
        private_hosts: hosts that may resolve to private addresses, over https still.
        ca_file: trust only these certificate authorities, in place of the system's.
    """

    insecure_origins: frozenset[str] = frozenset()
    private_hosts: frozenset[str] = frozenset()
    ca_file: str | None = None
    connect_timeout: float = 3.0
    read_timeout: float = 5.0
    total_timeout: float = 8.0
    max_bytes: int = 262144


@dataclass(frozen=True)
class JsonResponse:
    """An answer with a JSON object, whatever its status; header names are lower-cased."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]
    elapsed_ms: int


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
        self._resolver = resolver
        self._private_hosts = frozenset(host.lower().rstrip(".") for host in policy.private_hosts)

    def dial(self, parts: UrlParts) -> socket.socket:
        """A connected socket to an address that was checked."""
        BUDGET.connected = True
        return self._connect_first(parts.host, self.checked_addresses(parts))

    def checked_addresses(self, parts: UrlParts) -> list[tuple[int, tuple[Any, ...]]]:
        """The addresses of a host, all of which may be called."""
        addresses = self._resolve(parts)
        if not is_insecure_origin(parts, self._policy.insecure_origins):
            for _, address in addresses:
                # One bad address refuses the name: an honest public provider has none.
                if not is_allowed(address[0], private=parts.host in self._private_hosts):
                    raise errors.AddressBlocked(host=parts.host, address=address[0])
        return addresses

    def _resolve(self, parts: UrlParts) -> list[tuple[int, tuple[Any, ...]]]:
        answers: queue.SimpleQueue[list[tuple[Any, ...]]] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(self._resolver(parts.host, parts.port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError):
                answers.put([])

        # getaddrinfo takes no timeout and may block for half a minute: it blocks a thread of its own.
        threading.Thread(target=look_up, name="gatehouse-resolver", daemon=True).start()
        try:
            found = answers.get(timeout=BUDGET.seconds(self._policy.connect_timeout))
        except queue.Empty:
            raise errors.HttpTimeout(host=parts.host) from None
        if not found:
            raise errors.NameNotResolved(host=parts.host)
        return [(entry[0], entry[4]) for entry in found]

    def _connect_first(self, host: str, addresses: list[tuple[int, tuple[Any, ...]]]) -> socket.socket:
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

    def __init__(self, policy: HttpPolicy, *, resolver: Resolver = socket.getaddrinfo) -> None:
        self.policy = policy
        self._dialler = _Dialler(policy, resolver)
        self._tls: ssl.SSLContext | None = None
        self._pools: OrderedDict[tuple[int, str], HTTPConnectionPool] = OrderedDict()
        self._lock = threading.Lock()

    def check_address(self, url: str) -> None:
        """Refuses a URL that could not be called now, without calling it: for endpoints that are stored for later."""
        parts = self._checked(url)
        BUDGET.begin(parts.host, self.policy.total_timeout, self.policy.read_timeout, self.policy.max_bytes)
        self._dialler.checked_addresses(parts)

    def get_json(self, url: str) -> JsonResponse:
        """GETs a JSON object."""
        return self._exchange("GET", url, {}, None)

    def post_form(
        self, url: str, form: Mapping[str, str], *, basic_auth: tuple[str, str] | None = None
    ) -> JsonResponse:
        """POSTs a form and reads a JSON object; `basic_auth` is already form-encoded (RFC 6749 section 2.3.1)."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if basic_auth is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic_auth).encode()).decode()
        return self._exchange("POST", url, headers, urlencode(form).encode())

    def _exchange(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> JsonResponse:
        parts = self._checked(url)
        started = time.monotonic()
        policy, host = self.policy, parts.host
        BUDGET.begin(host, policy.total_timeout, policy.read_timeout, policy.max_bytes)
        headers |= {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Gatehouse"}
        try:
            response = self._send(self._pool(parts), method, parts.target, headers, body)
            content = self._read(response, host)
        except HTTPError as exc:
            raise _translated(exc, host) from exc
        names = {name.lower(): value for name, value in response.headers.items()}
        document = json_body(content, names.get("content-encoding", ""), response.status, host, policy.max_bytes)
        return JsonResponse(response.status, document, names, round((time.monotonic() - started) * 1000))

    def _checked(self, url: str) -> UrlParts:
        with suppress(ValueError):
            parts = split_url(url)
            if is_callable(parts, self.policy.insecure_origins):
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
            # Built once, when it is needed first: reading the system's trust store takes tens of milliseconds.
            self._tls = self._tls or _tls_context(self.policy.ca_file)
            return _TlsPool(parts.host, parts.port, ssl_context=self._tls, **options)
        return _PlainPool(parts.host, parts.port, **options)

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


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
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
        cause = exc.args[0] if exc.args else None
        reason = getattr(cause, "verify_message", None) or getattr(cause, "reason", None) or "the handshake failed"
        return errors.TlsFailed(host=host, reason=str(reason)[:200].rstrip("."))
    return errors.ConnectionBroken(host=host)
