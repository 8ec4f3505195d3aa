"""Undoing a part of an import that was to be written as a whole, and cannot be."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from users import sessions
from users.audit import Actor, record_all
from users.bulk import update_each
from users.import_rows import BESIDE_STATE, NEW, Outcome, is_due, slices
from users.models import GroupMembership, User
from users.name_key import name_key

_MOMENTS = ("state_changed_at", "scheduled_at")
_NAMES = ("display_name", "given_name", "family_name")
_UNIQUE = ("user_name", "external_id")


def undo_of(people: Sequence[tuple[UUID, Outcome]]) -> dict[str, Any]:
    """Return what `undo` needs to know of people who were just written, as JSON-able facts."""
    return {
        "added": [str(pk) for pk, outcome in people if outcome.kind == NEW],
        "changed": {str(pk): outcome.changes for pk, outcome in people if outcome.kind != NEW and outcome.changes},
        "beside_state": {str(pk): _beside_state(outcome) for pk, outcome in people if "state" in outcome.changes},
        "joined": [
            [str(pk), str(group)] for pk, outcome in people if outcome.kind != NEW for group, _ in outcome.groups
        ],
    }


def undo(facts: dict[str, Any], *, actor: Actor, import_id: UUID) -> None:
    """Remove the people who were added, and give the others back the values that they had.

    What somebody changed after the import stays as it is now. Sessions that ended stay ended.
    """
    removed = _remove([UUID(text) for text in facts["added"]])
    beside = {UUID(text): values for text, values in facts["beside_state"].items()}
    restored = _restore({UUID(text): changes for text, changes in facts["changed"].items()}, beside)
    left: dict[UUID, list[UUID]] = defaultdict(list)
    for person, group in facts["joined"]:
        left[UUID(group)].append(UUID(person))
    for group, members in left.items():
        GroupMembership.objects.filter(group=group, person__in=members).delete()
    rows = ((pk, label, {"import": str(import_id)}) for pk, label in [*removed, *restored])
    record_all("users.person.import_undone", actor=actor, kind=User, rows=rows)


def _remove(ids: list[UUID]) -> list[tuple[UUID, str]]:
    removed = [(person.pk, person.label) for person in _locked(ids) if person.admin_role is None]
    for part in slices([pk for pk, _ in removed]):
        User.objects.filter(pk__in=part).delete()
    return removed


def _beside_state(outcome: Outcome) -> dict[str, Any]:
    """Return what changed together with the state; of a schedule whose moment had come only the state is left."""
    person = outcome.person or {}
    names = BESIDE_STATE[:2] if is_due(person) else BESIDE_STATE
    return {name: person[name].isoformat() if name in _MOMENTS and person[name] else person[name] for name in names}


def _locked(ids: Iterable[UUID]) -> list[User]:
    """Return those of the people who are still there, as they are until the end of the transaction."""
    people = User.objects.select_for_update().order_by("pk")
    return [person for part in slices(ids) for person in people.filter(pk__in=part)]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _restore(changes: dict[UUID, dict[str, list[Any]]], beside: dict[UUID, dict[str, Any]]) -> list[tuple[UUID, str]]:
    alike: dict[tuple[str, ...], list[list[Any]]] = defaultdict(list)
    people = _locked(sorted(changes))
    lost = _taken_meanwhile(changes)
    now = timezone.now()
    for person in people:
        back = {
            field: before
            for field, (before, after) in changes[person.pk].items()
            if getattr(person, field) == after and (person.pk, field) not in lost
        }
        # Who became an administrator meanwhile has no schedule.
        if "state" in back and person.admin_role is None:
            back |= {name: _moment(value) if name in _MOMENTS else value for name, value in beside[person.pk].items()}
        known = {name: back.get(name, getattr(person, name)) for name in _NAMES}
        back["name_key"] = name_key(**known, company_email=person.company_email)
        alike[tuple(back)].append([person.pk, *back.values(), now])
    for fields, rows in alike.items():
        update_each(User, (*fields, "updated_at"), rows)
    moved = [person.pk for person in people if "state" in changes[person.pk]]
    for part in slices(moved):
        sessions.end_sessions(person__in=part)
    return [(person.pk, person.label) for person in people]


def _taken_meanwhile(changes: dict[UUID, dict[str, list[Any]]]) -> set[tuple[UUID, str]]:
    """Return whose former user name or external ID is somebody else's now, with the field. They keep the new one."""
    taken = set()
    for field in _UNIQUE:
        former = {each[field][0]: pk for pk, each in changes.items() if field in each and each[field][0]}
        for part in slices(former):
            for value, pk in User.objects.filter(**{f"{field}__in": part}).values_list(field, "pk"):
                if pk != former[value]:
                    taken.add((former[value], field))
    return taken
