"""What is kept of an import between its steps: rows in chunks, what was found of each, and problems."""

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from users.bulk import insert_like
from users.errors import DirectoryError
from users.import_rows import Outcome, slices
from users.models import PeopleImport, PeopleImportChunk, PeopleImportProblem
from users.models.imports import ROWS_IN_CHUNK
from users.people_csv import PeopleFile, Problem, Row


def keep_file(people_import: PeopleImport, file: PeopleFile) -> None:
    """Store an import with its rows and the problems that are known already."""
    chunks = list(slices(file.rows, ROWS_IN_CHUNK))
    people_import.columns, people_import.unknown = list(file.columns), list(file.unknown)
    people_import.headings = file.headings
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
    """Return the rows of a chunk that is not checked yet."""
    return [Row(line, cells) for line, cells in _unpack(chunk.rows)]


def keep_findings(chunk: PeopleImportChunk, outcomes: Sequence[Outcome]) -> None:
    """Store what the check found of the rows of a chunk, and those without a problem in normal form."""
    good = [outcome for outcome in outcomes if not outcome.problems]
    findings = [[each.line, each.email, each.values, each.named_groups, each.mark] for each in good]
    PeopleImportChunk.objects.filter(pk=chunk.pk).update(findings=_pack(findings))


def load_findings(chunk: PeopleImportChunk) -> list[tuple[Outcome, str]]:
    """Return the rows of a checked chunk that had no problem, to be looked up again, each with what was found."""
    return [
        (Outcome(line, email, values=values, named_groups=groups), mark)
        for line, email, values, groups, mark in _unpack(chunk.findings)
    ]


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


def problems_after(people_import: PeopleImport, key: str, *, limit: int) -> tuple[list[PeopleImportProblem], str]:
    """Return one page of an import's problems, and the key of the next page, or "".

    Args:
        key: of a page, as an earlier call returned it; anything else is the first page.
    """
    problems = problems_of(people_import)
    line, _, pk = key.partition("-")
    if all(part.isascii() and part.isdigit() and len(part) < 16 for part in (line, pk)):
        problems = problems.filter(Q(line__gt=line) | Q(line=line, pk__gt=pk), line__gte=line)
    rows = list(problems[: limit + 1])
    page = rows[:limit]
    return page, f"{page[-1].line}-{page[-1].pk}" if len(rows) > limit else ""


def _pack(value: object) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":"), default=str).encode(), 1)


def _unpack(data: bytes | memoryview) -> Any:
    return json.loads(zlib.decompress(bytes(data)))
