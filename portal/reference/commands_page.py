"""docs/reference/commands.md: every command of ours, from its parser.

From the actions of the parsers, not from their `--help`: argparse words and wraps that in another way in each version.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, DjangoHelpFormatter

from portal.reference.markdown import code, item, page, plain, prose
from users.management.base import ReplacedCommand

OURS = ("users", "idp", "portal")
# Every command of Django has them; `manage.py COMMAND --help` explains them.
COMMON = DjangoHelpFormatter.show_last
INTRODUCTION = (
    "`.venv/bin/python manage.py COMMAND`, in the directory of the installation and with its settings. `--help` says "
    "the same as this page. `--json` prints one JSON value on standard output; errors go to standard error, with "
    "`--json` as JSON too. Secrets come from standard input, never as arguments."
)
STATUSES = {
    0: "done",
    1: "failed in a way that has no status of its own; the last line says why",
    2: "bad input, or a wrong call",
    3: "refused: a rule stands in the way, and the message names it",
    4: "what was named is not there",
    5: "an identity provider or a mail server failed",
    130: "given up with Ctrl-C (143: with SIGTERM)",
}
DJANGOS = (
    "Of Django's own commands operators need `check --deploy` (what is wrong with the settings), `collectstatic` "
    "(which `run` does by itself) and `showmigrations`, and of django-axes `axes_reset_ip ADDRESS` (forgets the failed "
    "sign-ins of an address). `createsuperuser` and `changepassword` only name the commands that take their place."
)


@dataclass(frozen=True)
class Call:
    """One way to call: `users add`, with the arguments that it takes."""

    name: str
    help: str
    actions: tuple[argparse.Action, ...]


def commands_page() -> str:
    """Return the page."""
    statuses = "\n".join(item(f"{code(str(number))}: {words}") for number, words in STATUSES.items())
    parts = [prose(INTRODUCTION), f"## Exit statuses\n\n{statuses}"]
    for name, app in sorted(get_commands().items()):
        command = load_command_class(app, name) if app in OURS else None
        if isinstance(command, BaseCommand) and not isinstance(command, ReplacedCommand):
            parts += _command(name, command)
    return page("Commands", *parts, f"## Django's own\n\n{prose(DJANGOS)}")


def _command(name: str, command: BaseCommand) -> Iterator[str]:
    """Yield the heading of a command, and each call that it takes."""
    parser = command.create_parser("manage.py", name)
    yield f"## {name}\n\n{prose(plain(command.help))}"
    for call in _calls(parser, name):
        if call.name != name:
            yield f"### {call.name}\n\n{prose(plain(call.help))}"
        yield f"```\n{_synopsis(call)}\n```"
        arguments = [action for action in call.actions if action.dest != "as_json"]
        if arguments:
            yield "\n".join(_argument(action) for action in arguments)


def _calls(parser: argparse.ArgumentParser, name: str) -> Iterator[Call]:
    """Yield a call for each subcommand, or one where there are none."""
    actions = [action for action in parser._actions if not COMMON & set(action.option_strings)]
    own = tuple(action for action in actions if action.dest != "help")
    below = next((action for action in own if isinstance(action, argparse._SubParsersAction)), None)
    if below is None:
        yield Call(name, parser.description or "", own)
        return
    for word, subparser in below.choices.items():
        yield from _calls(subparser, f"{name} {word}")


def _synopsis(call: Call) -> str:
    """Return a call as it is typed: what may be left out in brackets, wrapped."""
    words = [f"manage.py {call.name}"]
    # Arguments by place first, and what every command takes last.
    for action in sorted(call.actions, key=lambda action: (bool(action.option_strings), action.dest == "as_json")):
        word = _form(action)
        words.append(word if action.required and action.nargs != "*" else f"[{word}]")
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) < 110:
            lines[-1] += f" {word}"
        else:
            lines.append(f"    {word}")
    return "\n".join(lines)


def _form(action: argparse.Action) -> str:
    """Return an argument as it is typed: `--limit LIMIT`, `EMAIL ...`."""
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper().replace("_", "-")
    value = {0: "", "?": f"[{metavar}]", "*": f"{metavar} ..."}.get(action.nargs, metavar)
    if not action.option_strings:
        return metavar if action.nargs == "?" else value
    return f"{action.option_strings[-1]} {value}".rstrip()


def _argument(action: argparse.Action) -> str:
    """Return an item that says what an argument is, and what it may be."""
    said = plain(" ".join((action.help or "").split()))
    choices = [str(getattr(choice, "value", choice)) for choice in action.choices or ()]
    if choices and not all(choice in said for choice in choices):
        said += f": {', '.join(map(code, choices))}"
    return item(f"{code(_form(action))}: {said}")
