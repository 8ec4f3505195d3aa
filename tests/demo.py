"""`make demo`: the portal and the practice tenant on one machine, with practice people, until Ctrl-C.

Everything that it makes lies in `.env` and `var/`; a second run finds it there and keeps it. Beside a `.env` for real
use it has a file of its own, `var/practice.env`.
"""

import argparse
import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from portal.environment import (
    LOOPBACK,
    ROOT,
    PortUnusable,
    create,
    is_practice,
    parse,
    port_number,
    refuse_taken_port,
    update,
)

VAR = ROOT / "var"
PRACTICE_DATABASE = f"sqlite:///{quote(str(VAR / 'practice.sqlite3'))}"
# Four slashes: what follows the third is the path of the folder.
PRACTICE_MAIL = f"filemail:///{quote(str(VAR / 'practice-mail'))}"
PRACTICE_METRICS = str(VAR / "practice-metrics")
TENANT_STATE = VAR / "practice_tenant.json"
CREDENTIALS = VAR / "practice_credentials.json"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Places:
    """Where the two servers listen."""

    portal_port: int
    tenant_port: int

    @property
    def portal(self) -> str:
        """The portal's address."""
        return f"http://{HOST}:{self.portal_port}"

    @property
    def tenant(self) -> str:
        """The practice tenant's address."""
        return f"http://{HOST}:{self.tenant_port}"


def choose_file() -> Path:
    """Return the `.env` file of the practice, which is never one for real use."""
    usual, beside = ROOT / ".env", VAR / "practice.env"
    # One that `mv .env var/practice.env` put there has the keys that fit the practice database.
    return usual if is_practice(usual) or not (usual.exists() or beside.exists()) else beside


def prepare_file(path: Path, places: Places) -> None:
    """Make the file with keys of its own, or let the addresses in an older one follow the ports."""
    VAR.mkdir(mode=0o700, exist_ok=True)
    fresh = {"PUBLIC_URL": places.portal, "INSECURE_ISSUER_ORIGINS": places.tenant, "DATABASE_URL": PRACTICE_DATABASE}
    fresh |= {"EMAIL_URL": PRACTICE_MAIL, "LOG_FORMAT": "plain", "METRICS_DIR": PRACTICE_METRICS}
    if create(path, remark="For practice: `make demo` goes on with it, and `make run` refuses it.", **fresh):
        return
    if not is_practice(path):
        sys.exit(f"{path.relative_to(ROOT)} is not for practice: INSECURE_ISSUER_ORIGINS is not set. Move it away.")
    known = parse(path)
    if known.get("DATABASE_URL"):
        del fresh["DATABASE_URL"]  # otherwise practice would go on in the database of real use
    for name in ("EMAIL_URL", "LOG_FORMAT", "METRICS_DIR"):
        if known.get(name):
            del fresh[name]
    if places.tenant in known["INSECURE_ISSUER_ORIGINS"].split(","):
        del fresh["INSECURE_ISSUER_ORIGINS"]
    if any(known.get(name) != value for name, value in fresh.items()):
        update(path, **fresh)


def set_environment(path: Path) -> None:
    """Let the practice's file alone decide: an exported DATABASE_URL may be that of the real portal."""
    for name in re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE):
        os.environ.pop(name, None)
    os.environ["ENV_FILE"] = str(path)
    os.environ["ALLOWED_HOSTS"] = f"{HOST},localhost"
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"


def say(text: str = "") -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201


def init_tenant(places: Places) -> dict[str, Any]:
    """Make the practice tenant unless it exists, and return its values."""
    command = [sys.executable, "-m", "tests.entra_tenant", "init", "--state", str(TENANT_STATE)]
    command += ["--base-url", places.tenant, "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603
    described: dict[str, Any] = json.loads(answer.stdout)
    return described


def passwords() -> dict[str, str]:
    """Return the practice passwords by email: drawn once, and kept in a file that only the owner reads."""
    try:
        known: dict[str, str] = json.loads(CREDENTIALS.read_text())
    except FileNotFoundError:
        known = {
            email: "-".join(secrets.token_hex(2) for _ in range(4))
            for email in ("admin@contoso.example", "readonly@contoso.example", "local@contoso.example")
        }
        with os.fdopen(os.open(CREDENTIALS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(known, file)
    return known


def seed(people: list[dict[str, Any]], known: dict[str, str]) -> None:
    """Add the practice people and administrators that are not there yet, through the services."""
    from users.administrators import add_administrator  # noqa: PLC0415  (models need django.setup() first)
    from users.audit import operator  # noqa: PLC0415
    from users.models import AdminRole, State, User  # noqa: PLC0415
    from users.services import add_person  # noqa: PLC0415

    actor = operator()
    have = set(User.objects.values_list("company_email", flat=True))
    admins = [
        ("admin@contoso.example", AdminRole.ADMINISTRATOR_WITH_BILLING, "Practice Administrator"),
        ("readonly@contoso.example", AdminRole.READ_ONLY, "Practice Reader"),
    ]
    admins += [(p["directory_email"], AdminRole.HELP_DESK, p["name"]) for p in people if p["gatehouse"] == "admin"]
    for email, role, name in admins:
        if email not in have:
            password = known.get(email) or secrets.token_urlsafe(24)
            add_administrator(actor=actor, company_email=email, role=role, password=password, display_name=name)
    for person in people:
        if person["gatehouse"] in State.values and person["directory_email"] not in have:
            add_person(
                actor=actor,
                company_email=person["directory_email"],
                user_name=person["user_name"],
                display_name=person["name"],
                given_name=person["given_name"],
                family_name=person["family_name"],
                # A guest is never found by email: she comes in by her object ID, once the provider allows guests.
                external_id=person["oid"] if person["acct"] == 1 else "",
                state=State(person["gatehouse"]),
            )
    if "local@contoso.example" not in have and not _federated():
        add_person(
            actor=actor,
            company_email="local@contoso.example",
            display_name="Local Colleague",
            state=State.ACTIVE,
            password=known["local@contoso.example"],
        )


def warn_of_old_port(places: Places) -> None:
    """Say so where the active provider points to the practice tenant at a port where it is no more."""
    from idp.routing import offered_providers  # noqa: PLC0415  (models need django.setup() first)

    for provider in offered_providers():
        at = urlsplit(provider.issuer)
        if at.hostname in LOOPBACK and at.port != places.tenant_port:
            say(
                f"Warning: the active provider {provider.name} points to the practice tenant's old port {at.port}, so "
                f"that nobody can sign in with it. Use that port again (TENANT_PORT={at.port}), or deactivate the "
                "provider."
            )


def _federated() -> bool:
    from idp.routing import offered_providers  # noqa: PLC0415  (models need django.setup() first)

    return bool(offered_providers())


@contextlib.contextmanager
def running(commands: list[list[str]], environment: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run the servers in groups of their own, and end each of them, whatever happens."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            child = subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True)  # noqa: S603
            processes.append(child)
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            try:
                process.wait(timeout=25)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_answering(places: Places, processes: list[subprocess.Popen[bytes]]) -> bool:
    """Wait until both servers take connections; return False if one of them ended instead."""
    for port in (places.portal_port, places.tenant_port):
        while all(process.poll() is None for process in processes):
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
                break
            time.sleep(0.1)
    return all(process.poll() is None for process in processes)


def mail_place() -> str:
    """Say where the mails of the practice go."""
    from django.conf import settings  # noqa: PLC0415  (there are settings only after the environment is set)

    if settings.EMAIL_BACKEND.endswith(".filebased.EmailBackend"):
        return f"a file for each in {settings.EMAIL_FILE_PATH}/"
    return "where EMAIL_URL says"


def announce(places: Places, tenant: dict[str, Any], known: dict[str, str], path: Path) -> None:
    """Print where to go, as whom, and what to paste."""
    prefix = "" if path == ROOT / ".env" else f"ENV_FILE={path.relative_to(ROOT)} "
    signs_in = [person for person in tenant["people"] if person["gatehouse"] == "active" and not person["note"]]
    say(f"""
Gatehouse is running, for practice.

  Admin Portal    {places.portal}/admin/
                  admin@contoso.example      {known["admin@contoso.example"]}    (Administrator With Billing)
                  readonly@contoso.example   {known["readonly@contoso.example"]}    (Read Only)
  User Portal     {places.portal}/
                  local@contoso.example      {known["local@contoso.example"]}    (password, until you federate)
  Mail            {mail_place()}

In the Admin Portal: Identity Providers > Add Identity Provider > Entra ID (Azure), and paste

  Entra IdP URL   {tenant["idp_url"]}
  Client ID       {tenant["client_id"]}
  Client Secret   {tenant["client_secret"]}

Then sign in to the User Portal as {signs_in[0]["directory_email"]} (the practice tenant asks for no password).

Commands that act on the practice: {prefix}.venv/bin/python manage.py …

Ctrl-C stops everything. The data stays in var/; the next `make demo` goes on with it.""")


def chosen_places() -> Places:
    """Return where to listen, from the command line."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--port", type=port_number, default=8000, metavar="PORT", help="the portal's port")
    parser.add_argument(
        "--tenant-port", type=port_number, default=9000, metavar="TENANT_PORT", help="the practice tenant's port"
    )
    options = parser.parse_args()
    if options.port == options.tenant_port:
        parser.error(f"PORT and TENANT_PORT are both {options.port}; choose two different ones")
    return Places(options.port, options.tenant_port)


def main() -> int:
    """Run the demo and return the exit status."""
    places, path = chosen_places(), choose_file()
    try:
        for port in (places.portal_port, places.tenant_port):
            refuse_taken_port(HOST, port, cure="Stop it, or choose others: make demo PORT=8001 TENANT_PORT=9001")
    except PortUnusable as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    prepare_file(path, places)
    set_environment(path)

    import django  # noqa: PLC0415  (only now does the environment hold what the settings need)

    django.setup()

    from portal.management.commands import run  # noqa: PLC0415

    run.prepare()
    tenant, known = init_tenant(places), passwords()
    seed(tenant["people"], known)
    warn_of_old_port(places)
    commands = [
        run.gunicorn_command("portal.wsgi:application", f"{HOST}:{places.portal_port}", workers=1),
        run.gunicorn_command("tests.entra_tenant.wsgi:application", f"{HOST}:{places.tenant_port}", workers=1),
    ]
    environment = {**os.environ, "PRACTICE_TENANT_STATE": str(TENANT_STATE)}
    with running(commands, environment) as processes:
        try:
            if wait_until_answering(places, processes):
                announce(places, tenant, known, path)
            while all(process.poll() is None for process in processes):
                time.sleep(0.5)
        except KeyboardInterrupt:
            say("\nStopping …")
            return 0
    say("One of the servers ended by itself; its message is above.")
    return 1


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
