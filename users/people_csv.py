"""Files of people: their columns, and reading one into rows with the numbers of their lines."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from users.csv_safety import restore
from users.errors import DirectoryError
from users.import_errors import (
    ImportColumnMissing,
    ImportColumnTwice,
    ImportEncodingWrong,
    ImportFileEmpty,
    ImportFileTooLarge,
    ImportIsSpreadsheet,
    ImportNotCsv,
    ImportTooManyRows,
    RowNotPlain,
    RowRepeats,
    RowWidthWrong,
)
from users.names import is_guid

MAX_BYTES = 32 * 1024 * 1024
MAX_ROWS = 200_000
UNIQUE = ("company_email", "user_name", "external_id")
# Each column with what other systems call it. Case, blanks, dots, dashes and underscores do not count.
COLUMNS = {
    "company_email": ("Email", "Email address", "Mail", "Work email", "UPN", "User principal name"),
    "user_name": ("User", "Login", "Login name", "SAM account name"),
    "display_name": ("Name", "Full name"),
    "given_name": ("First name", "Forename"),
    "family_name": ("Last name", "Surname"),
    "title": ("Job title", "Position"),
    "department": ("Dept",),
    "phone_number": ("Phone", "Telephone", "Telephone number"),
    "state": ("Status",),
    "external_id": ("Object ID",),
    "groups": ("Group", "User groups", "Member of"),
}
GROUP_SEPARATOR = "|"
# How the files of spreadsheets begin, of the present kind and of the one before 2007.
_SPREADSHEETS = {
    b"PK\x03\x04": "an Excel or LibreOffice workbook, or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
# A line before the header by which a file tells Excel what separates its columns.
_SAYS_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?[ ]*(?:\r\n|\r|\n)', re.IGNORECASE)
_NOT_COUNTED = re.compile(r"[\s._-]+")


def _plain(heading: str) -> str:
    return _NOT_COUNTED.sub("", heading).casefold()


_MEANINGS = {_plain(name): column for column, others in COLUMNS.items() for name in (column, *others)}


@dataclass(frozen=True)
class Row:
    """One row of a file: the number of its first line, and the cells of the columns that the file has."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Problem:
    """What is wrong with one row.

    Attributes:
        label: the company email as it stands in the row, shortened.
    """

    line: int
    label: str
    error: DirectoryError


@dataclass
class PeopleFile:
    """A file that was read.

    Attributes:
        columns: the columns that it has, in its order.
        unknown: headings that mean nothing here.
        headings: what the file calls each column.
        rows: those that can be looked at further. First those with a user name, so that no name that Gatehouse
            proposes for another row takes one of theirs.
        problems: of the other rows.
    """

    columns: tuple[str, ...]
    unknown: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    headings: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows the file has."""
        return len(self.rows) + len(self.problems)


def read_file(content: bytes) -> PeopleFile:
    """Read a file of people.

    Raises:
        ImportFileTooLarge, ImportTooManyRows, ImportFileEmpty, ImportIsSpreadsheet, ImportEncodingWrong, ImportNotCsv,
        ImportColumnMissing, ImportColumnTwice: the file is refused as a whole.
    """
    if len(content) > MAX_BYTES:
        raise ImportFileTooLarge(megabytes=MAX_BYTES // 1024 // 1024)
    text = _decode(content)
    said = _SAYS_SEPARATOR.match(text)
    records = _records(text, said[1], after=said[0]) if said else _records(text, _delimiter(text))
    first = next(records, None)
    if first is None:
        raise ImportFileEmpty()
    meanings, unknown = _columns(first[1])
    headings = {column: _shown(first[1][position]) for position, column in meanings.items()}
    found = PeopleFile(tuple(meanings.values()), tuple(unknown), headings=headings)
    _take_rows(found, records, meanings, width=len(first[1]))
    if not found.count:
        raise ImportFileEmpty()
    return found


def _decode(content: bytes) -> str:
    for beginning, what in _SPREADSHEETS.items():
        if content.startswith(beginning):
            raise ImportIsSpreadsheet(found=what)
    if _is_utf_16(content):
        raise ImportEncodingWrong(found="it is UTF-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ImportEncodingWrong(found=f"line {line} holds the byte {content[error.start]:02X}") from error


def _is_utf_16(content: bytes) -> bool:
    """Return whether there is the mark of UTF-16, or, as in plain text without one, nearly every second byte is 0."""
    head = content[:200]
    halves = head[::2].count(0), head[1::2].count(0)
    return content.startswith((b"\xff\xfe", b"\xfe\xff")) or max(halves) * 4 > len(head) > 3


def _delimiter(text: str) -> str:
    """Return what separates the columns of the first row: spreadsheets write semicolons in some countries."""
    first = next((line for line in text[:100_000].splitlines() if line.strip()), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    return max(",;\t", key=unquoted.count)


def _records(text: str, delimiter: str, *, after: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty with the number of its first line.

    Args:
        after: a first line that is no row.
    """
    reader = csv.reader(io.StringIO(text[len(after) :], newline=""), delimiter=delimiter, strict=True)
    skipped = 1 if after else 0
    line = 1 + skipped
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1 + skipped
    except csv.Error as error:
        raise ImportNotCsv(line=line, reason=str(error)) from error


def _columns(header: list[str]) -> tuple[dict[int, str], list[str]]:
    """Return which column each position holds, and the headings that are unknown."""
    meanings: dict[int, str] = {}
    unknown = []
    for position, heading in enumerate(header):
        column = _MEANINGS.get(_plain(heading))
        if column in meanings.values():
            earlier = next(at for at, name in meanings.items() if name == column)
            raise ImportColumnTwice(first=_shown(header[earlier]), second=_shown(heading), column=column)
        if column is not None:
            meanings[position] = column
        elif heading.strip():
            unknown.append(_shown(heading))
    if "company_email" not in meanings.values():
        raise ImportColumnMissing(header=_shown(", ".join(header), 200))
    return meanings, unknown


def _shown(text: str, length: int = 60) -> str:
    """Return a text of the file as a page or terminal may show it."""
    plain = "".join(character if character.isprintable() else "?" for character in text.strip())
    return plain if len(plain) <= length else f"{plain[: length - 1]}…"


def _take_rows(
    found: PeopleFile, records: Iterable[tuple[int, list[str]]], meanings: dict[int, str], *, width: int
) -> None:
    """Sort the rows into those to look at further and those that have a problem already."""
    seen: dict[str, dict[str, int]] = {column: {} for column in UNIQUE if column in found.columns}
    at = {column: index for index, column in enumerate(found.columns)}
    unnamed: list[Row] = []
    for line, record in records:
        if found.count + len(unnamed) == MAX_ROWS:
            raise ImportTooManyRows(limit=f"{MAX_ROWS:,}")
        cells = [restore(record[position]).strip() if position < len(record) else "" for position in meanings]
        error = _wrong_width(record, width) or _not_plain(record) or _repeated(cells, line, at, seen)
        if error:
            found.problems.append(Problem(line, _shown(cells[at["company_email"]], 100), error))
        elif "user_name" in at and cells[at["user_name"]]:
            found.rows.append(Row(line, cells))
        else:
            unnamed.append(Row(line, cells))
    found.rows += unnamed


def _wrong_width(record: list[str], width: int) -> DirectoryError | None:
    # Spreadsheets leave empty cells behind the last column of some rows.
    if len(record) < width or any(cell.strip() for cell in record[width:]):
        return RowWidthWrong(found=len(record), expected=width)
    return None


def _not_plain(record: list[str]) -> DirectoryError | None:
    return RowNotPlain() if any("\x00" in cell for cell in record) else None


def _repeated(
    cells: list[str], line: int, at: dict[str, int], seen: dict[str, dict[str, int]]
) -> DirectoryError | None:
    """Return what is wrong where an earlier row has the same company email, user name or external ID."""
    given = {column: cells[at[column]] for column in seen if cells[at[column]]}
    for column, value in given.items():
        earlier = seen[column].get(key_of(column, value))
        if earlier is not None:
            return RowRepeats(field=column, value=_shown(value, 100), line=earlier)
    for column, value in given.items():
        seen[column][key_of(column, value)] = line
    return None


def key_of(column: str, value: str) -> str:
    """Return what makes a value the same as another: capital letters count in external IDs that are no GUIDs."""
    return value if column == "external_id" and not is_guid(value) else value.lower()


def split_groups(cell: str) -> list[str]:
    r"""Return the names of groups in a cell, which are separated by |. A | in a name is written \|, and \ as \\."""
    parts = re.findall(r"(?:\\.|[^|\\]|\\$)+", cell)
    return [name for part in parts if (name := re.sub(r"\\([|\\])", r"\1", part).strip())]


def join_groups(names: Iterable[str]) -> str:
    """Return the names of groups as one cell that `split_groups` reads."""
    return f" {GROUP_SEPARATOR} ".join(re.sub(r"([|\\])", r"\\\1", name) for name in names)


def template() -> str:
    """Return the header of a file with all columns: a row of examples would be imported by somebody one day."""
    return f"{','.join(COLUMNS)}\r\n"
