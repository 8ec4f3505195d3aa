"""Texts of the code as Markdown: plain words, wrapped, with nothing in them that Markdown would take for its own."""

import re
import textwrap

WIDTH = 120
HEAD = "<!-- Made from the code by `make reference`. Change the code, not this page. -->"
# What stands in backticks stays as it is. A name may have an underscore within: that is no emphasis.
_QUOTED = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\*<>|\[\]])|(?<!\w)(_)|(_)(?!\w)")


def page(title: str, *parts: str) -> str:
    """Return a page: its title, and its parts with an empty line between."""
    return "\n\n".join([f"{HEAD}\n\n# {title}", *(part for part in parts if part)]) + "\n"


def prose(text: str, indent: str = "", first: str | None = None) -> str:
    """Return a text in lines that are not too long.

    Args:
        indent: what stands before each line.
        first: what stands before the first line in its place, such as the dash of a list.
    """
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def item(text: str) -> str:
    """Return an item of a list."""
    return prose(text, indent="  ", first="- ")


def plain(text: str) -> str:
    """Return a text with what Markdown would take for its own escaped, outside of backticks."""
    parts = _QUOTED.split(text)
    return "".join(part if part.startswith("`") else _SPECIAL.sub(r"\\\g<0>", part) for part in parts)


def code(text: str) -> str:
    """Return a text as code."""
    return f"`{text}`"
