"""The list of people: searched, filtered, sorted and paged in the database, as fast with a million as with a thousand.

Three things make it so. Pages begin at a key, never at a number. Sums over `PeopleCount` say how many people a filter
finds without looking at them. And few are found first, each by an index, and then sorted, while many are met soon on a
walk through an index that is in the order wanted.
"""

import contextlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.lookups import Exact, IsNull
from django.utils import timezone

from users.models import GroupMembership, PeopleCount, State, User
from users.people_search import holders_of, matches, matches_by_key, words_of
from users.prefixes import Unindexed

# As many as weigh less than a page may.
PAGE_SIZE = 40
# So many are found first and then sorted; of more, a walk meets a page's worth soon. By name it does so the sooner,
# because the index that it walks through holds what a search looks at.
FEW, FEW_BY_NAME = 4000, 1000
SORTS = {"name": "name_key", "email": "company_email", "last_sign_in": "last_login", "created": "created_at"}
TIMES = ("last_login", "created_at")
LINKED, UNLINKED, NEVER = "linked", "unlinked", "never"
ANY_ROLE, NO_ROLE = "any", "none"

People = QuerySet[User]
# A value of the column sorted by (None: never signed in), and the person's id.
Key = tuple[str | datetime | None, uuid.UUID]


@dataclass(frozen=True)
class PeopleFilter:
    """What a list of people shows.

    Attributes:
        search: the beginning of a company email or user name, or parts of a name.
        state: one of `State`, or "" for all.
        role: one of `AdminRole`, "any", "none", or "" for all.
        sign_in: "linked" (has a federated identity), "unlinked", "never" (has never signed in), or "" for all.
        group: the key of a group, or None.
        only: where somebody else has chosen already, the keys of these people; at most a few thousand.
    """

    search: str = ""
    state: str = ""
    role: str = ""
    sign_in: str = ""
    group: uuid.UUID | None = None
    only: Collection[uuid.UUID] | None = None


@dataclass(frozen=True)
class Count:
    """How many people a filter finds; where it is not exact, at least so many."""

    number: int
    is_exact: bool = True


@dataclass(frozen=True)
class Page:
    """One page of a list, and the keys of the pages after and before it, or "" where there is none."""

    rows: Sequence[User]
    count: Count
    next: str = ""
    previous: str = ""


def find_people(
    wanted: PeopleFilter, *, sort: str = "name", after: str = "", before: str = "", limit: int = PAGE_SIZE
) -> Page:
    """Return one page of the people that a filter finds.

    Args:
        sort: one of `SORTS`, with a "-" before it for the opposite order; anything else sorts by name.
        after, before: a key of a neighbouring page; what is none means the first page.
    """
    column, descending = _order(sort)
    few = _few(wanted, FEW_BY_NAME if column == "name_key" else FEW)
    people = _walk(wanted, column) if few is None else few
    backwards = bool(before) and not after
    key = _parse(before if backwards else after, column)
    rows = _slice(people, column, descending != (backwards and key is not None), key, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    count = _count(wanted, few)
    if key is None:
        return Page(rows, count, next=_key_of(rows[-1], column) if more else "")
    forth, back = (True, more) if backwards else (more, True)
    rows = rows[::-1] if backwards else rows
    first, last = (_key_of(rows[0], column), _key_of(rows[-1], column)) if rows else ("", "")
    return Page(rows, count, next=last if forth else "", previous=first if back else "")


def count_people(wanted: PeopleFilter) -> Count:
    """Count the people that a filter finds, exactly where that is quickly done."""
    return _count(wanted, _few(wanted, FEW))


def everybody_fitting(wanted: PeopleFilter) -> People:
    """Return all people that a filter finds, by id: for going through them in batches, not for a page."""
    few = _few(wanted, FEW)
    return (_walk(wanted, "id") if few is None else few).order_by("pk")


def counts_by_state() -> dict[str, int]:
    """Return how many people without a role there are in each state."""
    sums = PeopleCount.objects.filter(admin_role="").values("state").annotate(total=Sum("amount"))
    known = {row["state"]: row["total"] for row in sums}
    return {state.value: known.get(state.value, 0) for state in State}


def linked_share() -> tuple[int, int]:
    """Return how many active people without a role are linked to an account at a provider, and how many there are."""
    wanted = PeopleFilter(state=State.ACTIVE, role=NO_ROLE)
    return _sum(PeopleFilter(state=State.ACTIVE, role=NO_ROLE, sign_in=LINKED)), _sum(wanted)


# --- few, or many ----------------------------------------------------------------------------------------------------


def _few(wanted: PeopleFilter, most: int) -> People | None:
    """Return the people found, where one of the conditions alone leaves few.

    None where all of them leave many, and where an index holds just the people wanted in every order.
    """
    if wanted in (PeopleFilter(), PeopleFilter(state=wanted.state), PeopleFilter(sign_in=wanted.sign_in)):
        return None
    narrow = _narrowest(wanted, most)
    if narrow is None and _sum(wanted) <= FEW:
        # The limit keeps the database from walking through everybody in order, until it has met these few.
        few = User.objects.filter(_conditions(wanted, indexed=True)).order_by()
        narrow = set(few.values_list("pk", flat=True)[: FEW + 1])
    if narrow is None:
        return None
    found = User.objects.filter(_conditions(wanted, indexed=False), pk__in=narrow)
    return _searched(_members(found, wanted), wanted)


def _narrowest(wanted: PeopleFilter, most: int) -> set[uuid.UUID] | None:
    """Return whom a condition finds of which the sums know nothing, if they are few."""
    if wanted.only is not None:
        return set(wanted.only)
    if words := words_of(wanted.search):
        found = holders_of(max(words, key=len), limit=most + 1)
        if len(found) <= most:
            return found
    if wanted.group is not None:
        members = GroupMembership.objects.filter(group=wanted.group).values_list("person", flat=True)
        found = set(members[: most + 1])
        if len(found) <= most:
            return found
    return None


def _walk(wanted: PeopleFilter, column: str) -> People:
    """Return everybody whom the filter means, in a form that lets the database walk in the order of a column."""
    # There are indexes of each order within a state and within being linked, but not within never having signed in.
    indexed = column in SORTS.values() and (wanted.sign_in != NEVER or column == "last_login")
    people = _members(User.objects.filter(_conditions(wanted, indexed=indexed)), wanted)
    if column != "name_key":
        return _searched(people, wanted)
    for word in words_of(wanted.search):
        people = people.filter(matches_by_key(word, limit=FEW_BY_NAME))
    return people


def _searched(people: People, wanted: PeopleFilter) -> People:
    for word in words_of(wanted.search):
        people = people.filter(matches(word))
    return people


def _members(people: People, wanted: PeopleFilter) -> People:
    if wanted.only is not None:
        people = people.filter(pk__in=wanted.only)
    if wanted.group is None:
        return people
    # Asked of one person after the other: SQLite would put all members together before the first page.
    return people.filter(Exists(GroupMembership.objects.filter(group=wanted.group, person=OuterRef("pk"))))


def _conditions(wanted: PeopleFilter, *, indexed: bool) -> Q:
    """Return the conditions on columns.

    Args:
        indexed: whether the database may look people up by them, rather than walk in some order.
    """

    def equals(name: str, value: object) -> Q:
        # "In", because a bare yes or no would be a condition without a comparison, and for that no index is used.
        return Q(**{f"{name}__in": [value]}) if indexed else Q(Exact(Unindexed(name), value))

    def is_null(name: str, *, yes: bool) -> Q:
        return Q(**{f"{name}__isnull": yes}) if indexed else Q(IsNull(Unindexed(name), yes))

    found = equals("state", wanted.state) if wanted.state else Q()
    if wanted.role in (ANY_ROLE, NO_ROLE):
        found &= is_null("admin_role", yes=wanted.role == NO_ROLE)
    elif wanted.role:
        found &= equals("admin_role", wanted.role)
    if wanted.sign_in == NEVER:
        found &= is_null("last_login", yes=True)
    elif wanted.sign_in in (LINKED, UNLINKED):
        found &= equals("linked", wanted.sign_in == LINKED)
    return found


def _sum(wanted: PeopleFilter) -> int:
    """Return how many people the conditions on columns leave, from the sums that the database keeps."""
    counts = PeopleCount.objects.all()
    if wanted.state:
        counts = counts.filter(state=wanted.state)
    if wanted.role == ANY_ROLE:
        counts = counts.exclude(admin_role="")
    elif wanted.role:
        counts = counts.filter(admin_role="" if wanted.role == NO_ROLE else wanted.role)
    if wanted.sign_in == NEVER:
        counts = counts.filter(signed_in=False)
    elif wanted.sign_in in (LINKED, UNLINKED):
        counts = counts.filter(linked=wanted.sign_in == LINKED)
    return int(counts.aggregate(total=Sum("amount"))["total"] or 0)


def _count(wanted: PeopleFilter, few: People | None) -> Count:
    is_summed = not wanted.search.strip() and wanted.group is None and wanted.only is None
    if is_summed:
        return Count(_sum(wanted))
    if few is not None:
        return Count(few.count())
    only_one_condition = not (wanted.state or wanted.role or wanted.sign_in)
    return Count(FEW_BY_NAME if only_one_condition else 0, is_exact=False)


# --- order and pages -------------------------------------------------------------------------------------------------


def _order(sort: str) -> tuple[str, bool]:
    name = sort.removeprefix("-")
    return (SORTS[name], sort.startswith("-")) if name in SORTS else (SORTS["name"], False)


def _slice(people: People, column: str, descending: bool, key: Key | None, size: int) -> list[User]:
    """Return the next people in an order. Never having signed in counts as before all times."""
    if column != "last_login":
        return _stretch(people, column, descending, key, size)
    never = ("id", people.filter(last_login__isnull=True))
    once = (column, people.filter(last_login__isnull=False))
    parts = [once, never] if descending else [never, once]
    if key is not None and (key[0] is None) != (parts[0] is never):
        parts = parts[1:]
    rows: list[User] = []
    for name, part in parts:
        rows += _stretch(part, name, descending, key, size - len(rows))
        key = None
        if len(rows) == size:
            break
    return rows


def _stretch(people: People, column: str, descending: bool, key: Key | None, size: int) -> list[User]:
    """Return people after a key of one column that holds no nulls. Said twice, because an index answers the second."""
    beyond, sign = ("lt", "-") if descending else ("gt", "")
    if key is not None and column == "id":
        people = people.filter(**{f"pk__{beyond}": key[1]})
    elif key is not None:
        value, pk = key
        people = people.filter(
            Q(**{f"{column}__{beyond}": value}) | Q(**{column: value, f"pk__{beyond}": pk}),
            **{f"{column}__{beyond}e": value},
        )
    order = [f"{sign}id"] if column == "id" else [f"{sign}{column}", f"{sign}id"]
    # First the ids, for which an index may be enough; then the rows of these few.
    ids = list(people.order_by(*order).values_list("pk", flat=True)[:size])
    rows = User.objects.in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


def _key_of(person: User, column: str) -> str:
    value = getattr(person, column)
    if column in TIMES:
        value = value.isoformat() if value else ""
    return f"{value}~{person.pk}"


def _parse(text: str, column: str) -> Key | None:
    value, _, pk = text.rpartition("~")
    with contextlib.suppress(ValueError, OverflowError):
        key = uuid.UUID(pk)
        if column not in TIMES:
            return (value, key) if "\x00" not in value else None
        if not value:
            return (None, key) if column == "last_login" else None
        at = datetime.fromisoformat(value)
        return ((at if timezone.is_aware(at) else timezone.make_aware(at)).astimezone(UTC), key)
    return None
