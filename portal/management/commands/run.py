"""`manage.py run`: the portal under a production server, ready for real use."""

import os
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import environment
from users.administrators import issue_setup_link, needs_setup
from users.audit import operator
from users.management.base import at_least_one

HOUSEKEEPING_EVERY = 15 * 60
# Not imported: portal/serving.py reads the settings when gunicorn loads it.
CONFIG = "python:portal.serving"
APPLICATION = "portal.wsgi:application"
PRACTICE_FILE = (
    "This .env is for practice (INSECURE_ISSUER_ORIGINS is set), and practice administrators have no place in real "
    "use. Move it away first: mv .env var/practice.env ; the practice data stays in var/practice.sqlite3."
)
PRACTICE_ELSEWHERE = (
    "INSECURE_ISSUER_ORIGINS is set, by the environment or the file that ENV_FILE names: that is for practice, and "
    "practice administrators have no place in real use. Unset both first: unset INSECURE_ISSUER_ORIGINS ENV_FILE"
)
NO_PROXIES = (
    "Warning: PUBLIC_URL is https, but TRUSTED_PROXIES is empty. What the proxy says of its clients is therefore not "
    "believed: every client looks like the proxy, in the audit log and when failed sign-ins are counted, and every "
    "page redirects to https again and again. Set TRUSTED_PROXIES to the proxy's address, such as 127.0.0.1."
)


def prepare() -> None:
    """Bring the database and the static files up to date."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def gunicorn_command(application: str, bind: str, *, workers: int = 0, threads: int = 0) -> list[str]:
    """Return the command line of the production server; portal/serving.py holds what is always the same.

    Args:
        workers: how many processes; WORKERS of the settings where it is 0.
        threads: how many threads each of them has; THREADS where it is 0.
    """
    options = ["--config", CONFIG, "--bind", bind]
    options += ["--workers", str(workers)] if workers else []
    options += ["--threads", str(threads)] if threads else []
    return [sys.executable, "-m", "gunicorn", *options, application]


def start_housekeeping() -> None:
    """Start regular housekeeping beside the server: who runs this has no cron. It ends as soon as the server does.

    The other end of its standard input stays open in this process, which becomes the server, and is closed by nobody
    but the system.
    """
    standard_input, held = os.pipe()
    os.set_inheritable(held, True)
    manage = str(environment.ROOT / "manage.py")
    command = [sys.executable, manage, "housekeeping", "--every", str(HOUSEKEEPING_EVERY), "--until-eof"]
    subprocess.Popen(command, stdin=standard_input, start_new_session=True)  # noqa: S603  (our own command)
    os.close(standard_input)


class Command(BaseCommand):
    """Migrates, collects the static files, prints the set-up link while it is needed, and serves."""

    help = "Serve the portal with a production server."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to listen, and with how many processes and threads."""
        bind = environment.host_and_port
        parser.add_argument(
            "--bind", type=bind, default="127.0.0.1:8000", metavar="HOST:PORT", help="where to listen (127.0.0.1:8000)"
        )
        parser.add_argument("--workers", type=at_least_one, default=0, metavar="N", help="how many processes (WORKERS)")
        parser.add_argument("--threads", type=at_least_one, default=0, metavar="N", help="threads of each (THREADS)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, then become the server."""
        if settings.INSECURE_ISSUER_ORIGINS:
            is_file = environment.is_practice(environment.ROOT / ".env")
            raise CommandError(PRACTICE_FILE if is_file else PRACTICE_ELSEWHERE, returncode=1)
        host, port = options["bind"]
        try:
            environment.refuse_taken_port(host, port, cure="Stop it, or choose another one: make run PORT=8001")
        except environment.PortUnusable as error:
            raise CommandError(str(error), returncode=1) from error
        if settings.IS_HTTPS and not settings.TRUSTED_PROXIES:
            self.stderr.write(NO_PROXIES)
        prepare()
        public_url = os.environ["PUBLIC_URL"] = environment.public_url_at(settings.PUBLIC_URL, port)
        self.stdout.write(f"Gatehouse: {public_url}/   Admin Portal: {public_url}/admin/")
        if needs_setup():
            token = issue_setup_link(actor=operator())
            self.stdout.write("\nThere is no administrator yet. This link creates the first one, once, within 1 hour:")
            self.stdout.write(f"  {public_url}/admin/set-up/{token}/\n")
        self.stdout.write("Press Ctrl-C to stop.")
        self.stdout.flush()
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        command = gunicorn_command(APPLICATION, bind, workers=options["workers"], threads=options["threads"])
        start_housekeeping()
        os.execv(command[0], command)  # noqa: S606  (our own interpreter and arguments)
