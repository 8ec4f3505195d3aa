"""Rows that claim what another row of the same file gives up: one import does not pass it on, and says which row it is.

Whoever checks while it is written that nothing changed since the preview cannot also let names wander from person to
person: what a chunk may claim would depend on the chunks before it, and on the order in which they are undone.
"""

from collections.abc import Iterator

from users.errors import DirectoryError, ExternalIdTaken, UserNameTaken
from users.import_errors import RowClaimsWhatAnotherFrees
from users.import_rows import owners_of, slices
from users.import_store import add_problems, load_rows, problems_of
from users.models import PeopleImport, PeopleImportChunk
from users.people_csv import Problem, Row, key_of

_TAKEN: dict[str, tuple[type[DirectoryError], str]] = {
    "user_name": (UserNameTaken, "user name"),
    "external_id": (ExternalIdTaken, "external ID"),
}


def name_freeing_rows(people_import: PeopleImport) -> None:
    """Say of each claim on what somebody has which row of the file would free it, where one would."""
    for column, (error, words) in _TAKEN.items():
        if column in people_import.columns:
            _name_rows(people_import, column, error, words)


def _name_rows(people_import: PeopleImport, column: str, error: type[DirectoryError], words: str) -> None:
    refused = {row.line: row for row in problems_of(people_import).filter(code=error.code)}
    if not refused:
        return
    at = people_import.columns.index(column)
    claims = {key_of(column, row.cells[at]): row for row in _rows(people_import) if row.line in refused}
    holders = {email: value for value, email in owners_of(column, claims)}
    problems = [
        Problem(claim.line, refused[claim.line].label, _error(column, words, claim.cells[at], freeing))
        for claim, freeing in _freed(people_import, column, claims, holders)
    ]
    for keys in slices(refused[problem.line].pk for problem in problems):
        problems_of(people_import).filter(pk__in=keys).delete()
    add_problems(people_import, problems)


def _freed(
    people_import: PeopleImport, column: str, claims: dict[str, Row], holders: dict[str, str]
) -> Iterator[tuple[Row, int]]:
    """Yield each row that claims what the row of its holder changes, with the line of that one."""
    at, email = people_import.columns.index(column), people_import.columns.index("company_email")
    for row in _rows(people_import):
        held = holders.get(row.cells[email].lower())
        if held is not None and row.cells[at] and key_of(column, row.cells[at]) != held:
            yield claims[held], row.line


def _error(column: str, words: str, value: str, freeing: int) -> DirectoryError:
    return RowClaimsWhatAnotherFrees(field=column, what=words, value=value[:100], line=freeing)


def _rows(people_import: PeopleImport) -> Iterator[Row]:
    for chunk in PeopleImportChunk.objects.filter(people_import=people_import).order_by("number").iterator(10):
        yield from load_rows(chunk)
