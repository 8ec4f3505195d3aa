"""The secrets that only operators hold: passphrases and passwords in the settings; and what no canary met."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from portal import limits, sign_in
from portal.backup import age
from tests.browsing import Browser
from tests.canaries import Watch
from tests.redis_server import forget_trouble
from tests.smtp_server import mail_server
from users.cache import breaker
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

HERE = Path(__file__).parent
PASSPHRASE, OTHER = "canary correct horse battery staple", "canary wrong horse battery staple"
MAIL, CACHE, DATABASE = "canary-mail/4711", "canary-cache/4711", "canary-database/4711"


def test_passphrases(watch: Watch, administrator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "WORK_FACTOR", 10)
    file, further = str(tmp_path / "gatehouse.age"), ("--passphrase-stdin", "--replace", "--i-understand-the-impacts")
    watch.ran("backup", file, "--passphrase-stdin", stdin=PASSPHRASE)
    watch.ran("restore", file, *further, stdin=OTHER, status=3)
    watch.secret("wrong passphrase", OTHER, proof=True)
    watch.ran("restore", file, *further, stdin=PASSPHRASE)
    watch.secret("passphrase", PASSPHRASE, proof=User.objects.get() == administrator)
    watch.assert_silent("passphrase", "wrong passphrase")


def test_passwords_in_the_settings(
    watch: Watch, administrator: User, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"redis://gatehouse:{CACHE.replace('/', '%2F')}@127.0.0.1:1/0"
    settings.CACHES = {"default": {"BACKEND": "users.cache.ImpatientRedisCache", "LOCATION": address}}
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", DATABASE)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "gatehouse", MAIL
    with mail_server(takes_password=False) as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        watch.ran("doctor", "--offline", status=1)
        watch.page(Browser().post("/password/reset/", {"email": administrator.company_email}), 200)
    watch.secret("mail password", MAIL, proof="AUTH" in server.commands)

    def quotes(request: Any, **given: Any) -> None:
        raise RuntimeError(f"mail {MAIL} cache {CACHE} at {address} database {DATABASE} cannot be used")

    monkeypatch.setattr(sign_in, "authenticate", quotes)
    watch.page(Browser(raise_request_exception=False).sign_in_as_administrator(administrator), 500)
    watch.secret("cache password", CACHE, proof=not breaker.may_try())
    watch.secret("cache password as it is written", CACHE.replace("/", "%2F"), proof="RuntimeError: " in watch.log.text)
    watch.secret("database password", DATABASE, proof=True)
    forget_trouble()
    watch.assert_silent("mail password", "cache password", "cache password as it is written", "database password")


# --- what no canary went through ---------------------------------------------------------------------------------

# Public pages whose addresses are in no test of canaries, and the words there that go through them.
GONE_THROUGH = {
    "user_portal:sign_in": "browser.begin()",
    "federation_callback": ".come_back(",
    "admin_portal:sign_in": ".sign_in_as_administrator(",
    "admin_portal:break_glass": 'watch.secret("break-glass link"',
    "user_portal:reset_password": 'watch.secret("reset link"',
    "user_portal:accept_invitation": 'watch.secret("invitation"',
}
# Public pages through which no canary goes, each with why.
ROUTES_WITHOUT = {
    "initiate_login": "takes an issuer and a hint for the provider, and no secret",
    "user_portal:second_step": "the administrators' second step reads its codes by the same functions",
    "admin_portal:forgot_password": "the User Portal's reads an email by the same functions",
    "admin_portal:reset_password": "the User Portal's reads link and password by the same functions",
    "admin_portal:accept_invitation": "the User Portal's reads link and password by the same functions",
}
# Options for secrets that no test of canaries uses, each with why.
OPTIONS_WITHOUT = {
    "admins add --password-stdin": "read by the same function as that of `admins set-password`",
    "idp add --client-secret-stdin": "read by the same function as that of `idp set-secret`",
    "users add --password-stdin": "read by the same function as that of `admins set-password`",
    "users set-password --password-stdin": "read by the same function as that of `admins set-password`",
}


def named() -> tuple[set[str], list[tuple[str, ...]]]:
    """Return the names of the pages, and the beginnings of the commands, that stand in the tests of canaries."""
    pages, commands = set(), []
    for path in HERE.glob("test_canaries*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                pages.add(text_of(node))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "ran":
                commands.append(tuple(text_of(argument) for argument in node.args))
    return {name for page in pages if (name := name_at(page))}, commands


def text_of(node: ast.AST) -> str:
    """Return a text of the source, with something in the place of what is put into it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "x"


def name_at(address: str) -> str:
    try:
        return resolve(address).view_name if address.startswith("/") else ""
    except Resolver404:
        return ""


def options_for_secrets(parser: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield each option that reads a secret, behind the words of its command."""
    for action in parser._actions:
        if hasattr(action, "choices") and isinstance(action.choices, dict):
            for word, child in action.choices.items():
                yield from options_for_secrets(child, (*words, word))
        yield from ((*words, option) for option in action.option_strings if option.endswith("-stdin"))


def test_a_canary_goes_through_every_public_form() -> None:
    pages, _ = named()
    source = (HERE / "test_canaries.py").read_text()
    assert [words for words in GONE_THROUGH.values() if words not in source] == []
    assert sorted(limits.RATES.keys() - pages - GONE_THROUGH.keys()) == sorted(ROUTES_WITHOUT)


def test_a_canary_goes_through_every_option_for_a_secret() -> None:
    _, commands = named()
    ours = {name: app for name, app in get_commands().items() if app in {"users", "idp", "portal"}}
    without = set()
    for name, app in ours.items():
        parser = load_command_class(app, name).create_parser("manage.py", name)
        for *words, option in options_for_secrets(parser, (name,)):
            if not any(command[: len(words)] == tuple(words) for command in commands):
                without.add(" ".join((*words, option)))
    assert sorted(without) == sorted(OPTIONS_WITHOUT)
