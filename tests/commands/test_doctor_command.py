"""`manage.py doctor` on this machine: settings, keys, files, database, cache, mail, housekeeping and providers."""

import json
import os
import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from idp.models import HousekeepingTask, IdentityProvider
from portal.doctor import database, installation
from tests.browsing import Browser
from tests.commands.running import Ran, in_shell, run
from tests.entra_tenant import PracticeTenant
from tests.smtp_server import mail_server
from users.models import User

pytestmark = pytest.mark.django_db

Checks = dict[str, dict[str, str]]


def examined(*arguments: str, without_network: bool = True) -> Checks:
    """Return the lines by name. The exit status fits them."""
    ran = run("doctor", "--json", *(["--offline"] if without_network else []), *arguments)
    checks = {check["name"]: check for check in ran.json["checks"]}
    has_failed = any(check["outcome"] == "failed" for check in ran.json["checks"])
    assert (ran.status, ran.json["ok"]) == (int(has_failed), not has_failed)
    assert all(check["hint"] or check["outcome"] in {"passed", "skipped"} for check in checks.values())
    return checks


def outcome(checks: Checks, name: str, said: str = "") -> str:
    assert said in checks[name]["detail"] + checks[name]["hint"], checks[name]
    return checks[name]["outcome"]


@pytest.fixture
def collected(settings: LazySettings, tmp_path: Path) -> Path:
    """A manifest that names every static file, as `collectstatic` writes it."""
    settings.STATIC_ROOT = str(tmp_path)
    names = [name for finder in installation.get_finders() for name, _ in finder.list([])]
    (tmp_path / "staticfiles.json").write_text(json.dumps({"paths": dict.fromkeys(names, "x")}))
    return tmp_path


def test_lines_for_a_reader_and_what_to_do_below_them(
    collected: Path, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "")
    ran = run("doctor", "--offline")
    lines = ran.out.splitlines()
    assert ran.status == 1 and lines[0].split()[:2] == ["FAILED", "Settings"] and "PUBLIC_URL is not https" in lines[0]
    assert lines[1].strip().startswith("-> Set PUBLIC_URL to the https address")
    assert any(line.startswith("ok ") and "Stored secrets" in line for line in lines)
    assert " FAILED, " in lines[-1] and lines[-1].endswith("2 not tested.")


def test_in_production_settings_check_has_nothing_to_say() -> None:
    production = {"PUBLIC_URL": "https://gatehouse.example", "ALLOWED_HOSTS": "gatehouse.example"}
    production |= {"SECRET_KEY": secrets.token_urlsafe(50), "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    production |= {"TRUSTED_PROXIES": "127.0.0.1"}
    ran = in_shell("doctor", "--offline", "--json", **production, DJANGO_ALLOW_ASYNC_UNSAFE="")
    settings = [check for check in ran.json["checks"] if check["name"] == "Settings"]
    assert [check["outcome"] for check in settings] == ["passed"], ran.out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SECRET_KEY": "short"}, "security.W009"),
        ({"ENCRYPTION_KEYS": ""}, "idp.E001"),
        ({"DEBUG": "true"}, "security.W018"),
        ({"INSECURE_ISSUER_ORIGINS": "http://127.0.0.1:9000"}, "idp.E003"),
    ],
)
def test_a_setting_that_is_wrong_is_named_and_the_rest_is_still_looked_at(changes: dict[str, str], said: str) -> None:
    ran: Ran = in_shell("doctor", "--offline", "--json", **changes)
    lines = [check for check in ran.json["checks"] if check["name"] == "Settings"]
    assert any(said in line["detail"] and line["hint"] for line in lines), ran.out
    assert ran.status == 1 and any(check["name"] == "Cache" for check in ran.json["checks"])


def test_a_settings_file_that_others_may_read(collected: Path, settings: LazySettings, tmp_path: Path) -> None:
    settings.ENV_PATH = str(tmp_path / "environment")
    assert outcome(examined(), "Settings file", "everything comes from the environment") == "passed"
    for mode, expected in ((0o600, "passed"), (0o640, "passed"), (0o644, "failed"), (0o660, "failed")):
        Path(settings.ENV_PATH).touch()
        Path(settings.ENV_PATH).chmod(mode)
        assert outcome(examined(), "Settings file", f"{mode:o}") == expected


def test_a_database_file_that_others_may_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gatehouse.sqlite3'}"
    for mode, expected in ((0o700, "passed"), (0o750, "passed"), (0o755, "failed")):
        tmp_path.chmod(mode)
        ran = in_shell("doctor", "--offline", "--json", DATABASE_URL=url)
        checks = {check["name"]: check for check in ran.json["checks"]}
        assert outcome(checks, "Data directory", f"{mode:o}") == expected


def test_static_files_that_were_not_collected(collected: Path) -> None:
    assert outcome(examined(), "Static files") == "passed"
    os.utime(collected / "staticfiles.json", (0, 0))
    assert outcome(examined(), "Static files", "are newer") == "warning"
    (collected / "staticfiles.json").unlink()
    assert outcome(examined(), "Static files", "collectstatic") == "failed"


def test_secrets_that_no_key_reads_are_counted(
    collected: Path, draft: IdentityProvider, settings: LazySettings
) -> None:
    assert outcome(examined(), "Stored secrets", "All 1") == "passed"
    lost, settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS, [Fernet.generate_key().decode()]
    checks = examined()
    assert outcome(checks, "Stored secrets", "1 of 1") == "failed"
    assert "1 client secrets" in checks["Stored secrets"]["detail"]
    settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, *lost]
    assert outcome(examined(), "Stored secrets", "keys rotate") == "warning"


def test_a_database_that_is_well(collected: Path) -> None:
    checks = examined()
    lines = database._SQLITE if connection.vendor == "sqlite" else database._POSTGRESQL
    outcomes = {name: outcome(checks, name) for name in ("Database", "Migrations", *lines)}
    assert set(outcomes.values()) == {"passed"}, outcomes


def test_migrations_that_are_missing_or_of_a_newer_version(collected: Path) -> None:
    MigrationRecorder.Migration.objects.create(app="users", name="9999_of_a_newer_version")
    assert outcome(examined(), "Migrations", "newer version") == "warning"
    MigrationRecorder.Migration.objects.filter(app="users").order_by("-id")[1].delete()
    checks = examined()
    assert outcome(checks, "Migrations", "manage.py migrate") == "failed"
    assert outcome(checks, "Administrator") == outcome(checks, "Stored secrets") == "skipped"


@pytest.mark.parametrize("url", ["sqlite:////nonexistent/gatehouse.sqlite3", "postgres://x:hunter2@127.0.0.1:1/x"])
def test_a_database_that_cannot_be_reached(url: str) -> None:
    ran = in_shell("doctor", "--offline", "--json", DATABASE_URL=url)
    checks = {check["name"]: check for check in ran.json["checks"]}
    assert outcome(checks, "Database", "DATABASE_URL") == "failed"
    assert outcome(checks, "Migrations") == outcome(checks, "Housekeeping") == "skipped"
    assert outcome(checks, "Mail") == "warning" and "hunter2" not in ran.out


def test_the_cache(collected: Path, settings: LazySettings) -> None:
    assert outcome(examined(), "Cache") == "passed"
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0"}}
    assert outcome(examined(), "Cache", "CACHE_URL") == "failed"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert outcome(examined(), "Cache", "does not keep") == "failed"


def test_mail_that_goes_nowhere_is_a_warning(collected: Path) -> None:
    assert outcome(examined(), "Mail", "Set EMAIL_URL") == "warning"


def use(settings: LazySettings, port: int, user: str = "") -> None:
    """Let mail go to a server on this machine."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = user, user and "the-password"
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False


def test_a_mail_server_is_tried_without_a_mail(collected: Path, settings: LazySettings) -> None:
    with mail_server() as server:
        use(settings, server.server_address[1], "gatehouse")
        assert outcome(examined(), "Mail", "as gatehouse") == "passed"
        assert server.commands == ["EHLO", "AUTH", "NOOP", "QUIT"] and server.mails == []
        assert outcome(examined("--mail-to", "ops@contoso.example"), "Test mail", "only its reader") == "passed"
        (mail,) = server.mails
        assert "To: ops@contoso.example" in mail and "manage.py doctor" in mail
    assert outcome(examined(), "Mail", "Connection refused") == "failed"


def test_a_mail_server_that_refuses_the_password(collected: Path, settings: LazySettings) -> None:
    with mail_server(takes_password=False) as server:
        use(settings, server.server_address[1], "gatehouse")
        ran = run("doctor", "--offline", "--json", "--mail-to", "ops@contoso.example")
        checks = {check["name"]: check for check in ran.json["checks"]}
    assert outcome(checks, "Mail", "answered 535") == "failed" and "the-password" not in ran.out
    assert outcome(checks, "Test mail") == "skipped" and server.mails == []


def test_nobody_who_can_administer(collected: Path) -> None:
    assert outcome(examined(), "Administrator", "setup-link") == "failed"


def test_somebody_who_can(collected: Path, administrator: User) -> None:
    assert outcome(examined(), "Administrator", "1 administrators are active") == "passed"


def test_whether_the_house_is_kept(collected: Path, draft: IdentityProvider) -> None:
    assert outcome(examined(), "Housekeeping", "never run") == "warning"
    assert run("housekeeping").status == 0
    assert outcome(examined(), "Housekeeping", "every task ended well") == "passed"
    HousekeepingTask.objects.filter(name="expiry mails").update(code="users.mail_not_sent")
    assert outcome(examined(), "Housekeeping", "expiry mails (users.mail_not_sent)") == "failed"
    HousekeepingTask.objects.update(ran_at=timezone.now() - timedelta(hours=3))
    assert outcome(examined(), "Housekeeping", "3 hours ago") == "failed"


def test_providers_are_asked_and_left_as_they_are(
    collected: Path, provider: IdentityProvider, tenant: PracticeTenant
) -> None:
    fields = [field.attname for field in IdentityProvider._meta.concrete_fields if "secret" not in field.attname]
    before = IdentityProvider.objects.values(*fields).get()
    checks = examined("--url", "http://127.0.0.1:1", without_network=False)
    assert outcome(checks, "Provider Contoso Entra", "steps of the connection test passed") == "passed"
    assert outcome(checks, "Address: answer", "--url asks another") == "failed"
    tenant.server.stop()  # type: ignore[attr-defined]
    checks = examined("--url", "http://127.0.0.1:1", without_network=False)
    assert outcome(checks, "Provider Contoso Entra", "No connection to 127.0.0.1") == "failed"
    assert IdentityProvider.objects.values(*fields).get() == before


def test_a_draft_that_does_not_work_can_wait(collected: Path, draft: IdentityProvider, tenant: PracticeTenant) -> None:
    tenant.server.stop()  # type: ignore[attr-defined]
    checks = examined("--url", "http://127.0.0.1:1", without_network=False)
    assert outcome(checks, "Provider Contoso Entra") == "warning"


@pytest.mark.parametrize("path", ["/healthz/seen"])
def test_who_does_not_hold_the_keys_finds_nothing_there(path: str, browser_client: Browser) -> None:
    assert browser_client.get(path).status_code == 404
    assert browser_client.get(path, headers={"X-Gatehouse-Doctor": "made-up:token:of-mine"}).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [("--url", "gatehouse.example"), ("--url", "ftp://x"), ("--url", "http://x/y"), ("--url", "http://x:99999")],
)
def test_what_is_no_address_is_refused(wrong: tuple[str, str]) -> None:
    ran = run("doctor", *wrong)
    assert ran.status == 2 and "is not an address" in ran.err
    assert run("doctor", "--mail-to", "nobody").status == 2
