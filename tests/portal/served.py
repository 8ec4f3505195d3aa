"""The portal under its production server, asked byte by byte: what a test client would never send."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.commands.running import database_url
from tests.commands.serving import served
from tests.commands.starting import copy_project, ended, free_port
from tests.environment import TEST_ENVIRONMENT


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
    variables = {**TEST_ENVIRONMENT, "DATABASE_URL": database_url(), **environment}
    collected = ended(project, "manage.py", "collectstatic", "--noinput", **variables)
    assert collected.returncode == 0, collected.stderr
    with served(project, port, workers=1, threads=2, log=folder / "gunicorn.log", **variables):
        yield port
