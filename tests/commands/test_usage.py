"""What all commands do with a wrong call, and that each of their arguments explains itself."""

import argparse
import json
from collections.abc import Iterator

import pytest
from django.core.management import load_command_class

from tests.commands.running import in_shell, run

COMMANDS = {
    "users": "users",
    "admins": "users",
    "audit": "users",
    "idp": "idp",
    "access": "idp",
    "keys": "idp",
    "housekeeping": "idp",
    "run": "portal",
    "migrate": "users",
    "reference": "portal",
    "backup": "portal",
    "restore": "portal",
}

WRONG = [
    (("users",), "SUBCOMMAND"),
    (("users", "fly"), "choose from"),
    (("users", "list", "--limit", "0"), "from 1 on"),
    (("users", "list", "--limit", "-5"), "from 1 on"),
    (("audit", "list", "--limit", "many"), "from 1 on"),
    (("users", "list", "--state", "dreaming"), "staged"),
    (("users", "show", "a", "--no-such-option"), "unrecognized"),
    (("admins", "add", "a@contoso.example", "--role", "owner"), "read_only"),
    (("admins", "set-role", "a@contoso.example", "owner"), "help_desk"),
    (("idp", "set-secret", "entra", "--expires-on", "31.1.2030"), "YYYY-MM-DD"),
    (("idp", "add", "--name", "Entra"), "--client-id"),
    (("access", "add-policy", "--name", "A", "--action", "deny", "--within", "8 to 9"), "08:00-18:00"),
    (("access", "set-default", "explode"), "require_second_factor"),
    (("backup",), "FILE"),
    (("restore",), "FILE"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=lambda value: " ".join(value) if value else "")
def test_a_wrong_call_says_what_is_right(arguments: tuple[str, ...], said: str) -> None:
    plain, machine = run(*arguments), run(*arguments, "--json")
    assert (plain.status, plain.out, machine.status, machine.out) == (2, "", 2, "")
    assert said in plain.err and plain.err.rstrip().endswith("[usage]")
    assert machine.error["code"] == "usage" and machine.error["message"]


@pytest.mark.django_db(transaction=True)
def test_a_wrong_call_in_a_shell() -> None:
    arguments = ("users", "list", "--limit", "0")
    plain, machine = in_shell(*arguments), in_shell(*arguments, "--json")
    assert (plain.status, plain.out, machine.status, machine.out) == (2, "", 2, "")
    assert plain.err.startswith("usage: ") and plain.err.endswith("[usage]\n")
    assert json.loads(machine.err)["error"]["code"] == "usage"


@pytest.mark.django_db
def test_a_very_large_limit_is_a_limit() -> None:
    assert run("users", "list", "--limit", "9" * 30, "--json").json == []


def arguments_of(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from arguments_of(child)
        else:
            yield action


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_is_explained(name: str) -> None:
    parser = load_command_class(COMMANDS[name], name).create_parser("manage.py", name)
    silent = [action.dest for action in arguments_of(parser) if not action.help]
    assert silent == []
    assert not [action.dest for action in arguments_of(parser) if "always so" in (action.help or "")]
