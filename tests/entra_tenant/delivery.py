"""How an answer reaches the wire when a transport fault is armed."""

from __future__ import annotations

import itertools
import select
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache

from .faults import ArmedFault, Fault
from .wire import Response, json_response

CHUNK = 64 << 10
# How soon somebody who drips or hangs notices that it is over.
LOOK_AROUND = 0.05

# Faults during which the honest answer is made; the others never get that far.
NEED_ANSWER = frozenset({Fault.RESET_MID_BODY, Fault.DRIP, Fault.STATUS, Fault.LATE})
# Faults that are ordinary answers with the wrong content.
_CONTENT = frozenset({Fault.HTML, Fault.JSON_LIST, Fault.EMPTY, Fault.GZIP_BOMB, Fault.REDIRECT_307, Fault.STATUS})


class Gone(Exception):
    """The client left, or the fault was cleared, or the server stops."""


def head(response: Response, *, extra: tuple[tuple[str, str], ...] = (), length: int | None = None) -> bytes:
    """Status line and headers; a length overrides the body's own."""
    headers = [
        (name, str(length) if name == "Content-Length" and length is not None else value)
        for name, value in response.all_headers()
        # RFC 9110 section 8.6: no length on an answer that cannot have a body.
        if not (name == "Content-Length" and response.status == 204)
    ]
    lines = [f"HTTP/1.1 {response.status_line}", *(f"{name}: {value}" for name, value in (*headers, *extra))]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def substituted(armed: ArmedFault, honest: Response) -> Response | None:
    """The wrong answer of a fault that is ordinary on the wire, if it is one."""
    if armed.fault not in _CONTENT:
        return None
    if armed.fault is Fault.HTML:
        return Response(body=b"<!doctype html><title>Welcome</title><p>A hotel's login page.", content_type="text/html")
    if armed.fault is Fault.JSON_LIST:
        return json_response(["not", "an", "object"])
    if armed.fault is Fault.EMPTY:
        return Response(content_type="application/json")
    if armed.fault is Fault.GZIP_BOMB:
        encoding = (("Content-Encoding", "gzip"),)
        return Response(body=gzip_bomb(armed.size), content_type="application/json", headers=encoding)
    if armed.fault is Fault.REDIRECT_307:
        return Response(status=307, content_type="", headers=(("Location", armed.to),))
    return Response(status=armed.status, body=honest.body, content_type=honest.content_type, headers=honest.headers)


@lru_cache(maxsize=4)
def gzip_bomb(size: int) -> bytes:
    """Gzip of a well-formed JSON object of about `size` bytes, itself a thousandth of that."""
    start, end, block = b'{"padding":"', b'"}', b"0" * (1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = [packer.compress(start), packer.flush(zlib.Z_FULL_FLUSH)]
    # After a full flush a block depends on nothing before it: one is made, and repeated.
    once = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    count = max(size // len(block), 1)
    packed += [once] * count + [packer.compress(end), packer.flush(zlib.Z_FINISH)]
    checksum = zlib.crc32(start)
    for _ in range(count):
        checksum = zlib.crc32(block, checksum)
    total = len(start) + count * len(block) + len(end)
    trailer = struct.pack("<LL", zlib.crc32(end, checksum), total & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"".join(packed) + trailer


class Delivery:
    """Sends one faulty answer over a client's socket."""

    def __init__(self, client: socket.socket, stopping: Callable[[], bool]) -> None:
        self._client = client
        self._stopping = stopping

    def deliver(self, armed: ArmedFault, honest: Response) -> None:
        """Sends what can be sent; the connection is of no use afterwards."""
        match armed.fault:
            case Fault.RESET_MID_BODY:
                self._client.sendall(head(honest) + honest.body[: len(honest.body) // 2])
            case Fault.HUGE | Fault.HUGE_CHUNKED:
                self._send_huge(armed)
            case Fault.DRIP:
                self._client.sendall(head(honest))
                self._drip(armed, iter(honest.body))
            case Fault.DRIP_HEADERS:
                self._client.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                self._drip(armed, _endless(b"a"))
            case Fault.HANG:
                self._wait(armed, None)
            case Fault.LATE:
                self._wait_until_over(armed)
                self._client.sendall(head(honest) + honest.body)
            case _:
                # DOWN: nothing is sent; the server resets the connection.
                return

    def _send_huge(self, armed: ArmedFault) -> None:
        chunked = armed.fault is Fault.HUGE_CHUNKED
        start, end = b'{"padding":"', b'"}'
        plain = Response(content_type="application/json")
        if chunked:
            opening = head(plain, extra=(("Transfer-Encoding", "chunked"),)).replace(b"Content-Length: 0\r\n", b"")
        else:
            opening = head(plain, length=armed.size)
        self._client.sendall(opening + _framed(start, chunked))
        left = armed.size - len(start) - len(end)
        while left > 0:
            if armed.over.is_set() or self._stopping():
                raise Gone
            part = b"0" * min(CHUNK, left)
            self._client.sendall(_framed(part, chunked))
            left -= len(part)
        self._client.sendall(_framed(end, chunked) + (b"0\r\n\r\n" if chunked else b""))

    def _drip(self, armed: ArmedFault, values: Iterator[int]) -> None:
        for value in values:
            self._client.sendall(bytes([value]))
            self._wait(armed, 1.0)

    def _wait(self, armed: ArmedFault, seconds: float | None) -> None:
        """Waits so long, or for ever, unless the client leaves, the fault is cleared or the server stops."""
        # Counted, not timed: a test may have stopped the clock.
        looks = itertools.count() if seconds is None else range(round(seconds / LOOK_AROUND))
        for _ in looks:
            self._look_around()
            if armed.over.wait(LOOK_AROUND):
                raise Gone

    def _wait_until_over(self, armed: ArmedFault) -> None:
        """Waits until the fault is cleared, unless the client leaves or the server stops."""
        while not armed.over.wait(LOOK_AROUND):
            self._look_around()

    def _look_around(self) -> None:
        # A client that is being answered sends nothing, so anything readable is its goodbye.
        if select.select([self._client], [], [], 0)[0] or self._stopping():
            raise Gone


def _framed(data: bytes, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if chunked else data


def _endless(data: bytes) -> Iterator[int]:
    while True:
        yield from data
