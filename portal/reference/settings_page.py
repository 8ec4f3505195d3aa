"""docs/reference/settings.md: every setting, from .env.example and portal/settings.py."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from portal.reference.markdown import code, page, plain, prose

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = {"str": "a text", "list": "a list, separated by commas", "bool": "true or false", "int": "a whole number"}
LINE = re.compile(r"(?:# )?([A-Z][A-Z_]+)=(.*)")
INTRODUCTION = (
    "Gatehouse reads its settings from the environment, and from the file `.env` beside `manage.py`, or the one that "
    "`ENV_FILE` names. A variable in the environment wins. Every process, `manage.py` included, must have the same "
    "ones; a change counts once the processes are restarted."
)


@dataclass(frozen=True)
class Read:
    """How the settings read a name: as what, and what it is where it is not set (None where it must be)."""

    kind: str
    default: str | None


def settings_page() -> str:
    """Return the page."""
    read = _read_by_the_settings((ROOT / "portal" / "settings.py").read_text())
    blocks = (ROOT / ".env.example").read_text().strip().split("\n\n")
    parts = [part for block in blocks for part in _settings_of(block, read)]
    return page("Settings", prose(INTRODUCTION), *parts)


def _read_by_the_settings(source: str) -> dict[str, Read]:
    """Return how each name is read: `env.bool("DEBUG", default=False)`; anything else is a text."""
    found: dict[str, Read] = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not re.fullmatch(r"env\.\w+", ast.unparse(node.func)):
            continue
        name = node.args[0] if node.args else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            kind = ast.unparse(node.func).removeprefix("env.")
            default = next((word.value for word in node.keywords if word.arg == "default"), None)
            found[name.value] = Read(KINDS.get(kind, "a text"), None if default is None else _shown(default))
    return found


def _shown(default: ast.expr) -> str:
    """Return a default in words, "" where it is nothing or put together of other settings."""
    if isinstance(default, ast.Constant) and default.value not in ("", None):
        return str(default.value).lower() if isinstance(default.value, bool) else str(default.value)
    return ""


def _settings_of(block: str, read: dict[str, Read]) -> list[str]:
    """Return the heading of each setting of a block of .env.example, with what its comment says."""
    lines = block.split("\n")
    names = [match[1] for line in lines if (match := LINE.fullmatch(line)) and match[1] in read | {"ENV_FILE": None}]
    comment = " ".join(line.removeprefix("#").strip() for line in lines if not LINE.fullmatch(line))
    return [f"## {name}\n\n{prose(plain(comment))}\n\n{prose(_form(read.get(name)))}" for name in names]


def _form(read: Read | None) -> str:
    if read is None:
        return "Form: a path. Read from the environment only."
    if read.default is None:
        return f"Form: {read.kind}. Required: nothing starts without it."
    return f"Form: {read.kind}. " + (f"Without it: {code(read.default)}." if read.default else "May be left out.")
