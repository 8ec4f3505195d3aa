"""Lines of `company_email,object_id` and the like: read with their numbers, and done as a whole or not at all."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from idp.link_errors import LinkFileEmpty, LinkFileRefused, LinkFileTooLong, Problem
from users import names
from users.errors import CompanyEmailInvalid
from users.models import User

T = TypeVar("T")
MAX_LINES = 500_000
CHUNK = 10_000
SHOWN = 20


@dataclass(frozen=True)
class Line:
    """One line of two values."""

    number: int
    first: str
    second: str


@dataclass
class Lines:
    """All lines of a file, and what was found wrong with them so far."""

    header: tuple[str, str] | None = None
    lines: list[Line] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, line: int, text: str) -> None:
        """Note what is wrong with a line."""
        self.problems.append(Problem(line, text))

    def raise_problems(self) -> None:
        """Raise LinkFileRefused with all problems in the order of the lines, if there are any."""
        if not self.problems:
            return
        problems = sorted(self.problems, key=lambda problem: problem.line)
        count, shown = len({problem.line for problem in problems}), [str(problem) for problem in problems[:SHOWN]]
        total = len(self.lines) + len({p.line for p in problems} - {line.number for line in self.lines})
        error = LinkFileRefused(count=count, lines=total, problems=shown)
        error.problems = problems
        raise error


def read_lines(text: str, *, headers: Sequence[tuple[str, str]]) -> Lines:
    """Read lines of two values, separated by comma, semicolon or tab. Blank lines and `#` comments are skipped.

    Args:
        headers: the first lines that name the columns; another first line is data.

    Raises:
        LinkFileEmpty, LinkFileTooLong.
    """
    found = Lines()
    rows = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=_delimiter(text), skipinitialspace=True)
    for number, cells in _numbered(rows, found):
        values = [cell.strip() for cell in cells]
        if not any(values) or values[0].startswith("#"):
            continue
        if not found.lines and found.header is None and tuple(value.lower() for value in values) in headers:
            found.header = (values[0].lower(), values[1].lower())
        elif len(values) != 2 or not all(values) or not all(value.isprintable() for value in values):
            found.refuse(number, "two values are needed, separated by a comma")
        else:
            found.lines.append(Line(number, *values))
        if len(found.lines) > MAX_LINES:
            raise LinkFileTooLong(limit=MAX_LINES)
    if not found.lines and not found.problems:
        raise LinkFileEmpty()
    return found


def _numbered(rows: Any, found: Lines) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its line; what is no CSV ends the file with a problem."""
    try:
        for cells in rows:
            yield rows.line_num, cells
    except csv.Error as error:
        found.refuse(rows.line_num, f"this cannot be read as CSV ({error})")


def _delimiter(text: str) -> str:
    """Return what separates the first line's values: spreadsheets write semicolons in some countries."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return max(",;\t", key=first.count)


def refuse_repeated(found: Lines, of: Callable[[Line], str], what: str) -> None:
    """Note each line that has the same value as an earlier one."""
    seen: dict[str, int] = {}
    for line in found.lines:
        first = seen.setdefault(of(line), line.number)
        if first != line.number:
            found.refuse(line.number, f"{what} stands in line {first} already")


class Person(NamedTuple):
    """What is needed of a person to link her and to name her: whole objects would cost most of the time."""

    pk: UUID
    company_email: str
    display_name: str
    given_name: str
    family_name: str
    admin_role: str | None

    @property
    def label(self) -> str:
        """The name to show."""
        return names.label_of(
            display_name=self.display_name,
            given_name=self.given_name,
            family_name=self.family_name,
            company_email=self.company_email,
        )


def people_by_email(found: Lines) -> dict[int, Person]:
    """Return the person of each line whose first value is a company email, and note where there is none."""
    emails: dict[int, str] = {}
    for line in found.lines:
        try:
            emails[line.number] = names.normalise_email(line.first)
        except CompanyEmailInvalid:
            found.refuse(line.number, f"{line.first[:100]} is not a company email")
    rows = User.objects.values_list(*Person._fields)
    everybody = map(Person._make, find_in(rows, "company_email", emails.values()))
    people = {person.company_email: person for person in everybody}
    for number, email in emails.items():
        if email not in people:
            found.refuse(number, f"nobody has the company email {email}")
        elif people[email].admin_role is not None:
            found.refuse(number, f"{email} is an administrator, who never signs in through a provider")
    return {number: people[email] for number, email in emails.items() if email in people}


def find_in(rows: "QuerySet[Any, Any]", column: str, values: Iterable[object]) -> Iterator[Any]:
    """Yield the rows whose column has one of many values, in as many statements as the database needs."""
    for chunk in chunks(values):
        yield from rows.filter(**{f"{column}__in": chunk}).iterator(chunk_size=CHUNK)


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield the values in lists that fit into one statement."""
    # SQLite takes 999 parameters in a statement; some more than the values are in it.
    size = min(CHUNK, (connection.features.max_query_params or 2 * CHUNK) - 100)
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk
