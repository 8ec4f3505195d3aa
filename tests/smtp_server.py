"""A mail server for tests: it takes everything, or refuses the password, and keeps what it got."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Session(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        self._say("220 practice")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            self.server.commands.append(verb)
            if verb == "EHLO":
                self._say("250-practice\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                self._say("235 welcome" if self.server.takes_password else "535 no")
            elif verb == "DATA":
                self._say("354 go on")
                self.server.mails.append(self._text())
                self._say("250 kept")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _text(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        return "\n".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, takes_password: bool) -> None:
        self.takes_password = takes_password
        self.commands: list[str] = []
        self.mails: list[str] = []
        super().__init__(("127.0.0.1", 0), _Session)


@contextmanager
def mail_server(*, takes_password: bool = True) -> Iterator[Any]:
    """Serve; the server has `server_address`, `commands` and `mails`."""
    with _Server(takes_password) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
