"""Commands that README and docs show can be typed: the parsers themselves take them."""

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError

from tests.docs.reading import DOCUMENTS, NAMES, ROOT, quoted_commands, shell_lines

# A changelog tells of former versions, too.
PRESENT = [(path, name) for path, name in zip(DOCUMENTS, NAMES, strict=True) if path.name != "CHANGELOG.md"]
# What ends the arguments of a command in a shell.
ENDS = {"|", "||", "&&", ";", ">", ">>", "<", "&", "2>", ")"}
REQUIRED = re.compile(r"the following arguments are required|expected at least|expected one argument")


def called(line: str) -> list[str] | None:
    """Return the arguments that `manage.py` gets in a line of a shell, or None where it is not called."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    words = list(lexer)
    names = [number for number, word in enumerate(words) if word == "manage.py" or word.endswith("/manage.py")]
    if not names:
        return None
    arguments = words[names[0] + 1 :]
    end = next((number for number, word in enumerate(arguments) if word in ENDS), len(arguments))
    return arguments[:end]


def wrong(arguments: list[str]) -> str:
    """Return what the command says of its arguments, "" where it takes them."""
    name, *rest = arguments
    app = get_commands().get(name)
    if app is None:
        return f"there is no command {name}"
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    try:
        command.create_parser("manage.py", name).parse_args(rest)
    except CommandError as error:
        return str(error)
    return ""


def wrong_in_sentence(words: str) -> str:
    """Return what is wrong with a command that a sentence names. It may leave out what the command must have."""
    said = wrong(called(words) or ["nothing"])
    # A subcommand is known before anything is missing.
    return "" if REQUIRED.search(said) else said


@pytest.mark.parametrize(("path", "name"), PRESENT, ids=[name for _, name in PRESENT])
def test_a_command_that_is_shown_can_be_typed(path: Path, name: str) -> None:
    said = {}
    for number, line in shell_lines(path.read_text()):
        # The synopsis of the reference has brackets: a test of its own compares that with the parsers.
        arguments = called(line) if "manage.py " in line and path.parent.name != "reference" else None
        if arguments and (problem := wrong(arguments)):
            said[f"line {number}: {line}"] = problem
    assert said == {}


@pytest.mark.parametrize(("path", "name"), PRESENT, ids=[name for _, name in PRESENT])
def test_a_command_that_a_sentence_names_is_there(path: Path, name: str) -> None:
    said = {}
    for number, words in quoted_commands(path.read_text()):
        if "…" in words or "COMMAND" in words:
            continue
        if problem := wrong_in_sentence(words):
            said[f"line {number}: {words}"] = problem
    assert said == {}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("manage.py users lst", "invalid choice"),
        ("manage.py users list --stat active --no-such", "unrecognized"),
        ("printf %s x | .venv/bin/python manage.py idp add --name A", "--client-id"),
        ("manage.py fly", "there is no command fly"),
        ("manage.py idp set-secret entra --expires-on soon", "YYYY-MM-DD"),
    ],
)
def test_a_wrong_command_is_noticed(line: str, says: str) -> None:
    assert says in wrong(called(line) or [])


def test_what_a_shell_does_is_left_out() -> None:
    line = 'printf %s "$X" | ENV_FILE=a .venv/bin/python manage.py audit list --since 24h >out 2>&1   # a remark'
    assert called(line) == ["audit", "list", "--since", "24h"]
    assert called("*/15 * * * * cd /opt && .venv/bin/python manage.py housekeeping >/dev/null") == ["housekeeping"]
    assert called("make run") is None
    assert wrong_in_sentence("manage.py users import") == "" and wrong_in_sentence("manage.py users imp") != ""
    assert len(list(shell_lines((ROOT / "README.md").read_text()))) > 20
