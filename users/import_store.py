"""What is kept of an import between its steps: rows in chunks, what was found of each, and problems."""

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from users.bulk import insert_like
from users.errors import DirectoryError
from users.import_models import ROWS_IN_CHUNK
from users.import_rows import slices
from users.models import PeopleImport, PeopleImportChunk, PeopleImportProblem
from users.people_csv import PeopleFile, Problem, Row


def keep_file(people_import: PeopleImport, file: PeopleFile) -> None:
    """Store an import with its rows and the problems that are known already."""
    chunks = list(slices(file.rows, ROWS_IN_CHUNK))
    people_import.columns, people_import.unknown = list(file.columns), list(file.unknown)
    people_import.rows, people_import.read = file.count, len(file.rows)
    people_import.chunks, people_import.problems = len(chunks), len(file.problems)
    people_import.save(force_insert=True)
    PeopleImportChunk.objects.bulk_create(
        (
            PeopleImportChunk(
                people_import=people_import, number=number, rows=_pack([[row.line, row.cells] for row in rows])
            )
            for number, rows in enumerate(chunks)
        ),
        batch_size=20,
    )
    add_problems(people_import, file.problems, of_file=True)


def load_rows(chunk: PeopleImportChunk) -> list[Row]:
    """Return the rows of a chunk."""
    return [Row(line, cells) for line, cells in _unpack(chunk.rows)]


def load_marks(chunk: PeopleImportChunk) -> list[str]:
    """Return what the check found of each row of a chunk."""
    marks: list[str] = _unpack(chunk.marks)
    return marks


def pack_marks(marks: Sequence[str]) -> bytes:
    """Return what `load_marks` reads."""
    return _pack(list(marks))


def pack_undo(facts: dict[str, Any]) -> bytes:
    """Return what `load_undo` reads."""
    return _pack(facts)


def load_undo(chunk: PeopleImportChunk) -> dict[str, Any]:
    """Return what it takes to undo a chunk."""
    facts: dict[str, Any] = _unpack(chunk.undo)
    return facts


def add_problems(people_import: PeopleImport, problems: Iterable[Problem], *, of_file: bool = False) -> int:
    """Store problems, and return how many there were."""
    template = PeopleImportProblem(people_import=people_import, of_file=of_file)
    rows = (
        (problem.line, problem.label[:120], problem.error.field, problem.error.code, words_of(problem.error))
        for problem in problems
    )
    return insert_like(template, ("line", "label", "field", "code", "reason"), rows)


def words_of(error: DirectoryError) -> str:
    """Return the cause and the cure of a problem in one text."""
    return f"{error.message} {error.hint}".replace("\x00", "")[:500]


def problems_of(people_import: PeopleImport) -> QuerySet[PeopleImportProblem]:
    """Return the problems of an import in the order of its lines."""
    return PeopleImportProblem.objects.filter(people_import=people_import).order_by("line", "id")


def _pack(value: object) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":"), default=str).encode(), 1)


def _unpack(data: bytes | memoryview) -> Any:
    return json.loads(zlib.decompress(bytes(data)))
