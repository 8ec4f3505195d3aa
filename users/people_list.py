"""The list of people: searched, filtered, sorted and paged in the database, as fast with a million as with a thousand.

Three things make it so. Pages begin at a key, never at a number. Sums over `PeopleCount` say how many people a filter
finds without looking at them. And few are found first, each by an index, and then sorted, while many are met soon on a
walk through an index that is in the order wanted.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.lookups import Exact, IsNull

from users.models import GroupMembership, PeopleCount, State, User
from users.people_paging import SORTS, Key, People, key_of, key_text, order_of, parse_key, some_after
from users.people_search import holders_of, matches, matches_by_key, words_of
from users.prefixes import Unindexed
from users.schedules import apply_scheduled_states

# As many as weigh less than a page may.
PAGE_SIZE = 25
# So many are found first and then sorted; of more, a walk meets a page's worth soon. By name it does so the sooner,
# because the index that it walks through holds what a search looks at.
FEW, FEW_BY_NAME = 4000, 1000
LINKED, UNLINKED, NEVER = "linked", "unlinked", "never"
ANY_ROLE, NO_ROLE = "any", "none"


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
    """How many people a filter finds; where it is not exact, more than so many."""

    number: int
    is_exact: bool = True


@dataclass(frozen=True)
class Few:
    """People of whom one condition leaves few.

    Attributes:
        people: those of them who fulfil all conditions.
        number: how many they are, where the one condition is the only one and nobody has to count; else None.
    """

    people: People
    number: int | None


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
    if wanted.state:
        apply_scheduled_states()
    column, descending = order_of(sort)
    most = FEW_BY_NAME if column == "name_key" else FEW
    few = _few(wanted, most)
    people = _walk(wanted, column) if few is None else few.people
    backwards = bool(before) and not after
    key = parse_key(before if backwards else after, column)
    direction = descending != (backwards and key is not None)
    rows = some_after(people, column, direction, key, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    count = _count(wanted, few)
    if count is None:
        count = Count(limit, is_exact=False) if more else _count_by_page(people, column, direction, key, rows, limit)
        count = _at_least(count, wanted, most)
    if key is None:
        return Page(rows, count, next=key_text(rows[-1], column) if more else "")
    forth, back = (True, more) if backwards else (more, True)
    rows = rows[::-1] if backwards else rows
    first, last = (key_text(rows[0], column), key_text(rows[-1], column)) if rows else ("", "")
    return Page(rows, count, next=last if forth else "", previous=first if back else "")


def everybody_fitting(wanted: PeopleFilter) -> People:
    """Return all people that a filter finds, by id: for going through them in batches, not for a page.

    It goes by the states that are written down: whoever asks by state applies the scheduled ones before.
    """
    few = _few(wanted, FEW)
    return (_walk(wanted, "id") if few is None else few.people).order_by("pk")


def counts_by_state(role: str = NO_ROLE) -> dict[str, int]:
    """Return how many people there are in each state.

    Args:
        role: whom to count, as in `PeopleFilter`: people without a role unless told otherwise.
    """
    apply_scheduled_states()
    sums = _sums(PeopleFilter(role=role)).values("state").annotate(total=Sum("amount"))
    known = {row["state"]: row["total"] for row in sums}
    return {state.value: known.get(state.value, 0) for state in State}


def linked_share() -> tuple[int, int]:
    """Return how many active people without a role are linked to an account at a provider, and how many there are."""
    apply_scheduled_states()
    wanted = PeopleFilter(state=State.ACTIVE, role=NO_ROLE)
    return _sum(PeopleFilter(state=State.ACTIVE, role=NO_ROLE, sign_in=LINKED)), _sum(wanted)


# --- few, or many ----------------------------------------------------------------------------------------------------


def _few(wanted: PeopleFilter, most: int) -> Few | None:
    """Return the people found, where one of the conditions alone leaves few.

    None where all of them leave many, and where an index holds just the people wanted in every order.
    """
    if wanted in (PeopleFilter(), PeopleFilter(state=wanted.state), PeopleFilter(sign_in=wanted.sign_in)):
        return None
    narrow = _narrowest(wanted, most)
    is_one_word = len(words_of(wanted.search)) == 1 and wanted == PeopleFilter(search=wanted.search)
    number = len(narrow) if narrow is not None and is_one_word else None
    if narrow is None and _sum(wanted) <= FEW:
        # The limit keeps the database from walking through everybody in order, until it has met these few.
        few = User.objects.filter(_conditions(wanted, indexed=True)).order_by()
        narrow = set(few.values_list("pk", flat=True)[: FEW + 1])
    if narrow is None:
        return None
    found = User.objects.filter(_conditions(wanted, indexed=False), pk__in=narrow)
    return Few(_searched(_members(found, wanted), wanted), number)


def _narrowest(wanted: PeopleFilter, most: int) -> set[uuid.UUID] | None:
    """Return whom a condition finds of which the sums know nothing, if they are few."""
    if wanted.only is not None:
        return set(wanted.only)
    # The longest word finds the fewest, as a rule; where it finds many, a shorter one may be the rare one.
    for word in sorted(words_of(wanted.search), key=len, reverse=True):
        holders = holders_of(word, most=most)
        if holders is not None:
            return holders
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
        people = people.filter(matches_by_key(word, most=FEW_BY_NAME))
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
    return int(_sums(wanted).aggregate(total=Sum("amount"))["total"] or 0)


def _sums(wanted: PeopleFilter) -> QuerySet[PeopleCount]:
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
    return counts


# --- how many --------------------------------------------------------------------------------------------------------


def _count(wanted: PeopleFilter, few: Few | None) -> Count | None:
    """Return how many people a filter finds, where that is known without going through them."""
    is_summed = not wanted.search.strip() and wanted.group is None and wanted.only is None
    if is_summed:
        return Count(_sum(wanted))
    if few is None:
        return None
    return Count(few.people.count() if few.number is None else few.number)


def _count_by_page(
    people: People, column: str, direction: bool, key: Key | None, rows: Sequence[User], limit: int
) -> Count:
    """Return what the last page in a direction shows of how many there are: all, or so many on the other side."""
    if key is None:
        return Count(len(rows))
    edge = key_of(rows[0], column) if rows else None
    beside = len(some_after(people, column, not direction, edge, limit + 1))
    return Count(limit, is_exact=False) if beside > limit else Count(len(rows) + beside)


def _at_least(count: Count, wanted: PeopleFilter, most: int) -> Count:
    """Return the count, or the larger one that is known where a single condition alone was found to leave many."""
    conditions = [*words_of(wanted.search), *filter(None, (wanted.group, wanted.state, wanted.role, wanted.sign_in))]
    if count.is_exact or len(conditions) != 1:
        return count
    return Count(max(count.number, most), is_exact=False)
