"""Reading the READMEs and docs as somebody does who follows a link or types a command."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "deploy/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
_HEADING = re.compile(r"#{1,6} (.+)")
_FENCE = re.compile(r" *(```|~~~)")
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_COMMAND = re.compile(r"manage\.py[ ].+")


@dataclass(frozen=True)
class Line:
    """A line of a page: its number, its text, and whether it is shown as it is."""

    number: int
    text: str
    is_code: bool


def lines(text: str) -> Iterator[Line]:
    """Yield the lines of a page. A line is code within a fence, or indented by four spaces after an empty line."""
    fenced, indented, before = False, False, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if _FENCE.match(line):
            fenced = not fenced
        else:
            indented = line.startswith("    ") and (indented or not before.strip() or before.rstrip().endswith("-->"))
            yield Line(number, line, fenced or indented)
        before = line


def anchor(heading: str) -> str:
    """Return the anchor that a heading gets: its words in lower case, joined by dashes, without other signs."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    """Return the anchors of a page; a second heading of the same name gets a number."""
    found: dict[str, int] = {}
    result = set()
    for line in lines(text):
        match = _HEADING.fullmatch(line.text) if not line.is_code else None
        if match:
            name = anchor(match[1].strip())
            number = found.setdefault(name, 0)
            found[name] += 1
            result.add(f"{name}-{number}" if number else name)
    return result


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield the targets of the links of a page, with their lines."""
    for line in lines(text):
        if not line.is_code:
            yield from ((line.number, target) for target in _LINK.findall(re.sub(r"`[^`]*`", "", line.text)))


def shell_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield what a page shows for typing, with lines that go on joined."""
    joined, first = "", 0
    for line in lines(text):
        if not line.is_code:
            continue
        first = first if joined else line.number
        joined += line.text.strip()
        if joined.endswith("\\"):
            joined = joined[:-1]
            continue
        yield first, joined
        joined = ""


def quoted_commands(text: str) -> Iterator[tuple[int, str]]:
    """Yield the commands that are named within sentences, in backticks, also where these go over a line's end."""
    sentences = "\n".join("" if line.is_code else line.text for line in lines(text))
    for match in re.finditer(r"`([^`]+)`", sentences):
        words = " ".join(match[1].split())
        if _COMMAND.search(words):
            yield sentences[: match.start()].count("\n") + 1, words
