"""One version, and who is told of it."""

import subprocess
import sys
import tomllib

import django
import pytest

from portal import __version__
from tests.browsing import Browser
from tests.commands.running import ROOT, run
from tests.commands.starting import bare_environment
from tests.factories import PASSWORD, make_person

VERSION = f"Gatehouse {__version__}"


def test_the_project_and_the_code_agree() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_manage_py_prints_it_also_without_settings(asked: str) -> None:
    environment = bare_environment(ENV_FILE="/nonexistent")
    said = subprocess.run(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, "manage.py", asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout == f"{VERSION} (Django {django.get_version()})\n"


def test_a_command_prints_it() -> None:
    assert run("users", "--version").out.strip() == VERSION


def test_who_is_signed_in_reads_it_at_the_foot_of_the_page(admin_browser: Browser, db: None) -> None:
    browser = Browser()
    browser.sign_in_with_password(make_person(password=PASSWORD))
    for page in (admin_browser.get("/admin/"), browser.get("/"), browser.get("/security/")):
        assert f"<span>{VERSION}</span>" in page.content.decode()


@pytest.mark.parametrize("path", ["/login/", "/admin/login/", "/nothing-here/", "/healthz", "/readyz", "/signed-out/"])
def test_nobody_else_is_told(path: str, browser_client: Browser) -> None:
    answer = browser_client.get(path)
    said = answer.content.decode() + str(answer.headers)
    assert __version__ not in said
