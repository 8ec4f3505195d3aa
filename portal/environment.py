"""Makes and mends `.env` files. Needs nothing but what runs Gatehouse, and no settings yet.

`python -m portal.environment` makes a `.env` with fresh keys where there is none, as `make run` needs it.
"""

import argparse
import contextlib
import errno
import os
import re
import secrets
import socket
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class PortUnusable(Exception):
    """Nothing can listen there; the message says why."""


def create(path: Path, *, remark: str = "", **extra: str) -> bool:
    """Write the file with mode 0600, unless it exists; return whether it was written.

    Args:
        remark: a further comment at the top.
        extra: further lines, such as `INSECURE_ISSUER_ORIGINS` for practice.
    """
    lines = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": "http://127.0.0.1:8000",
        **extra,
    }
    text = "# Made by Gatehouse. .env.example explains every line that can stand here.\n"
    text += f"# {remark}\n" if remark else ""
    text += "".join(f"{name}={value}\n" for name, value in lines.items())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return True


def parse(path: Path) -> dict[str, str]:
    """Return what the settings would read from the file; nothing from one that does not exist."""

    class Reader(environ.Env):
        """Keeps what it reads to itself."""

        ENVIRON: dict[str, str] = {}  # type: ignore[assignment]

    Reader.read_env(str(path))
    return Reader.ENVIRON


def is_practice(path: Path) -> bool:
    """Return whether the file is for practice: it lets a provider be reached over http."""
    return bool(parse(path).get("INSECURE_ISSUER_ORIGINS", "").strip(" ,"))


def update(path: Path, **values: str) -> None:
    """Put these values in the place of the old ones. Other lines, mode and owner stay as they are."""
    path = path.resolve()
    lines = path.read_text().splitlines()
    for name, value in values.items():
        found = [number for number, line in enumerate(lines) if re.match(rf"(?:export )?{name}=", line)]
        for number in found:
            lines[number] = f"{name}={value}"
        if not found:
            lines.append(f"{name}={value}")
    # A new file in the old one's place: half a file would have lost its keys.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
        was = path.stat()
        os.fchmod(file.fileno(), was.st_mode & 0o777)
        with contextlib.suppress(PermissionError):
            os.fchown(file.fileno(), was.st_uid, was.st_gid)
    Path(temporary).replace(path)


def public_url_at(public_url: str, port: int) -> str:
    """Return PUBLIC_URL; on this machine alone, without a proxy, it follows the port that was chosen."""
    parts = urlsplit(public_url)
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"http://{host}:{port}"
    return public_url


def port_number(text: str) -> int:
    """Return a port, for argparse."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535")
    return int(text)


def host_and_port(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, for argparse. An IPv6 host stands in brackets."""
    host, colon, port = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if is_bracketed else host
    if not colon or not host or (":" in host) != is_bracketed:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8000")
    return host, port_number(port)


def refuse_taken_port(host: str, port: int, *, cure: str) -> None:
    """Raise a PortUnusable that names the port, if another program listens on it, or if nobody could."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortUnusable(f"Port {port} on {host} is taken by another program. {cure}") from error
        raise PortUnusable(f"Cannot listen on port {port} of {host}: {error.strerror}.") from error


def main() -> None:
    """Make a `.env` for `make run`, or let the address in one follow the port."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=port_number, default=8000, metavar="PORT", help="where the portal will listen")
    port = parser.parse_args().port
    path = ROOT / ".env"
    if create(path, PUBLIC_URL=f"http://127.0.0.1:{port}"):
        sys.stdout.write("Made .env with fresh keys. Keep ENCRYPTION_KEYS safe: without it stored secrets are lost.\n")
        return
    public_url = parse(path).get("PUBLIC_URL", "")
    # One for practice is left alone: `manage.py run` refuses it, and its address is the demo's.
    if public_url_at(public_url, port) != public_url.rstrip("/") and not is_practice(path):
        update(path, PUBLIC_URL=public_url_at(public_url, port))


if __name__ == "__main__":
    main()
