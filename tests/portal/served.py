"""The portal under its production server, asked byte by byte: what a test client would never send."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.management.commands.run import gunicorn_command
from tests.commands.running import database_url
from tests.commands.starting import copy_project, free_port


def raw(port: int, head: str) -> tuple[int, dict[str, str], str]:
    """Send one request and return status, headers by lower-case names, and body.

    Args:
        head: request line and headers, a line each; the end of the head is added.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(("\r\n".join([*head.splitlines(), "Connection: close"]) + "\r\n\r\n").encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    top, _, body = received.decode(errors="replace").partition("\r\n\r\n")
    status, *lines = top.split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(status.split()[1]), headers, body


@contextmanager
def production_server(folder: Path, **environment: str) -> Iterator[int]:
    """Start gunicorn as `manage.py run` does, on a copy of the project and the tests' database, and yield its port."""
    project, port = copy_project(folder), free_port()
    environment = {**os.environ, "DATABASE_URL": database_url(), **environment}
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput"]
    subprocess.run(collect, cwd=project, env=environment, capture_output=True, check=True)  # noqa: S603  (our own)
    command = gunicorn_command("portal.wsgi:application", f"127.0.0.1:{port}", workers=1, threads=2)
    output = (folder / "gunicorn.log").open("w")
    server = subprocess.Popen(  # noqa: S603  (our own server)
        command,
        cwd=project,
        env=environment,
        stdout=output,
        stderr=output,
    )
    try:
        _wait(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)
        output.close()


def _wait(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Wait until somebody listens, which takes as long as a start of Python does."""
    ends_at = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < ends_at and server.poll() is None, "the server did not start"
