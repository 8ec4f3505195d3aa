"""Cells of CSV files that a spreadsheet would run as a formula, made plain text, and back again."""

import csv
import io
import re
from collections.abc import Iterable

# What spreadsheets take for the beginning of a formula, which may run a program or send the sheet elsewhere (OWASP,
# "CSV Injection"): also the wide forms, and what some of them skip first.
SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
SKIPPED = "\t\r\n"
QUOTE = "'"
# A cell begins with the value, and wherever else a spreadsheet that is set to another separator begins one: that does
# not even mind our quotation marks, because to it they stand in the middle of a cell; those of the value it takes off.
_BEGINS = rf"(?:^(?={QUOTE}*[{SIGNS}{SKIPPED}])|(?<=[;{SKIPPED}])(?=[{QUOTE}\"]*[{SIGNS}]))"
_FORMULA = re.compile(_BEGINS)
_MARKED = re.compile(_BEGINS + QUOTE)
# Tell quickly that there is nothing to do, as in nearly every cell.
_BEGINS_BADLY = re.compile(rf"[{QUOTE}{SIGNS}{SKIPPED}]")
_GOES_ON_BADLY = re.compile(rf"[;{SKIPPED}][{QUOTE}\"]*[{SIGNS}]")


def neutralise(cell: object) -> str:
    """Return the text of a cell that spreadsheets show and do not run: with a quote before what would be a formula.

    None is an empty cell. One more quote goes before quotes that stand there already, so that `restore` can always
    tell which were added.
    """
    text = "" if cell is None else str(cell)
    if _BEGINS_BADLY.match(text) or _GOES_ON_BADLY.search(text):
        return _FORMULA.sub(QUOTE, text)
    return text


def restore(cell: str) -> str:
    """Take off the quotes that `neutralise` put into a cell; any other cell stays as it is."""
    return _MARKED.sub("", cell) if QUOTE in cell else cell


def safe_line(cells: Iterable[object]) -> str:
    """Return a line of a CSV file. Every value stands in quotation marks, so that no other separator divides it."""
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL).writerow([neutralise(cell) for cell in cells])
    return target.getvalue()
