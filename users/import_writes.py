"""Writing what rows of a file do to people: many at once, in the caller's transaction."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.utils import timezone

from users import action_links, names, sessions
from users.audit import Actor, record_all
from users.bulk import insert_like, update_each
from users.default_states import default_state
from users.import_rows import NEW, UPDATED, Outcome, keeps_schedule, owners_of, schedule_that_ends, slices
from users.models import ActionLink, GroupMembership, Source, State, User
from users.name_key import name_key

_NAMES = ("display_name", "given_name", "family_name")
_TEXTS = ("user_name", *_NAMES, "title", "department", "phone_number")
_NEW = ("id", "company_email", *_TEXTS, "state", "external_id", "name_key", "password")
_STATE_ACTIONS = {
    State.ACTIVE: "users.person.activated",
    State.SUSPENDED: "users.person.suspended",
    State.STAGED: "users.person.staged",
}


@dataclass
class Written:
    """The people who were added and changed, each with the key, and how many sessions that ended."""

    people: list[tuple[UUID, Outcome]]
    sessions_ended: int


class UserNames:
    """Proposes user names for people who bring none, each once. Remembers what is taken during one import."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._taken: dict[str, set[str]] = {}
        self._next: dict[str, int] = {}

    def propose(self, emails: Iterable[str], *, reserved: Iterable[str]) -> list[str]:
        """Return a free user name for each email.

        Args:
            reserved: the user names that other rows bring, and that are not stored yet.
        """
        proposals = [names.user_name_from_email(email) for email in emails]
        self._given.update(reserved)
        self._given.update(name for name, _ in owners_of("user_name", set(proposals)))
        free = []
        for proposal in proposals:
            free.append(self._numbered(proposal) if proposal in self._given else proposal)
            self._given.add(free[-1])
        return free

    def _numbered(self, proposal: str) -> str:
        """Return the proposal with the first number behind it that nobody has."""
        stem = proposal[:57]
        if stem not in self._taken:
            begin = User.objects.filter(user_name__startswith=f"{stem}-")
            self._taken[stem] = set(begin.values_list("user_name", flat=True))
        number = self._next.get(stem, 2)
        while (name := f"{stem}-{number}") in self._taken[stem] or name in self._given:
            number += 1
        self._next[stem] = number + 1
        return name


def write(outcomes: Sequence[Outcome], *, actor: Actor, import_id: UUID, user_names: UserNames) -> Written:
    """Add and change the people of these rows, end the sessions of those whose state changes, and record each person.

    Raises:
        IntegrityError: somebody took in the same moment what a row claims.
    """
    new = [outcome for outcome in outcomes if outcome.kind == NEW]
    updated = [outcome for outcome in outcomes if outcome.kind == UPDATED]
    reserved = [outcome.values["user_name"] for outcome in (*new, *updated) if outcome.values.get("user_name")]
    ids = _add(new, user_names, reserved)
    _change([outcome for outcome in updated if outcome.changes])
    moved = [outcome for outcome in updated if "state" in outcome.changes]
    _keep_invitations([each for each in moved if each.changes["state"] == (State.STAGED, State.ACTIVE)])
    for part in slices(_person_of(each)["id"] for each in moved if each.suspends):
        action_links.void(part)
    ended = _end_sessions([_person_of(outcome)["id"] for outcome in moved])
    people = [*zip(ids, new, strict=True), *((_person_of(outcome)["id"], outcome) for outcome in updated)]
    _join_groups(people)
    _record(actor, str(import_id), people)
    return Written(people, ended)


def _person_of(outcome: Outcome) -> dict[str, Any]:
    assert outcome.person is not None  # noqa: S101  (what is updated is there)
    return outcome.person


def _add(outcomes: list[Outcome], user_names: UserNames, reserved: list[str]) -> list[UUID]:
    """Insert new people, without passwords, and return their keys."""
    unnamed = [outcome for outcome in outcomes if not outcome.values.get("user_name")]
    proposals = user_names.propose([each.email for each in unnamed], reserved=reserved)
    for outcome, name in zip(unnamed, proposals, strict=True):
        outcome.values["user_name"] = name
    state = default_state(Source.IMPORT).value
    for outcome in outcomes:
        outcome.values.setdefault("state", state)
    now = timezone.now()
    template = User(source=Source.IMPORT, created_at=now, updated_at=now)
    ids = [uuid4() for _ in outcomes]
    insert_like(template, _NEW, (_new_row(pk, outcome) for pk, outcome in zip(ids, outcomes, strict=True)))
    return ids


def _new_row(pk: UUID, outcome: Outcome) -> list[Any]:
    values = {name: outcome.values.get(name, "") for name in _TEXTS}
    full_name = f"{values['given_name']} {values['family_name']}".strip()
    values["display_name"] = values["display_name"] or full_name[: names.NAME_MAX_LENGTH].strip()
    key = name_key(**{name: values[name] for name in _NAMES}, company_email=outcome.email)
    state, external_id = outcome.values["state"], outcome.values.get("external_id")
    # What Django calls an unusable password, without the many small draws that it makes for each.
    password = UNUSABLE_PASSWORD_PREFIX + secrets.token_hex(20)
    return [pk, outcome.email, *(values[name] for name in _TEXTS), state, external_id, key, password]


def _change(outcomes: list[Outcome]) -> None:
    """Update people, in one statement for all who change in the same fields."""
    alike: dict[tuple[tuple[str, ...], bool], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        alike[tuple(sorted(outcome.changes)), keeps_schedule(outcome)].append(outcome)
    now = timezone.now()
    for (fields, with_schedule), group in alike.items():
        extra = _beside(fields, now, with_schedule=with_schedule)
        computed = ("name_key",) if set(fields) & set(_NAMES) else ()
        rows = (
            [
                _person_of(outcome)["id"],
                *(outcome.changes[field][1] for field in fields),
                *([_name_key_of(outcome)] if computed else []),
                *extra.values(),
            ]
            for outcome in group
        )
        update_each(User, (*fields, *computed, *extra), rows)


def _beside(fields: tuple[str, ...], now: Any, *, with_schedule: bool) -> dict[str, Any]:
    """Return what changes together with some fields, the same for everybody."""
    extra: dict[str, Any] = {"updated_at": now}
    if "state" in fields:
        extra |= {"state_changed_at": now, "state_reason": ""}
    if "state" in fields and not with_schedule:
        # A scheduled change belonged to the state that was.
        extra |= {"scheduled_state": None, "scheduled_at": None, "scheduled_reason": ""}
    return extra


def _name_key_of(outcome: Outcome) -> str:
    person = {**_person_of(outcome), **{field: after for field, (_, after) in outcome.changes.items()}}
    return name_key(**{name: person[name] for name in _NAMES}, company_email=outcome.email)


def _keep_invitations(outcomes: list[Outcome]) -> None:
    """Let open invitations go on for people who were staged and are active now, as an activation by hand does."""
    for part in slices(_person_of(outcome)["id"] for outcome in outcomes):
        invited = ActionLink.objects.filter(person__in=part, used_at=None).values("person")
        for person in User.objects.filter(pk__in=invited):
            action_links.keep_over_activation(person)


def _end_sessions(people: list[UUID]) -> int:
    return sum(sessions.end_sessions(person__in=part) for part in slices(people))


def _join_groups(people: list[tuple[UUID, Outcome]]) -> None:
    rows = ((group, pk) for pk, outcome in people for group, _ in outcome.groups)
    insert_like(GroupMembership(added_at=timezone.now()), ("group", "person"), rows)


def _record(actor: Actor, import_id: str, people: list[tuple[UUID, Outcome]]) -> None:
    """Write what an auditor needs of each person: added, or what changed from what to what."""
    added = (
        (pk, _label(outcome), {"state": outcome.values["state"], "import": import_id, **_groups(outcome)})
        for pk, outcome in people
        if outcome.kind == NEW
    )
    record_all("users.person.added", actor=actor, kind=User, rows=added)
    edited = (
        (pk, _label(outcome), {"changes": _without_state(outcome), "import": import_id, **_groups(outcome)})
        for pk, outcome in people
        if outcome.kind == UPDATED and (outcome.groups or set(outcome.changes) - {"state"})
    )
    record_all("users.person.edited", actor=actor, kind=User, rows=edited)
    for state, action in _STATE_ACTIONS.items():
        moved = (
            (pk, _label(outcome), {"from": outcome.changes["state"][0], "import": import_id, **_cancelled(outcome)})
            for pk, outcome in people
            if outcome.kind == UPDATED and outcome.changes.get("state", ("", ""))[1] == state
        )
        record_all(action, actor=actor, kind=User, rows=moved)


def _without_state(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {
        field: {"from": before, "to": after} for field, (before, after) in outcome.changes.items() if field != "state"
    }


def _cancelled(outcome: Outcome) -> dict[str, str]:
    schedule = schedule_that_ends(outcome)
    return {"schedule_cancelled": schedule} if schedule else {}


def _groups(outcome: Outcome) -> dict[str, list[str]]:
    return {"groups_added": [name for _, name in outcome.groups]} if outcome.groups else {}


def _label(outcome: Outcome) -> str:
    known = {**(outcome.person or {}), **outcome.values}
    return names.label_of(**{name: known.get(name) or "" for name in _NAMES}, company_email=outcome.email)
