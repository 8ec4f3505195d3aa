"""`manage.py check --deploy`: each setting that would let somebody in, and the installation where all is well."""

import base64
import secrets
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from tests.commands.running import Ran, in_shell, run
from tests.environment import TEST_ENVIRONMENT
from tests.production import put_in_production

KEY = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
OTHER_KEY = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
# As good as a drawn one, and the same in every process: it is part of a test's name.
MIXED = "kT4wq9Zr2LmXv7Bn1Yd6Hs3Gf8Jp5Ca0Qe-UoRiWxEzNt_DbMyKlVhSgPj"


@pytest.fixture(autouse=True)
def production(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_production(settings, monkeypatch)
    monkeypatch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE")  # of the browser tests
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS = secrets.token_urlsafe(50), [KEY, OTHER_KEY]
    settings.INSECURE_ISSUER_ORIGINS = []


def checked() -> Ran:
    return run("check", "--deploy", "--fail-level", "WARNING")


def test_a_production_installation_is_clean(settings: LazySettings) -> None:
    settings.DRAIN_SECONDS = 40
    ran = checked()
    assert (ran.status, ran.err) == (0, ""), ran.err


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("SECRET_KEY", TEST_ENVIRONMENT["SECRET_KEY"], "portal.E001"),
        ("SECRET_KEY", f"django-insecure-{MIXED}", "portal.E001"),
        ("SECRET_KEY", f"ChangeMe{MIXED}", "portal.E001"),
        ("SECRET_KEY", "Vq3-pL9_xZ", "portal.E002"),
        ("SECRET_KEY", "ab" * 40, "portal.E002"),
        ("SECRET_KEY", "123456789" * 8, "portal.E002"),
        ("ENCRYPTION_KEYS", [KEY, TEST_ENVIRONMENT["ENCRYPTION_KEYS"]], "Key 2 of ENCRYPTION_KEYS was not made"),
        ("ENCRYPTION_KEYS", [base64.urlsafe_b64encode(bytes(32)).decode()], "portal.E004"),
        ("ENCRYPTION_KEYS", [base64.urlsafe_b64encode(b"\xff\xfe" * 16).decode()], "portal.E004"),
        ("ENCRYPTION_KEYS", [], "idp.E001"),
        ("ENCRYPTION_KEYS", [KEY, "not-a-key"], "idp.E002"),
        ("ENCRYPTION_KEYS", [KEY, KEY[:-4]], "idp.E002"),
        ("ENCRYPTION_KEYS", [KEY, OTHER_KEY, KEY], "idp.E005"),
        ("DEBUG", True, "portal.E005"),
        ("ALLOWED_HOSTS", ["*"], "portal.E006"),
        ("ALLOWED_HOSTS", ["gatehouse.example", ".example"], "portal.E006"),
        ("ALLOWED_HOSTS", ["other.example"], "portal.E007"),
        ("ALLOWED_HOSTS", [], "portal.E007"),
        ("PUBLIC_URL", "gatehouse.example", "portal.E008"),
        ("PUBLIC_URL", "ftp://gatehouse.example", "portal.E008"),
        ("PUBLIC_URL", "https://gatehouse.example/portal", "portal.E008"),
        ("PUBLIC_URL", "https://user@gatehouse.example", "portal.E008"),
        ("PUBLIC_URL", "https://gatehouse.example:port", "portal.E008"),
        ("TRUSTED_PROXIES", ["proxy.example"], "portal.E009"),
        ("TRUSTED_PROXIES", ["10.0.0.1/8"], "portal.E009"),
        ("TRUSTED_PROXIES", ["0.0.0.0/0"], "portal.E009"),
        ("TRUSTED_PROXIES", [], "portal.W001"),
        ("DRAIN_SECONDS", 41, "portal.W002"),
        ("IS_HTTPS", False, "idp.E004"),
        ("INSECURE_ISSUER_ORIGINS", ["http://127.0.0.1:9000"], "idp.E003"),
        ("SECURE_HSTS_SECONDS", 0, "security.W004"),
        ("SESSION_COOKIE_SECURE", False, "security.W012"),
        ("CSRF_COOKIE_SECURE", False, "security.W016"),
        ("X_FRAME_OPTIONS", "SAMEORIGIN", "security.W019"),
    ],
)
def test_it_names_what_is_wrong(name: str, value: Any, found: str, settings: LazySettings) -> None:
    setattr(settings, name, value)
    ran = checked()
    assert ran.status == 1 and found in ran.err
    secret_values = [settings.SECRET_KEY, *settings.ENCRYPTION_KEYS]
    assert not [secret for secret in secret_values if len(secret) > 8 and secret in ran.err]


def test_a_hexadecimal_secret_key_is_a_good_one(settings: LazySettings) -> None:
    """As `openssl rand -hex 40` makes it."""
    settings.SECRET_KEY = secrets.token_hex(40)
    assert checked().status == 0


def test_a_secret_key_is_not_an_encryption_key(settings: LazySettings) -> None:
    settings.SECRET_KEY = f"{KEY}{OTHER_KEY}"
    settings.ENCRYPTION_KEYS = [settings.SECRET_KEY]
    assert "portal.E003" in checked().err


@pytest.mark.parametrize(("mode", "is_open"), [(0o644, True), (0o602, True), (0o640, False), (0o600, False)])
def test_the_settings_are_not_for_every_account(
    mode: int, is_open: bool, settings: LazySettings, tmp_path: Path
) -> None:
    file = tmp_path / "environment"
    file.touch()
    file.chmod(mode)
    tmp_path.chmod(0o755)
    settings.ENV_PATH = str(file)
    assert ("portal.E010" in checked().err) == is_open


@pytest.mark.parametrize(("mode", "is_open"), [(0o644, True), (0o640, False)])
def test_an_embedded_database_is_not_for_every_account(mode: int, is_open: bool, tmp_path: Path) -> None:
    file = tmp_path / "gatehouse.sqlite3"
    file.touch()
    file.chmod(mode)
    tmp_path.chmod(0o755)
    ran = in_shell("check", "--deploy", DATABASE_URL=f"sqlite:///{file}")
    assert (f"chmod o-rwx {file}" in ran.err) == is_open


def test_a_file_in_a_closed_folder_is_closed(settings: LazySettings, tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o666)
    tmp_path.chmod(0o700)
    settings.ENV_PATH = str(tmp_path / "file")
    assert checked().status == 0


def test_a_server_says_what_is_wrong_before_it_serves() -> None:
    """The checks that are not for production alone run before every command, `run` among them."""
    ran = in_shell("run", "--bind", "127.0.0.1:1", TRUSTED_PROXIES="proxy.example")
    assert ran.status == 1 and "portal.E009" in ran.err
