"""Importing people from a file: read, check in steps, confirm, write in steps or at once.

No task runs in the background: whoever waits for an import drives it, the page with a request for each step or the
command in a loop. All that is known is in the database, so that any process can take the next step, and so that an
import can be left and found again. A short lease keeps two tabs from doing the same; a lock on the import's row makes
sure of it where something is written. Housekeeping brings to its end what was confirmed and left alone.
"""

import time
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from users.audit import Actor, audited, record
from users.import_errors import ImportHasProblems, ImportNotFound, ImportNotReady, ImportPeopleChanged
from users.import_steps import Report, is_one_transaction, lock_import, step
from users.import_store import keep_file
from users.models import ImportMode, ImportStatus, PeopleImport
from users.models.imports import WRITES
from users.people_csv import read_file
from users.permissions import Permission
from users.services import require

KEPT = timedelta(hours=1)
LEFT_ALONE = timedelta(minutes=5)
# How long one step works before it answers; a chunk more may come on top.
STEP_SECONDS = 1.5
_PAUSE = 0.12
_LEASE = timedelta(seconds=30)
_LONG_LEASE = timedelta(minutes=5)


@audited("users.people_import.uploaded", atomic=False)
def upload_people(*, actor: Actor, file_name: str, content: bytes) -> PeopleImport:
    """Read a file of people and keep its rows, to be checked next. Nothing of it is written yet.

    Raises:
        ImportFileRefused: the file is refused as a whole; see `read_file`.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    name = "".join(character if character.isprintable() else "?" for character in file_name)[-255:]
    people_import = PeopleImport(**_owned_by(actor), file_name=name or "people.csv")
    file = read_file(content)
    with transaction.atomic():
        keep_file(people_import, file)
    return people_import


def find_import(actor: Actor, pk: UUID) -> PeopleImport:
    """Return an import of the actor's own.

    Raises:
        ImportNotFound: there is none such, it is somebody else's, or its hour is over.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    found = _kept().filter(pk=pk, **_owned_by(actor)).first()
    if found is None:
        raise ImportNotFound()
    return found


def imports_of(actor: Actor) -> list[PeopleImport]:
    """Return the imports that an administrator can go on with or look at, newest first."""
    require(actor, Permission.MANAGE_PEOPLE)
    return list(_kept().filter(**_owned_by(actor)).order_by("-created_at")[:5])


def _owned_by(actor: Actor) -> dict[str, Any]:
    """Return what the imports of an actor's own have; one whose owner is deleted is nobody's."""
    return {"owner": actor.person, "by_command": actor.person is None}


@audited("users.people_import.discarded")
def discard_import(*, actor: Actor, people_import: PeopleImport) -> None:
    """Forget a file that is not being written. What was written of it stays.

    Raises:
        ImportNotReady: it is being written.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    if PeopleImport.objects.filter(pk=people_import.pk, status__in=WRITES).exists():
        raise ImportNotReady()
    people_import.delete()


class Aborted(StrEnum):
    """What became of an import that was aborted."""

    FORGOTTEN = "forgotten"
    UNDOING = "undoing"
    STOPPED = "stopped"
    TOO_LATE = "complete"


@audited("users.people_import.aborted")
def abort_import(*, actor: Actor, people_import: PeopleImport) -> Aborted:
    """Give an import up, so that nobody goes on with it, and return what that means.

    Where nothing is written yet, or where the good ones were asked for, the file is forgotten, and what was written
    stays. All or nothing is undone by `advance_import`, and by housekeeping where that is left alone.

    Raises:
        ImportNotFound: it is forgotten already.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    locked = lock_import(people_import)
    if locked.status == ImportStatus.DONE:
        return Aborted.TOO_LATE
    begun = locked.status in (ImportStatus.WRITING, ImportStatus.UNDOING) and locked.next_chunk > 0
    if begun and locked.mode == ImportMode.ALL:
        how = Aborted.UNDOING
        locked.status, locked.busy_until, locked.restarted = ImportStatus.UNDOING, None, "The import was aborted."
        locked.save()
    else:
        how = Aborted.STOPPED if begun else Aborted.FORGOTTEN
        locked.delete()
    written = {name: getattr(locked, name) if begun else 0 for name in ("added", "updated")}
    details = {"file": locked.file_name, "import": str(people_import.pk), "how": how.value, **written}
    record("users.people_import.aborted", actor=actor, details=details)
    return how


def prune_imports() -> int:
    """Remove the imports whose hour is over, and return how many there were."""
    stale = PeopleImport.objects.filter(touched_at__lt=timezone.now() - KEPT).exclude(status__in=WRITES)
    count = stale.count()
    stale.delete()
    return count


def _kept() -> QuerySet[PeopleImport]:
    return PeopleImport.objects.filter(touched_at__gte=timezone.now() - KEPT)


@audited("users.people.imported")
def confirm_import(*, actor: Actor, people_import: PeopleImport, mode: ImportMode) -> PeopleImport:
    """Say that a checked file is to be written. `advance_import` does it.

    Raises:
        ImportNotReady: it is not checked, or confirmed already.
        ImportHasProblems: all or nothing, and there are rows that cannot be.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    locked = lock_import(people_import)
    if locked.status != ImportStatus.CHECKED:
        raise ImportNotReady()
    if mode == ImportMode.ALL and locked.problems:
        raise ImportHasProblems(problems=f"{locked.problems:,}", rows=f"{locked.rows:,}")
    locked.status, locked.mode, locked.restarted = ImportStatus.WRITING, mode, ""
    if mode == ImportMode.ALL and not is_one_transaction(locked):
        locked.status = ImportStatus.VERIFYING
    locked.next_chunk = locked.added = locked.updated = locked.unchanged = 0
    locked.touched_at = timezone.now()
    locked.save()
    details = {"file": locked.file_name, "import": str(locked.pk), "mode": mode, "rows": locked.rows}
    record("users.people_import.confirmed", actor=actor, details=details)
    return locked


def advance_import(
    *, actor: Actor, people_import: PeopleImport, seconds: float = STEP_SECONDS, report: Report | None = None
) -> PeopleImport:
    """Go on with the work for a while, and return the import as it is then.

    Where somebody else is at it, nothing is done. What is one transaction is done however long it takes.

    Args:
        seconds: after so long no further chunk is begun.
        report: told how many rows are done, now and then.

    Raises:
        ImportPeopleChanged: all or nothing, and what a row would do is not what the preview showed.
    """
    require(actor, Permission.MANAGE_PEOPLE)
    if not _lease(people_import, _LONG_LEASE if is_one_transaction(people_import) else _LEASE):
        return _refreshed(people_import)
    until = time.monotonic() + seconds
    try:
        people_import = _refreshed(people_import)
        while people_import.is_under_way:
            step(actor, people_import, report or (lambda done: None))
            people_import = _refreshed(people_import)
            if report is not None:
                report(people_import.done_rows)
            if time.monotonic() >= until:
                break
            _let_others_write(people_import)
    finally:
        PeopleImport.objects.filter(pk=people_import.pk).update(busy_until=None, touched_at=timezone.now())
    return _refreshed(people_import)


def _refreshed(people_import: PeopleImport) -> PeopleImport:
    found = PeopleImport.objects.filter(pk=people_import.pk).first()
    if found is None:
        raise ImportNotFound()
    return found


def _lease(people_import: PeopleImport, length: timedelta) -> bool:
    """Take the work for a while, and return whether nobody else has it."""
    now = timezone.now()
    free = PeopleImport.objects.filter(Q(busy_until=None) | Q(busy_until__lt=now), pk=people_import.pk)
    return bool(free.update(busy_until=now + length))


def _let_others_write(people_import: PeopleImport) -> None:
    """Leave SQLite alone for a moment: whoever waits for its lock looks every tenth of a second, and then is served."""
    if connection.vendor == "sqlite" and people_import.status in (ImportStatus.WRITING, ImportStatus.UNDOING):
        time.sleep(_PAUSE)


def finish_abandoned(actor: Actor) -> int:
    """Bring to their end the imports that were confirmed and then left alone, and return how many there were."""
    left = PeopleImport.objects.filter(status__in=WRITES, touched_at__lt=timezone.now() - LEFT_ALONE)
    found = list(left)
    for people_import in found:
        while people_import.status in WRITES:
            before = (people_import.status, people_import.next_chunk)
            try:
                people_import = advance_import(actor=actor, people_import=people_import)
            except ImportPeopleChanged:
                # What was written is undone next.
                people_import = _refreshed(people_import)
            if before == (people_import.status, people_import.next_chunk):
                break
    return len(found)
