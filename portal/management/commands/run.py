"""`manage.py run`: the portal under a production server, ready for real use."""

import os
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from users.administrators import issue_setup_link, needs_setup
from users.audit import operator


def refuse_taken_port(host: str, port: int, *, cure: str) -> None:
    """Raise a CommandError that names the port, if another program listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"Port {port} on {host} is taken by another program. {cure}", returncode=1) from error


def prepare() -> None:
    """Bring the database and the static files up to date."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def gunicorn_command(application: str, bind: str, *, workers: int, threads: int = 8) -> list[str]:
    """Return the command line of the production server."""
    options = ["--bind", bind, "--workers", str(workers), "--worker-class", "gthread", "--threads", str(threads)]
    options += ["--timeout", "60", "--graceful-timeout", "20", "--log-level", "warning"]
    return [sys.executable, "-m", "gunicorn", application, *options]


def _public_url(port: int) -> str:
    """Return PUBLIC_URL; on this machine alone, without a proxy, it follows the port that was chosen."""
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}:
        return f"http://{parts.hostname}:{port}"
    return str(settings.PUBLIC_URL)


class Command(BaseCommand):
    """Migrates, collects the static files, prints the set-up link while it is needed, and serves."""

    help = "Serve the portal with a production server."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to listen."""
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")
        parser.add_argument("--workers", type=int, default=2)

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, then become the server."""
        host, _, port = options["bind"].rpartition(":")
        refuse_taken_port(host, int(port), cure="Stop it, or choose another one: make run PORT=8001")
        prepare()
        public_url = os.environ["PUBLIC_URL"] = _public_url(int(port))
        self.stdout.write(f"Gatehouse: {public_url}/   Admin Portal: {public_url}/admin/")
        if settings.INSECURE_ISSUER_ORIGINS:
            self.stderr.write("INSECURE_ISSUER_ORIGINS is set: this is a practice set-up, not fit for real people.")
        if needs_setup():
            token = issue_setup_link(actor=operator())
            self.stdout.write("\nThere is no administrator yet. This link creates the first one, once, within 1 hour:")
            self.stdout.write(f"  {public_url}/admin/set-up/{token}/\n")
        self.stdout.write("Press Ctrl-C to stop.")
        self.stdout.flush()
        command = gunicorn_command("portal.wsgi:application", options["bind"], workers=options["workers"])
        os.execv(command[0], command)  # noqa: S606  (our own interpreter and arguments)
