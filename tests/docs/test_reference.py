"""docs/reference says what the code says."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from portal.audit_words import ACTION_WORDS
from portal.reference import PAGES
from portal.reference.markdown import WIDTH, plain
from tests.commands.running import run
from tests.docs.reading import ROOT
from tests.test_environment_example import lines_of_example
from tests.test_error_catalogue import RAISED

REFERENCE = ROOT / "docs" / "reference"


def names_in(page: str, form: str) -> list[str]:
    return re.findall(form, (REFERENCE / page).read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "run `make reference`, and commit what it changes"


def test_the_command_writes_these_pages(tmp_path: Path) -> None:
    assert run("reference", str(tmp_path / "new")).status == 0
    written = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert written == {path.name: path.read_text() for path in REFERENCE.iterdir()}


def test_every_setting_command_code_and_action_is_there() -> None:
    assert names_in("settings.md", r"^## ([A-Z_]+)$") == lines_of_example()
    # The code that makes it takes the class from a parameter, so the catalogue of the tests does not see it raised.
    codes = {error.code for error in RAISED} | {"users.mail_not_sent"}
    assert names_in("errors.md", r"^### `(.+)`$") == sorted(codes)
    assert set(names_in("audit-actions.md", r"^- `([a-z_.]+)`:")) >= set(ACTION_WORDS)
    replaced = {"changepassword", "createsuperuser"}
    ours = {name for name, app in get_commands().items() if app in {"users", "idp", "portal"}} - replaced
    headings = names_in("commands.md", r"^## ([a-z]+)$")
    assert headings == sorted(ours)
    assert names_in("commands.md", r"^### (users [a-z-]+)$").count("users add") == 1


@pytest.mark.parametrize("name", PAGES)
def test_lines_are_short_and_say_nothing_of_this_machine(name: str) -> None:
    text = (REFERENCE / name).read_text()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert str(ROOT) not in text and "SUPPRESS" not in text and "object at" not in text


def test_text_of_the_code_stays_text() -> None:
    assert plain("a <b> | *c* `d_*` e_f _g_") == r"a \<b\> \| \*c\* `d_*` e_f \_g\_"
