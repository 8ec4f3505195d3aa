"""Exporting people as CSV: everybody whom a filter finds, row by row, however many there are."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from users.audit import Actor, record
from users.csv_safety import safe_line
from users.import_rows import KNOWN, effective_state, slices
from users.models import GroupMembership
from users.people_csv import COLUMNS, join_groups
from users.people_list import PeopleFilter, everybody_fitting
from users.permissions import Permission
from users.schedules import apply_scheduled_states
from users.services import require

BATCH = 1000


def export_people(*, actor: Actor, wanted: PeopleFilter) -> Iterator[str]:
    """Return the lines of a CSV file with the people whom a filter finds, as `people_csv` reads it again.

    Each batch is a query of its own, so that neither memory nor a transaction grows with the directory. The audit log
    knows of the export before its first line leaves, and afterwards how many people it was about.

    Raises:
        PermissionRefused: the actor may not see people, or is of the help desk.
    """
    require(actor, Permission.EXPORT_PEOPLE)
    shown = {name: str(value) for name, value in vars(wanted).items() if value and name != "only"}
    if wanted.only is not None:
        shown["only"] = f"{len(wanted.only)} people"
    record("users.people.export_begun", actor=actor, details={"filter": shown})
    return _lines(actor, wanted, shown)


def _lines(actor: Actor, wanted: PeopleFilter, shown: dict[str, str]) -> Iterator[str]:
    count, complete = 0, False
    try:
        # Spreadsheets take a file for UTF-8 by its mark alone.
        yield f"\ufeff{','.join(COLUMNS)}\r\n"
        for batch in _batches(wanted):
            count += len(batch)
            yield "".join(batch)
        complete = True
    finally:
        record("users.people.exported", actor=actor, details={"people": count, "complete": complete, "filter": shown})


def _batches(wanted: PeopleFilter) -> Iterator[list[str]]:
    """Yield the lines of some people after the others, by id: nobody comes twice, whoever is changed meanwhile."""
    apply_scheduled_states()
    people = everybody_fitting(wanted).values(*KNOWN)
    batch = list(people[:BATCH])
    while batch:
        groups = _groups_of([person["id"] for person in batch])
        yield [safe_line(_cells(person, groups[person["id"]])) for person in batch]
        # Also those whose moment came meanwhile: the state in a line is never another than the one asked for.
        apply_scheduled_states()
        batch = list(people.filter(pk__gt=batch[-1]["id"])[:BATCH]) if len(batch) == BATCH else []


def _groups_of(people: list[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = defaultdict(list)
    for part in slices(people):
        rows = GroupMembership.objects.filter(person__in=part).order_by("group__name", "id")
        for person, name in rows.values_list("person_id", "group__name"):
            found[person].append(name)
    return found


def _cells(person: dict[str, Any], groups: list[str]) -> list[object]:
    known = {**person, "state": effective_state(person), "groups": join_groups(groups)}
    return [known[column] for column in COLUMNS]
