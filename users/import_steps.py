"""The steps of an import of people: checking a chunk of rows, writing one, writing all, and undoing what was written.

A transaction that writes 100,000 people lasts many seconds. Whoever waits for it sees nothing move meanwhile, and a
proxy may give the request up; SQLite has one writer besides, and whoever signs in would wait. So a large file is
written in short transactions also where it is all or nothing: everything is looked at once more before the first,
each keeps in itself what it takes to undo it, and what was written is undone should a later one find that somebody
changed what a row depends on. The import's row says how far that is, so that it is always brought to its end, after a
crash as well.
"""

from collections.abc import Callable

from django.db import IntegrityError, transaction

from users.audit import Actor, audited, record, record_refusal
from users.bulk import room_for_many
from users.errors import DirectoryError
from users.import_errors import ImportNotFound, ImportPeopleChanged, RowChanged
from users.import_handover import name_freeing_rows
from users.import_rows import NEW, PROBLEM, UNCHANGED, UPDATED, Outcome, look_up, read_rows
from users.import_store import (
    add_problems,
    keep_findings,
    load_findings,
    load_rows,
    load_undo,
    pack_undo,
    problems_of,
)
from users.import_undo import undo, undo_of
from users.import_writes import UserNames, write
from users.locks import lock_name
from users.models import ImportMode, ImportStatus, PeopleImport, PeopleImportChunk
from users.models.imports import ROWS_IN_CHUNK
from users.people_csv import Problem

SAMPLES = 10
# Chunks that are written in one statement where everything is one transaction.
AT_ONCE = 4
# So many rows keep nobody waiting for long; more are written in several transactions.
ROWS_AT_ONCE = 5_000
_COUNTS = {NEW: "added", UPDATED: "updated", UNCHANGED: "unchanged", PROBLEM: "problems"}

Report = Callable[[int], None]


def is_one_transaction(people_import: PeopleImport) -> bool:
    """Return whether the next step of an import writes all of it."""
    small = people_import.read <= ROWS_AT_ONCE
    return people_import.status == ImportStatus.WRITING and people_import.mode == ImportMode.ALL and small


def step(actor: Actor, people_import: PeopleImport, report: Report) -> None:
    """Do the next piece of work, as the import's status says; `_CHUNKWISE` names it."""
    if is_one_transaction(people_import):
        _write_all(actor, people_import, report)
        return
    try:
        with room_for_many():
            _CHUNKWISE[ImportStatus(people_import.status)](actor, people_import)
    except ImportPeopleChanged as error:
        # Looking once more has written nothing yet; what a later transaction finds is undone first.
        _start_again(people_import, error, undoing=people_import.next_chunk > 0)
        record_refusal("users.people.imported", actor=actor, error=error)
        raise


# --- checking --------------------------------------------------------------------------------------------------------


def _check_next(actor: Actor, people_import: PeopleImport) -> None:
    """Find out what the next chunk would do, and note it. Only the noting locks anything."""
    number = people_import.next_chunk
    chunk = _chunk(people_import, number)
    outcomes = read_rows(load_rows(chunk), people_import.columns) if chunk else []
    look_up(outcomes)
    with transaction.atomic():
        locked = lock_import(people_import)
        if locked.status != ImportStatus.CHECKING or locked.next_chunk != number:
            return
        if chunk:
            keep_findings(chunk, outcomes)
        add_problems(locked, _problems(outcomes))
        for outcome in outcomes:
            _count(locked, outcome.kind)
            locked.suspending += outcome.kind == UPDATED and outcome.suspends
        locked.samples = [*locked.samples, *_samples(outcomes, SAMPLES - len(locked.samples))]
        locked.next_chunk = number + 1
        if locked.next_chunk >= locked.chunks:
            name_freeing_rows(locked)
            locked.status = ImportStatus.CHECKED
        locked.save()


def _problems(outcomes: list[Outcome]) -> list[Problem]:
    return [Problem(outcome.line, outcome.email[:100], error) for outcome in outcomes for error in outcome.problems]


def _count(people_import: PeopleImport, kind: str) -> None:
    name = _COUNTS[kind]
    setattr(people_import, name, getattr(people_import, name) + 1)


def _samples(outcomes: list[Outcome], most: int) -> list[dict[str, object]]:
    """Return the first rows that change something, as the preview shows them."""
    found = (each for each in outcomes if each.kind in (NEW, UPDATED))
    return [_sample(outcome) for outcome, _ in zip(found, range(max(most, 0)), strict=False)]


def _sample(outcome: Outcome) -> dict[str, object]:
    changes = [[field, before or "", after or ""] for field, (before, after) in outcome.changes.items()]
    if outcome.person is None:
        changes = [[field, "", value] for field, value in outcome.values.items() if value]
    changes += [["groups", "", name] for _, name in outcome.groups]
    return {"line": outcome.line, "email": outcome.email, "kind": outcome.kind, "changes": changes}


# --- writing ---------------------------------------------------------------------------------------------------------


def _verify_next(actor: Actor, people_import: PeopleImport) -> None:
    """Look once more at the next chunk, before anything is written."""
    number = people_import.next_chunk
    chunk = _chunk(people_import, number)
    if chunk:
        _refuse_changed(_looked_up(chunk))
    with transaction.atomic():
        locked = lock_import(people_import)
        if locked.status != ImportStatus.VERIFYING or locked.next_chunk != number:
            return
        locked.next_chunk = number + 1
        if locked.next_chunk >= locked.chunks:
            locked.status, locked.next_chunk = ImportStatus.WRITING, 0
        locked.save()


def _write_next(actor: Actor, people_import: PeopleImport) -> None:
    """Write the good rows of the next chunk, in a short transaction of its own."""
    for attempt in range(3):
        try:
            with transaction.atomic():
                locked = lock_import(people_import, alone=True)
                if locked.status != ImportStatus.WRITING or locked.next_chunk != people_import.next_chunk:
                    return
                _write_chunks(actor, locked, 1, UserNames())
                if locked.next_chunk >= locked.chunks:
                    _finish(actor, locked)
                locked.save()
            return
        except IntegrityError:
            # Somebody took a name or an email between our look and our writing: look again.
            if attempt == 2:
                raise


def _write_all(actor: Actor, people_import: PeopleImport, report: Report) -> None:
    """Write all rows or none. Where people changed since the preview, the file is checked anew."""
    try:
        with room_for_many():
            _write_all_rows(actor=actor, people_import=people_import, report=report)
    except IntegrityError as error:
        changed = ImportPeopleChanged(rows="some", lines="somebody took a name or an email just now")
        record_refusal("users.people.imported", actor=actor, error=changed)
        _start_again(people_import, changed)
        raise changed from error
    except ImportPeopleChanged as error:
        _start_again(people_import, error)
        raise


@audited("users.people.imported")
def _write_all_rows(*, actor: Actor, people_import: PeopleImport, report: Report) -> None:
    locked = lock_import(people_import, alone=True)
    user_names = UserNames()
    if locked.status != ImportStatus.WRITING:
        return
    while locked.next_chunk < locked.chunks:
        _write_chunks(actor, locked, AT_ONCE, user_names)
        report(min(locked.next_chunk * ROWS_IN_CHUNK, locked.read))
    _finish(actor, locked)
    locked.save()


def _start_again(people_import: PeopleImport, why: DirectoryError, *, undoing: bool = False) -> None:
    """Check the file anew; where something of it is written, undo that first."""
    with transaction.atomic():
        locked = lock_import(people_import)
        locked.restarted = why.message[:400]
        if undoing and locked.status == ImportStatus.WRITING:
            locked.status = ImportStatus.UNDOING
        elif locked.status != ImportStatus.UNDOING:
            _forget_findings(locked)
        locked.save()


def _forget_findings(locked: PeopleImport) -> None:
    problems_of(locked).filter(of_file=False).delete()
    locked.status, locked.mode, locked.samples = ImportStatus.CHECKING, "", []
    locked.next_chunk = locked.added = locked.updated = locked.unchanged = locked.suspending = locked.sessions_ended = 0
    locked.problems = locked.rows - locked.read


def _undo_next(actor: Actor, people_import: PeopleImport) -> None:
    """Undo the last chunk that is written; after the first one the file is checked anew."""
    with transaction.atomic():
        locked = lock_import(people_import, alone=True)
        if locked.status != ImportStatus.UNDOING:
            return
        chunk = _chunk(locked, locked.next_chunk - 1)
        if chunk:
            undo(load_undo(chunk), actor=actor, import_id=locked.pk)
        locked.next_chunk -= 1
        if locked.next_chunk <= 0:
            _forget_findings(locked)
        locked.save()


def _write_chunks(actor: Actor, locked: PeopleImport, number: int, user_names: UserNames) -> None:
    """Look again at the rows of the next chunks and write them. Everything is locked already."""
    upto = min(locked.next_chunk + number, locked.chunks)
    chunks = [chunk for position in range(locked.next_chunk, upto) if (chunk := _chunk(locked, position))]
    pairs: list[tuple[Outcome, str]] = []
    for chunk in chunks:
        pairs += _looked_up(chunk, lock=True)
    if locked.mode == ImportMode.ALL:
        _refuse_changed(pairs)
    changed = [outcome for outcome, mark in pairs if _is_changed(outcome, mark)]
    for outcome in changed:
        outcome.problems = outcome.problems or [RowChanged()]
    add_problems(locked, _problems(changed))
    good = [outcome for outcome, _ in pairs]
    done = write(good, actor=actor, import_id=locked.pk, user_names=user_names)
    if chunks and locked.mode == ImportMode.ALL and number == 1:
        PeopleImportChunk.objects.filter(pk=chunks[0].pk).update(undo=pack_undo(undo_of(done.people)))
    for outcome in good:
        _count(locked, outcome.kind)
    locked.sessions_ended += done.sessions_ended
    locked.next_chunk = upto


def _looked_up(chunk: PeopleImportChunk, *, lock: bool = False) -> list[tuple[Outcome, str]]:
    """Return what the rows of a chunk would do now with what the preview showed; those with problems are left out."""
    pairs = load_findings(chunk)
    look_up([outcome for outcome, _ in pairs], lock=lock)
    return pairs


def _is_changed(outcome: Outcome, mark: str) -> bool:
    """Return whether a row would do something else than was shown. Nothing left to do is no surprise."""
    return outcome.mark not in (mark, UNCHANGED)


def _refuse_changed(pairs: list[tuple[Outcome, str]]) -> None:
    changed = [outcome for outcome, mark in pairs if _is_changed(outcome, mark)]
    if changed:
        raise ImportPeopleChanged(rows=len(changed), lines=_lines_of(changed))


def _lines_of(outcomes: list[Outcome]) -> str:
    lines = sorted(outcome.line for outcome in outcomes)
    more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
    return f"line{'' if len(lines) == 1 else 's'} {', '.join(map(str, lines[:5]))}{more}"


def _finish(actor: Actor, locked: PeopleImport) -> None:
    """Note the end of an import, and forget the rows."""
    locked.status = ImportStatus.DONE
    PeopleImportChunk.objects.filter(people_import=locked).delete()
    counts = {name: getattr(locked, name) for name in ("rows", *_COUNTS.values(), "sessions_ended")}
    details = {"file": locked.file_name, "import": str(locked.pk), "mode": locked.mode, **counts}
    record("users.people.imported", actor=actor, details=details)


def lock_import(people_import: PeopleImport, *, alone: bool = False) -> PeopleImport:
    """Return the import as stored now, locked until the end of the transaction.

    Args:
        alone: wait until nobody else writes people from a file: two that insert the same would wait for each other.
    """
    if alone:
        lock_name("people import")
    locked = PeopleImport.objects.select_for_update().filter(pk=people_import.pk).first()
    if locked is None:
        raise ImportNotFound()
    return locked


def _chunk(people_import: PeopleImport, number: int) -> PeopleImportChunk | None:
    """Return a chunk; None where no row of the file could be kept."""
    return PeopleImportChunk.objects.filter(people_import=people_import, number=number).first()


_CHUNKWISE: dict[ImportStatus, Callable[[Actor, PeopleImport], None]] = {
    ImportStatus.CHECKING: _check_next,
    ImportStatus.VERIFYING: _verify_next,
    ImportStatus.WRITING: _write_next,
    ImportStatus.UNDOING: _undo_next,
}
