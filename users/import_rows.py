"""What a row of a file would do to the person whom it is about, as things are now."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone

from users import contact, names
from users.errors import CompanyEmailInvalid, DirectoryError, ExternalIdTaken, UserNameTaken
from users.import_errors import RowEmailMissing, RowGroupUnknown, RowIsAdministrator, RowStateUnknown
from users.models import Group, GroupMembership, State, User
from users.name_key import case_key
from users.people_csv import Row, split_groups
from users.states import schedule_cancelled_by

# Few enough that PostgreSQL finds them by an index: for more it thinks reading all of 100,000 people cheaper, which it
# is not, and does so for every slice of a file.
SLICE = 250
NEW, UPDATED, UNCHANGED, PROBLEM = "n", "u", "=", "p"
# What a change of the state changes with it.
BESIDE_STATE = ("state_reason", "state_changed_at", "scheduled_state", "scheduled_at", "scheduled_reason")
KNOWN = (
    "id", "company_email", "user_name", "display_name", "given_name", "family_name", "title", "department",
    "phone_number", "state", "external_id", "admin_role", *BESIDE_STATE,
)  # fmt: skip


def _state(text: str) -> str:
    value = text.lower()
    if value not in State.values:
        raise RowStateUnknown(value=text[:40])
    return value


def _clean_name(text: str, *, field: str) -> str:
    """Do as `names.clean_name` does, and at once where there is plainly nothing to do: files hold many names."""
    if text.isascii() and text.isprintable() and "  " not in text and len(text) <= names.NAME_MAX_LENGTH:
        return text
    return names.clean_name(text, field=field)


_CLEANERS: dict[str, Callable[[str], str | None]] = {
    "user_name": names.normalise_user_name,
    "phone_number": contact.normalise_phone_number,
    "external_id": names.normalise_external_id,
    "state": _state,
    **{
        field: partial(_clean_name, field=field)
        for field in ("display_name", "given_name", "family_name", "title", "department")
    },
}


@dataclass
class Outcome:
    """What a row would do.

    Attributes:
        email: the company email in normal form, or as it stands in the row where it has none.
        values: what the row says of the person, by field; empty cells say nothing.
        person: what is stored of the person, or None.
        changes: for each field that the row changes, what it is and what it becomes.
        groups: key and name of the groups that the person comes into.
    """

    line: int
    email: str
    values: dict[str, Any] = field(default_factory=dict)
    named_groups: list[str] = field(default_factory=list)
    person: dict[str, Any] | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    groups: list[tuple[UUID, str]] = field(default_factory=list)
    problems: list[DirectoryError] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """One of NEW, UPDATED, UNCHANGED, PROBLEM."""
        if self.problems:
            return PROBLEM
        if self.person is None:
            return NEW
        return UPDATED if self.changes or self.groups else UNCHANGED

    @property
    def suspends(self) -> bool:
        """Whether the row suspends somebody."""
        return "state" in self.changes and self.changes["state"][1] == State.SUSPENDED

    @property
    def mark(self) -> str:
        """What must be the same when the row is written: its kind, and the values that it replaces by which."""
        if self.kind != UPDATED:
            return self.kind
        facts = json.dumps([self.changes, sorted(str(key) for key, _ in self.groups)], sort_keys=True)
        return UPDATED + hashlib.sha256(facts.encode()).hexdigest()[:10]


def slices(values: Iterable[Any], size: int = SLICE) -> Iterator[list[Any]]:
    """Yield the values in lists, each short enough to be looked up in one statement and by an index."""
    iterator = iter(values)
    while part := list(islice(iterator, size)):
        yield part


def read_rows(rows: Sequence[Row], columns: Sequence[str]) -> list[Outcome]:
    """Bring rows into normal form, and note what cannot be.

    Args:
        columns: what the cells of the rows are.
    """
    return [_read(row, columns) for row in rows]


def look_up(outcomes: Sequence[Outcome], *, lock: bool = False) -> None:
    """Find out what rows in normal form would do now.

    Args:
        lock: keep the people as they are until the end of the transaction.
    """
    good = [outcome for outcome in outcomes if not outcome.problems]
    _find_people(good, lock=lock)
    _refuse_taken(good, "user_name", UserNameTaken)
    _refuse_taken(good, "external_id", ExternalIdTaken)
    if any(outcome.named_groups for outcome in good):
        _find_groups(good)
    for outcome in good:
        _compare(outcome)


def _read(row: Row, columns: Sequence[str]) -> Outcome:
    """Bring the cells of a row into normal form, and note what cannot be."""
    cells = dict(zip(columns, row.cells, strict=True))
    outcome = Outcome(row.line, cells.pop("company_email"))
    try:
        outcome.email = names.normalise_email(outcome.email)
    except CompanyEmailInvalid as error:
        outcome.problems.append(error if outcome.email else RowEmailMissing())
    outcome.named_groups = split_groups(cells.pop("groups", ""))
    for column, text in cells.items():
        if not text:
            continue
        try:
            outcome.values[column] = _CLEANERS[column](text)
        except DirectoryError as error:
            outcome.problems.append(error)
    return outcome


def _find_people(outcomes: list[Outcome], *, lock: bool) -> None:
    by_email = {outcome.email: outcome for outcome in outcomes}
    people = User.objects.select_for_update().order_by("pk") if lock else User.objects.order_by()
    for part in slices(by_email):
        for person in people.filter(company_email__in=part).values(*KNOWN):
            by_email[person["company_email"]].person = person


def _refuse_taken(outcomes: list[Outcome], column: str, error: type[DirectoryError]) -> None:
    """Note where the value of a row belongs to somebody else."""
    wanted = {outcome.values[column]: outcome for outcome in outcomes if outcome.values.get(column)}
    for value, email in owners_of(column, wanted):
        if wanted[value].email != email:
            wanted[value].problems.append(error(**{column: value}))


def owners_of(column: str, values: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield those of some user names or external IDs that somebody has, each with that person's company email.

    Args:
        column: "user_name" or "external_id".
        values: in normal form.
    """
    # User names as their unique index has them: the planner knows that it finds one person for each, also where the
    # table's statistics are old, as they are while many come in. Else the whole table is read for every slice.
    people = User.objects.annotate(key=Lower(column) if column == "user_name" else F(column))
    for part in slices(values):
        yield from people.filter(key__in=part).values_list("key", "company_email")


def _find_groups(outcomes: list[Outcome]) -> None:
    """Find the groups that rows name, and leave out those that the people are in already."""
    wanted = {case_key(name) for outcome in outcomes for name in outcome.named_groups}
    known: dict[str, tuple[UUID, str]] = {}
    for part in slices(wanted):
        found = Group.objects.filter(name_key__in=part).values_list("name_key", "pk", "name")
        known |= {key: (pk, name) for key, pk, name in found}
    members = _memberships([outcome.person["id"] for outcome in outcomes if outcome.person and outcome.named_groups])
    for outcome in outcomes:
        named: dict[str, str] = {}
        for name in outcome.named_groups:
            named.setdefault(case_key(name), name)
        for key, name in named.items():
            if key not in known:
                outcome.problems.append(RowGroupUnknown(name=name[:100]))
            elif outcome.person is None or known[key][0] not in members[outcome.person["id"]]:
                outcome.groups.append(known[key])


def _memberships(people: list[UUID]) -> dict[UUID, set[UUID]]:
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for part in slices(people):
        for person, group in GroupMembership.objects.filter(person__in=part).values_list("person_id", "group_id"):
            found[person].add(group)
    return found


def _compare(outcome: Outcome) -> None:
    """Note what the row changes of the person whom it is about."""
    if outcome.person is None:
        return
    for column, value in outcome.values.items():
        before = effective_state(outcome.person) if column == "state" else outcome.person[column]
        if value != before:
            outcome.changes[column] = (before, value)
    if outcome.person["admin_role"] is not None and (outcome.changes or outcome.groups):
        outcome.problems.append(RowIsAdministrator(company_email=outcome.email))


def effective_state(person: dict[str, Any]) -> str:
    """Return the state that counts now, as `User.effective_state` does."""
    return str(person["scheduled_state"] if is_due(person) else person["state"])


def schedule_that_ends(outcome: Outcome) -> str:
    """Return the scheduled change that a row's change of state cancels, in words, or "" for none."""
    person = outcome.person
    if person is None or "state" not in outcome.changes or is_due(person):
        return ""
    return schedule_cancelled_by(outcome.changes["state"][1], person["scheduled_state"], person["scheduled_at"])


def keeps_schedule(outcome: Outcome) -> bool:
    """Return whether what is scheduled still comes after the row's change of state."""
    person = outcome.person
    if person is None or "state" not in outcome.changes or not person["scheduled_state"]:
        return False
    return not is_due(person) and not schedule_that_ends(outcome)


def is_due(person: dict[str, Any]) -> bool:
    """Return whether the scheduled state of somebody counts by now."""
    return bool(person["scheduled_state"] and person["scheduled_at"] and person["scheduled_at"] <= timezone.now())
