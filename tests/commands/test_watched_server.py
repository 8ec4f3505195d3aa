"""The production server as an operator watches it: its log, its metrics, and no secret in either."""

import http.cookiejar
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, build_opener

import pytest
from django.conf import LazySettings

from idp.models import IdentityProvider
from tests.canaries import holds
from tests.commands.running import database_url
from tests.commands.serving import served
from tests.commands.starting import copy_project, ended, free_port
from tests.entra_tenant import PracticeTenant
from tests.environment import TEST_ENVIRONMENT
from tests.factories import OPERATOR
from users.administrators import add_administrator
from users.models import AdminRole, User

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "canary-right-umbrella-4711"
ROOT_EMAIL = "root@contoso.example"
WRONG = "canary-wrong-umbrella-4711"


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


class Visitor:
    """A browser over real HTTP."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.cookies = http.cookiejar.CookieJar()
        self._opener: OpenerDirector = build_opener(_Stay, HTTPCookieProcessor(self.cookies))

    def ask(self, address: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Return status, Location and text."""
        address = address if address.startswith("http") else self.base + address
        data = urlencode(form).encode() if form is not None else None
        try:
            with self._opener.open(address, data, timeout=20) as answer:
                return answer.status, "", answer.read().decode()
        except HTTPError as answer:
            return answer.code, answer.headers.get("Location", ""), answer.read().decode()

    def send(self, address: str, **form: str) -> tuple[int, str, str]:
        """Load a page and send its form."""
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.ask(address)[2])[0]
        return self.ask(address, {**form, "csrfmiddlewaretoken": token})


@contextmanager
def serving(folder: Path, tenant: PracticeTenant, form: str) -> Iterator[tuple[str, Path]]:
    """Start the production server on the test's database, and yield its address and its log."""
    (folder / "project").mkdir()
    project, port, log = copy_project(folder / "project"), free_port(), folder / "log"
    base = f"http://127.0.0.1:{port}"
    environment = {"DATABASE_URL": database_url(), "PUBLIC_URL": base, "INSECURE_ISSUER_ORIGINS": tenant.base_url}
    environment |= {"LOG_FORMAT": form, "LOG_LEVEL": "DEBUG", "METRICS_DIR": str(folder / "metrics")}
    assert ended(project, "manage.py", "collectstatic", "--noinput", **TEST_ENVIRONMENT).returncode == 0
    with served(project, port, workers=2, log=log, **{**TEST_ENVIRONMENT, **environment}):
        yield base, log


def sign_in_in_every_way(base: str, tenant: PracticeTenant) -> dict[str, str]:
    """Sign in, well and badly, and return what was secret in it."""
    visitor, local = Visitor(base), Visitor(base)
    _, location, _ = visitor.send("/login/", email="ada@contoso.example")
    asked = parse_qs(urlsplit(location).query)
    _, callback, _ = visitor.ask(location)
    secrets = {name: values[0] for name, values in asked.items() if name in {"state", "nonce"}}
    secrets["code"] = parse_qs(urlsplit(callback).query)["code"][0]
    assert visitor.ask(callback)[0] == 303 and visitor.ask("/")[0] == 200
    assert visitor.ask(callback)[0] == 400
    secrets |= {f"cookie {cookie.name}": str(cookie.value) for cookie in visitor.cookies}
    assert local.send("/admin/login/", email=ROOT_EMAIL, password=WRONG)[0] == 401
    assert local.send("/admin/login/", email=ROOT_EMAIL, password=PASSWORD)[0] == 302
    secrets |= {f"cookie {cookie.name}": str(cookie.value) for cookie in local.cookies}
    assert local.ask("/password/reset/canary-made-up-link/")[0] == 410
    assert local.ask("/nowhere/canary-mistyped-link?code=canary-mistyped-link")[0] == 404
    secrets |= {"link": "canary-made-up-link", "mistyped": "canary-mistyped-link", "password": PASSWORD, "wrong": WRONG}
    secrets["client secret"] = tenant.client_secret
    return secrets


@pytest.mark.parametrize("form", ["json", "plain"])
def test_the_server_tells_everything_but_secrets(
    form: str, provider: IdentityProvider, tenant: PracticeTenant, ada: User, settings: LazySettings, tmp_path: Path
) -> None:
    # The server hashes for real, and so must this.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    add_administrator(
        actor=OPERATOR, company_email=ROOT_EMAIL, role=AdminRole.ADMINISTRATOR_WITH_BILLING, password=PASSWORD
    )
    with serving(tmp_path, tenant, form) as (base, log):
        secrets = sign_in_in_every_way(base, tenant)
        for _ in range(20):
            Visitor(base).ask("/healthz")
        metrics = Visitor(base).ask("/metrics")[2]
    text = log.read_text()
    assert not [name for name, secret in secrets.items() if holds(text + metrics, secret)]
    signed_in = f'gatehouse_sign_ins_total{{code="",outcome="success",provider="{provider.slug}",realm="user"}} 1.0'
    assert signed_in in metrics
    assert int(re.findall(r'route="healthz",status="2xx"} (\d+)', metrics)[0]) > 20
    if form == "json":
        lines = [json.loads(line) for line in text.splitlines()]
        assert {line["logger"] for line in lines} >= {"gatehouse.access", "gatehouse.audit"}
        callback = next(line for line in lines if line.get("route") == "federation_callback")
        assert callback["provider"] == provider.slug and callback["person"] == str(ada.pk)
