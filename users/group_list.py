"""Lists of groups: searched, sorted and paged in the database; and how many members a group has."""

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from users.group_errors import GroupNotFound
from users.models import Group, GroupMembership, User
from users.name_key import case_key

PAGE_SIZE = 30
# Members are counted one by one up to here; beyond it, that there are more is enough to know.
COUNTED = 10_000
SORTS = ("name", "-name", "created", "-created")
_MEMBERS = """
    (SELECT COUNT(*) FROM (
        SELECT 1 FROM users_groupmembership AS member WHERE member.group_id = users_group.id LIMIT %s
    ) AS counted)
"""


@dataclass(frozen=True)
class GroupPage:
    """One page of groups, each with `members` (at most COUNTED + 1), and the keys of the pages beside it, or ""."""

    rows: Sequence[Group]
    next: str = ""
    previous: str = ""


def find_group(identifier: str) -> Group:
    """Return the group with this id, or else with this name in any case.

    Raises:
        GroupNotFound: there is none.
    """
    identifier = identifier.strip()
    found = None
    with contextlib.suppress(ValueError):
        found = Group.objects.filter(pk=uuid.UUID(identifier)).first()
    if found is None and "\x00" not in identifier:
        found = Group.objects.filter(name_key=case_key(identifier)).first()
    if found is None:
        raise GroupNotFound()
    return found


def find_groups(
    *, search: str = "", sort: str = "name", after: str = "", before: str = "", limit: int = PAGE_SIZE
) -> GroupPage:
    """Return a page of groups.

    Args:
        search: part of a name, in any case.
        sort: one of `SORTS`; anything else sorts by name.
        after, before: a key of a neighbouring page; what is none means the first page.
    """
    sort = sort if sort in SORTS else "name"
    column, descending = ("name_key" if sort.endswith("name") else "created_at"), sort.startswith("-")
    groups = _counted(Group.objects.all())
    if search.strip():
        groups = groups.filter(name_key__contains=case_key(search.strip().replace("\x00", "\ufffd")))
    backwards = bool(before) and not after
    key = _parse(before if backwards else after, column)
    backwards = backwards and key is not None
    rows = _stretch(groups, column, descending != backwards, key, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows = rows[::-1]
    forth, back = (True, more) if backwards else (more, key is not None)
    first, last = (_key_of(rows[0], column), _key_of(rows[-1], column)) if rows else ("", "")
    return GroupPage(rows, next=last if forth else "", previous=first if back else "")


def groups_of(person: User) -> "QuerySet[Group]":
    """Return the groups that a person is in, by name."""
    return Group.objects.filter(memberships__person=person).order_by("name_key")


def count_members(group: Group) -> int:
    """Return how many members a group has, at most COUNTED + 1."""
    return GroupMembership.objects.filter(group=group)[: COUNTED + 1].count()


def members_in_words(count: int) -> str:
    """Return a number of members as a text: "1 member", "more than 10,000 members"."""
    if count > COUNTED:
        return f"more than {COUNTED:,} members"
    return f"{count:,} member{'' if count == 1 else 's'}"


def _counted(groups: "QuerySet[Group]") -> "QuerySet[Group]":
    members = RawSQL(_MEMBERS, [COUNTED + 1], output_field=BigIntegerField())  # noqa: S611  (a fixed text)
    return groups.annotate(members=members)


def _stretch(
    groups: "QuerySet[Group]", column: str, descending: bool, key: tuple[str | datetime, uuid.UUID] | None, size: int
) -> list[Group]:
    beyond, sign = ("lt", "-") if descending else ("gt", "")
    if key is not None:
        value, pk = key
        groups = groups.filter(Q(**{f"{column}__{beyond}": value}) | Q(**{column: value, f"pk__{beyond}": pk}))
    return list(groups.order_by(f"{sign}{column}", f"{sign}pk")[:size])


def _key_of(group: Group, column: str) -> str:
    value = getattr(group, column)
    return f"{value.isoformat() if column == 'created_at' else value}~{group.pk}"


def _parse(text: str, column: str) -> tuple[str | datetime, uuid.UUID] | None:
    value, _, pk = text.rpartition("~")
    with contextlib.suppress(ValueError, OverflowError):
        key = uuid.UUID(pk)
        if column == "name_key":
            return (value, key) if "\x00" not in value else None
        at = datetime.fromisoformat(value)
        return ((at if timezone.is_aware(at) else timezone.make_aware(at)).astimezone(UTC), key)
    return None
