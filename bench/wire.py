"""A raw HTTP/1.1 client on a kept-alive connection: what a browser does, at a tenth of a client library's price."""

import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


class BrokenSignIn(Exception):
    """Something was answered that no complete sign-in has. The benchmark ends with it."""


@dataclass(frozen=True)
class Answer:
    """A response; `location` and `cookies` are what a browser acts upon."""

    status: int
    location: str
    cookies: dict[str, str]
    body: bytes


class Connection:
    """One kept-alive connection to one origin, opened when it is needed first."""

    def __init__(self, origin: str, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(origin)
        self.origin, self.host = origin, parts.netloc
        self.address = (parts.hostname or "", parts.port or 0)
        self.tls = tls if parts.scheme == "https" else None
        self.sock: Any = None
        self.buffer = b""

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def get(self, target: str, cookies: dict[str, str]) -> Answer:
        """Send a GET and return the answer."""
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        lines = [f"GET {target} HTTP/1.1", f"Host: {self.host}", "User-Agent: Mozilla/5.0 (X11; Linux) Firefox/140.0"]
        lines += ["Accept: text/html", "Accept-Language: en", *([f"Cookie: {cookie}"] if cookie else [])]
        return self.exchange(("\r\n".join(lines) + "\r\n\r\n").encode())

    def exchange(self, request: bytes) -> Answer:
        """Send a request and return the answer."""
        if self.sock is None:
            self.sock = socket.create_connection(self.address, timeout=60)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                self.sock = self.tls.wrap_socket(self.sock, server_hostname=self.address[0])
        self.sock.sendall(request)
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._receive()
        status, location, cookies, length = _read_head(self.buffer[:end].decode("latin-1"))
        self.buffer = self.buffer[end + 4 :]
        while len(self.buffer) < length:
            self._receive()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, location, cookies, body)

    def _receive(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise BrokenSignIn(f"{self.origin} closed the connection in the middle of an answer")
        self.buffer += data


def _read_head(head: str) -> tuple[int, str, dict[str, str], int]:
    lines = head.split("\r\n")
    location, length, cookies = "", None, {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        match name.lower():
            case "location":
                location = value.strip()
            case "content-length":
                length = int(value)
            case "set-cookie":
                cookie, _, content = value.strip().partition(";")[0].partition("=")
                cookies[cookie] = content
    if length is None:
        raise BrokenSignIn(f"an answer without Content-Length: {head}")
    return int(lines[0].split(" ")[1]), location, cookies, length
