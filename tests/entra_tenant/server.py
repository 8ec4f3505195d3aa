"""The in-process server of the tests: threaded, keep-alive, on a free port, able to fail on the wire."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import socketserver
import ssl
import struct
import sys
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from .app import handle, kind_of
from .delivery import NEED_ANSWER, Delivery, Gone, head, substituted
from .faults import ArmedFault
from .tenant import PracticeTenant
from .wire import MAX_BODY, Request, Response, parse_request

_STOP_TIMEOUT = 5.0


class PracticeServer:
    """Serves a tenant on 127.0.0.1 while the `with` block lasts, and sets the tenant's `base_url`.

    `stop()` makes the port refuse connections, `start()` opens the same port again.
    """

    def __init__(
        self, tenant: PracticeTenant, *, ssl_context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.tenant = tenant
        self.host = host
        """The name in URLs, `localhost` for a certificate's sake; the address is 127.0.0.1 anyway."""
        self.port = 0
        self.connections = 0
        """How many connections were accepted so far."""
        self._ssl_context = ssl_context
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The origin."""
        return f"{'https' if self._ssl_context else 'http'}://{self.host}:{self.port}"

    def start(self) -> Self:
        """Opens the port."""
        self._server = _Server(self, self.port, self._ssl_context)
        self.port = self._server.server_address[1]
        self.tenant.base_url = self.url
        # The interval is how long `stop` may have to wait.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Closes the port and every connection, and waits until no thread is left."""
        server, self._server = self._server, None
        if server is None:
            return
        server.stopping.set()
        server.shutdown()
        server.server_close()
        server.hang_up()
        if self._thread:
            self._thread.join(_STOP_TIMEOUT)

    def wait_idle(self, timeout: float = _STOP_TIMEOUT) -> bool:
        """Waits until no connection is open; says whether that came true."""
        return self._server is None or self._server.wait_idle(timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    # Not HTTPServer: that one looks up the host's name in the DNS when it starts.
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, owner: PracticeServer, port: int, ssl_context: ssl.SSLContext | None) -> None:
        self.owner = owner
        self.stopping = threading.Event()
        self._ssl_context = ssl_context
        self._clients: set[socket.socket] = set()
        self._resets: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        client, address = super().get_request()
        if self._ssl_context:
            # The handshake happens at the first read, in the client's own thread.
            client = self._ssl_context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        with self._changed:
            self._clients.add(client)
            self.owner.connections += 1
        return client, address

    def reset(self, client: socket.socket) -> None:
        """Marks a connection to be ended by a reset instead of an orderly close."""
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._resets.add(client)

    def shutdown_request(self, request: Any) -> None:
        if request in self._resets:
            self._resets.discard(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)
        with self._changed:
            self._clients.discard(request)
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Ends every connection and waits for their threads."""
        with self._changed:
            for client in list(self._clients):
                with contextlib.suppress(OSError):
                    # The plain socket's method: TLS would wait for the client's goodbye.
                    socket.socket.shutdown(client, socket.SHUT_RDWR)
        if not self.wait_idle(_STOP_TIMEOUT):
            raise RuntimeError(f"{len(self._clients)} connections of the practice server do not end")

    def wait_idle(self, timeout: float) -> bool:
        """Waits until every client is gone."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._clients, timeout)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        # A client that leaves is everyday life; anything else is a mistake of the tenant's and is printed.
        if not isinstance(error, OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    # Without this a keep-alive client waits 40 ms for a delayed acknowledgement.
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        request = self._read()
        tenant = self.server.owner.tenant
        kind, _ = kind_of(tenant, request.path)
        armed = tenant.faults.take(kind)
        if armed is None:
            self._write(self._handle(tenant, request))
            return
        honest = Response()
        if armed.fault in NEED_ANSWER:
            honest = self._handle(tenant, request)
        else:
            tenant.log.add(kind, request)
        self._fail(armed, honest)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = _serve

    def _handle(self, tenant: PracticeTenant, request: Request) -> Response:
        try:
            response = handle(tenant, request)
        except Exception:
            # The test sees a 500 as well as, on standard error, why.
            self._write(Response(status=500, body=b"The practice tenant failed; see standard error.\n"))
            raise
        date = formatdate(tenant.now() + tenant.date_skew, usegmt=True)
        return dataclasses.replace(response, headers=(*response.headers, ("Date", date)))

    def _read(self) -> Request:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        body = self.rfile.read(min(int(length), MAX_BODY)) if length.isdigit() else b""
        return parse_request(self.command, unquote(path), query, headers, body)

    def _write(self, response: Response) -> None:
        # One write, so that headers and body share a packet.
        self.wfile.write(head(response) + (b"" if self.command == "HEAD" else response.body))

    def _fail(self, armed: ArmedFault, honest: Response) -> None:
        armed.begun.set()
        wrong = substituted(armed, honest)
        if wrong is not None:
            self._write(wrong)
            return
        self.close_connection = True
        with contextlib.suppress(Gone):
            Delivery(self.connection, self.server.stopping.is_set).deliver(armed, honest)
        if armed.fault.ends_in_reset:
            self.server.reset(self.connection)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing: the tenant keeps its own log."""
