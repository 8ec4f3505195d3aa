"""The whole drill: an installation in use is backed up, restored on an empty machine, and signed in to there."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection

from portal.environment import parse
from tests.browsing import Browser
from tests.commands.running import database_url, in_shell
from tests.commands.serving import served
from tests.commands.starting import copy_project, ended, eventually, free_port
from tests.entra_tenant import PracticeTenant
from tests.environment import TEST_ENVIRONMENT
from tests.factories import PASSWORD
from tests.portal.backup.support import PASSPHRASE
from tests.portal.backup.visiting import Visitor
from tests.second_factors import App, give_app
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

ADMINISTRATOR, ADA, LOCAL = "grace@contoso.example", "ada@contoso.example", "local@contoso.example"
EMPTY = "gatehouse_empty_machine"


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[str]:
    """A database without any table, of the same kind as the test's, for another machine."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.sqlite3"
        return
    here = database_url()
    name = f"{EMPTY}_{connection.settings_dict['NAME']}"[:63]
    with psycopg.connect(here, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}"')
        server.execute(f'CREATE DATABASE "{name}"')
        yield f"{here.rpartition('/')[0]}/{name}"
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def live_installation(tenant: PracticeTenant) -> App:
    """Set everything up with commands, as an operator does, and let two people sign in."""
    origins = {"INSECURE_ISSUER_ORIGINS": tenant.base_url}
    password = PASSWORD.encode()

    def command(*arguments: str, stdin: bytes = b"") -> None:
        done = in_shell(*arguments, stdin=stdin, **origins)
        assert done.status == 0, done.err

    command("admins", "add", ADMINISTRATOR, "--password-stdin", stdin=password)
    command("users", "add", ADA, "--display-name", "Ada Lovelace", "--state", "active")
    command("users", "add", LOCAL, "--state", "active", "--password-stdin", stdin=password)
    command("groups", "add", "Pilot")
    command("groups", "add-members", "Pilot", ADA)
    provider = ("--name", "Contoso", "--url", tenant.idp_url, "--client-id", tenant.client_id)
    command("idp", "add", *provider, "--client-secret-stdin", stdin=tenant.client_secret.encode())
    command("idp", "activate", "entra", "--group", "Pilot", "--i-understand-the-impacts")
    app = give_app(User.objects.get(company_email=LOCAL))
    browser = Browser()
    browser.federated_sign_in(ADA)
    assert browser.is_signed_in
    return app


def sign_in_everybody(url: str, app: App) -> None:
    """Sign in the linked person, a local one with both factors, and the administrator, at a real server."""
    federated, local, administrator = Visitor(url), Visitor(url), Visitor(url)
    assert "Ada Lovelace" in federated.post("/login/", email=ADA)
    assert "/login/second-factor/" in local.post("/login/password/", email=LOCAL, password=PASSWORD)
    assert local.post("/login/second-factor/", code=app.code()).startswith(f"{url}/\n")
    assert LOCAL in local.get("/profile/")
    assert administrator.post("/admin/login/", email=ADMINISTRATOR, password=PASSWORD).startswith(f"{url}/admin/\n")
    assert "backup" in administrator.get("/admin/insights/directory/").lower()


def test_an_installation_moves_to_an_empty_machine(
    tmp_path: Path, tenant: PracticeTenant, settings: LazySettings, empty_database: str
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    app = live_installation(tenant)
    backup = tmp_path / "gatehouse.age"
    assert in_shell("backup", str(backup), stdin=PASSPHRASE.encode()).status == 0

    (tmp_path / "machine").mkdir()
    machine = copy_project(tmp_path / "machine")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    ended(machine, "-m", "portal.environment", "--port", str(port))  # a SECRET_KEY and an address of its own
    assert parse(machine / ".env")["ENCRYPTION_KEYS"] != TEST_ENVIRONMENT["ENCRYPTION_KEYS"]
    kept = {"ENCRYPTION_KEYS": TEST_ENVIRONMENT["ENCRYPTION_KEYS"], "DATABASE_URL": empty_database}
    kept["INSECURE_ISSUER_ORIGINS"] = tenant.base_url
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    restored = ended(machine, "-c", RESTORE, str(backup), str(passphrase), **kept)
    assert restored.returncode == 0, restored.stderr
    assert ended(machine, "manage.py", "collectstatic", "--no-input", **kept).returncode == 0

    with served(machine, port, **kept):
        assert '"status": "ok"' in eventually(f"{url}/readyz")
        sign_in_everybody(url, app)


# The passphrase comes from a file, as a systemd credential does.
RESTORE = """
import subprocess, sys
command = [sys.executable, "manage.py", "restore", sys.argv[1], "--passphrase-stdin"]
sys.exit(subprocess.run(command, stdin=open(sys.argv[2])).returncode)
"""
