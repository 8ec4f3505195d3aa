"""Emails as people paste them: a column of a sheet, an address line of a mail, a list with commas."""

import re

from users.errors import CompanyEmailInvalid
from users.names import normalise_email

# `Ada Lovelace <ada@example.com>`: the address is what stands in the brackets.
_IN_BRACKETS = re.compile(r"<([^<>\n]*)>")
_QUOTED = re.compile(r'"[^"\n]*"')
_SHOWN = 254


def emails_in(text: str) -> tuple[list[str], list[str]]:
    """Return the company emails that a text names, in normal form, and what is none, both in order and once each.

    Emails stand on lines of their own or between commas, semicolons or white space, plain or behind a name in the form
    "Name <email>". Names are passed over, where an email stands beside them.
    """
    emails: dict[str, None] = {}
    wrong: dict[str, None] = {}
    for piece in (piece for line in text.splitlines() for piece in line.split(";")):
        for entry in _entries(piece):
            try:
                emails[normalise_email(entry)] = None
            except CompanyEmailInvalid:
                wrong[entry[:_SHOWN]] = None
    return list(emails), list(wrong)


def _entries(piece: str) -> list[str]:
    """Return what a piece without semicolons names: its addresses, or all of it where there is none."""
    found = [address.strip().removeprefix("mailto:") for address in _IN_BRACKETS.findall(piece)]
    rest = _IN_BRACKETS.sub(" , ", _QUOTED.sub(_quoted, piece))
    words = [word.strip("'\"()").removeprefix("mailto:") for word in re.split(r"[\s,]+", rest)]
    addresses = [*(address for address in found if address), *(word for word in words if "@" in word)]
    whole = piece.strip(" \t,")
    return addresses or ([whole] if whole else [])


def _quoted(match: re.Match[str]) -> str:
    """Leave out a quoted name, which may hold commas, and keep an email that a sheet put into quotes."""
    inner = match[0].strip('"')
    return inner if "@" in inner else " "
