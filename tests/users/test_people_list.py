"""The list of people: every filter, every order, pages forwards and backwards, and counts that are true."""

from datetime import timedelta

import pytest
from django.utils import timezone

from idp.models import FederatedIdentity, IdentityProvider
from tests.factories import OPERATOR, make_administrator, make_person
from users import people_list
from users.counts import fold_counts
from users.models import Group, GroupMembership, PeopleCount, State, User
from users.people_list import Count, PeopleFilter, counts_by_state, find_people
from users.services import activate_person, suspend_person

pytestmark = pytest.mark.django_db


def emails(wanted: PeopleFilter | None = None, **options: str) -> list[str]:
    page = find_people(wanted or PeopleFilter(), **options)  # type: ignore[arg-type]
    return [person.company_email.partition("@")[0] for person in page.rows]


def found(search: str) -> set[str]:
    return set(emails(PeopleFilter(search=search)))


@pytest.fixture
def people(db: None) -> None:
    make_person("ada@contoso.example", display_name="Ada Lovelace", user_name="countess")
    make_person("grace@contoso.example", display_name="Grace Hopper", given_name="Grace", family_name="Brewster")
    make_person("jose@contoso.example", display_name="José Müller", state=State.STAGED)
    make_person("nameless@contoso.example", display_name="", state=State.SUSPENDED)


# --- searching -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("ada@con", {"ada"}),
        ("ADA", {"ada"}),
        ("count", {"ada"}),
        ("lovelace", {"ada"}),
        ("ovel", {"ada"}),
        ("love ada", {"ada"}),
        ("brew", {"grace"}),
        ("jose", {"jose"}),
        ("José", {"jose"}),
        ("muller", {"jose"}),
        ("mü", {"jose"}),
        ("l", {"ada"}),
        ("am", set()),
        ("contoso", {"nameless"}),  # whose name in lists is the email
        ("nameless", {"nameless"}),
        ("nobody-at-all", set()),
        ("100%", set()),
        ("_da", set()),
        ('"ada" OR', set()),
        ("ada\x00", set()),
        ("   ", {"ada", "grace", "jose", "nameless"}),
    ],
)
def test_search_finds_beginnings_of_emails_and_user_names_and_parts_of_names(
    people: None, search: str, expected: set[str]
) -> None:
    assert found(search) == expected


def test_search_finds_the_same_among_many(people: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many fit, the list is walked instead of looked up: by other conditions that must mean the same."""
    searches = ["ada@con", "ovel", "love ada", "mü", "l", "am", "100%", '"ada"', "grace"]
    before = [found(search) for search in searches]
    monkeypatch.setattr(people_list, "FEW", 0)
    monkeypatch.setattr(people_list, "FEW_BY_NAME", 0)
    assert [found(search) for search in searches] == before


def test_search_follows_a_change_of_name(people: None) -> None:
    person = User.objects.get(company_email="ada@contoso.example")
    person.display_name = "Augusta King"
    person.save(update_fields=["display_name", "name_key"])
    assert (found("lovelace"), found("augus")) == (set(), {"ada"})
    person.delete()
    assert found("augus") == set()


# --- filters and counts ----------------------------------------------------------------------------------------------


@pytest.fixture
def everybody(people: None, provider: IdentityProvider) -> None:
    ada = User.objects.get(company_email="ada@contoso.example")
    FederatedIdentity.objects.create(person=ada, provider=provider, issuer=provider.issuer, subject="1")
    User.objects.filter(pk=ada.pk).update(last_login=timezone.now())
    group = Group.objects.create(name="Staff")
    GroupMembership.objects.create(group=group, person=ada)


FILTERS = [
    ({"state": "active", "role": "none"}, {"ada", "grace"}),
    ({"state": "staged"}, {"jose"}),
    ({"state": "suspended"}, {"nameless"}),
    ({"sign_in": "linked"}, {"ada"}),
    ({"sign_in": "unlinked", "role": "none"}, {"grace", "jose", "nameless"}),
    ({"sign_in": "never", "role": "none"}, {"grace", "jose", "nameless"}),
    ({"sign_in": "never", "state": "staged", "search": "mull"}, {"jose"}),
    ({"state": "staged", "search": "ada"}, set()),
    ({"search": "ada"}, {"ada"}),
]


# A word may find more than are sorted by name, where all people are still few.
@pytest.mark.parametrize(("few", "by_name"), [(people_list.FEW, people_list.FEW_BY_NAME), (people_list.FEW, 0), (0, 0)])
@pytest.mark.parametrize(("conditions", "expected"), FILTERS)
def test_filters_find_and_count_the_same(
    everybody: None,
    conditions: dict[str, str],
    expected: set[str],
    few: int,
    by_name: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(people_list, "FEW", few)
    monkeypatch.setattr(people_list, "FEW_BY_NAME", by_name)
    for sort in people_list.SORTS:
        assert set(emails(PeopleFilter(**conditions), sort=sort)) == expected  # type: ignore[arg-type]
    count = find_people(PeopleFilter(**conditions)).count  # type: ignore[arg-type]
    assert count == Count(len(expected))


def test_filters_by_role_group_and_choice(everybody: None) -> None:
    administrators = find_people(PeopleFilter(role="any")).rows
    assert [person.admin_role for person in administrators] == ["administrator_with_billing"]
    assert emails(PeopleFilter(role="help_desk")) == []
    assert emails(PeopleFilter(group=Group.objects.get().pk)) == ["ada"]
    chosen = User.objects.get(company_email="jose@contoso.example").pk
    assert emails(PeopleFilter(only=[chosen])) == ["jose"]
    assert find_people(PeopleFilter(only=[])).count == Count(0)


def counted() -> dict[tuple[str, str, bool, bool], int]:
    """Return the sums that the database keeps, without those that are zero."""
    sums: dict[tuple[str, str, bool, bool], int] = {}
    for row in PeopleCount.objects.all():
        key = (row.state, row.admin_role, row.linked, row.signed_in)
        sums[key] = sums.get(key, 0) + row.amount
    return {key: amount for key, amount in sums.items() if amount}


def truly() -> dict[tuple[str, str, bool, bool], int]:
    """Return the same, counted one by one."""
    sums: dict[tuple[str, str, bool, bool], int] = {}
    for person in User.objects.all():
        key = (person.state, person.admin_role or "", person.linked, person.last_login is not None)
        sums[key] = sums.get(key, 0) + 1
    return sums


def test_the_counts_follow_every_change(everybody: None) -> None:
    assert counted() == truly()
    grace = User.objects.get(company_email="grace@contoso.example")
    suspend_person(actor=OPERATOR, person=grace)
    activate_person(actor=OPERATOR, person=User.objects.get(company_email="jose@contoso.example"))
    assert counted() == truly()
    User.objects.filter(state=State.ACTIVE).update(last_login=timezone.now())
    User.objects.bulk_create(User(company_email=f"b{n}@contoso.example", user_name=f"b{n}") for n in range(3))
    grace.delete()
    make_administrator()
    assert counted() == truly()
    assert counts_by_state() == {"staged": 3, "active": 2, "suspended": 1}


def test_adding_up_the_counts_changes_no_sum(everybody: None) -> None:
    before = counted()
    fold_counts()
    assert counted() == before == truly()
    assert PeopleCount.objects.filter(amount__gt=0).count() == len(before)


def test_a_link_marks_its_person_and_the_last_one_gone_unmarks(provider: IdentityProvider) -> None:
    first, second = make_person(), make_person()
    link = FederatedIdentity.objects.create(person=first, provider=provider, issuer="https://a.example", subject="1")
    other = FederatedIdentity.objects.create(person=first, provider=provider, issuer="https://b.example", subject="2")

    def linked() -> list[bool]:
        return [User.objects.get(pk=person.pk).linked for person in (first, second)]

    assert linked() == [True, False]
    other.delete()
    assert linked() == [True, False]
    FederatedIdentity.objects.filter(pk=link.pk).update(person=second)
    assert linked() == [False, True]
    FederatedIdentity.objects.all().delete()
    assert linked() == [False, False]
    assert counted() == truly()


# --- order and pages -------------------------------------------------------------------------------------------------


@pytest.fixture
def many(db: None) -> list[User]:
    """Twelve people, of whom two share every name and moment, and a third has never signed in."""
    now = timezone.now()
    for number in range(12):
        person = make_person(f"p{number:02}@contoso.example", display_name=f"Name {number // 2}")
        login = None if number % 3 == 0 else now - timedelta(days=number // 2)
        times = {"last_login": login, "created_at": now - timedelta(days=number // 2)}
        User.objects.filter(pk=person.pk).update(**times)
    return list(User.objects.all())


@pytest.mark.parametrize("few", [people_list.FEW, 0])
@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in people_list.SORTS for sign in ("", "-")])
def test_every_order_goes_through_everybody_once_and_back_again(
    many: list[User], sort: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_list, "FEW", few)
    monkeypatch.setattr(people_list, "FEW_BY_NAME", few)
    pages = [find_people(PeopleFilter(), sort=sort, limit=5)]
    while pages[-1].next:
        pages.append(find_people(PeopleFilter(), sort=sort, limit=5, after=pages[-1].next))
    assert [len(page.rows) for page in pages] == [5, 5, 2]
    rows = [person for page in pages for person in page.rows]
    assert {person.pk for person in rows} == {person.pk for person in many}
    assert _in_order(rows, sort)
    assert pages[0].previous == ""
    for earlier, later in zip(pages[-2::-1], pages[:0:-1], strict=True):
        back = find_people(PeopleFilter(), sort=sort, limit=5, before=later.previous)
        assert [person.pk for person in back.rows] == [person.pk for person in earlier.rows]
        assert bool(back.previous) == (earlier is not pages[0]) and back.next == earlier.next


def _in_order(rows: list[User], sort: str) -> bool:
    column = people_list.SORTS[sort.removeprefix("-")]
    moment = timezone.now() - timedelta(days=9999)
    keys = [getattr(person, column) or moment for person in rows]
    return keys == sorted(keys, reverse=sort.startswith("-"))


@pytest.mark.parametrize("key", ["", "~", "x", "a~b", "2026-13-01~", "\x00~00000000-0000-0000-0000-000000000000"])
def test_a_key_that_is_none_shows_the_first_page(many: list[User], key: str) -> None:
    first = [person.pk for person in find_people(PeopleFilter()).rows]
    for sort in people_list.SORTS:
        assert len(find_people(PeopleFilter(), sort=sort, after=key).rows) == 12
        assert len(find_people(PeopleFilter(), sort=sort, before=key).rows) == 12
    assert [person.pk for person in find_people(PeopleFilter(), sort="made-up").rows] == first


# --- the schedule ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "scheduled", "minutes", "expected"),
    [
        (State.ACTIVE, State.SUSPENDED, -1, False),
        (State.ACTIVE, State.SUSPENDED, 1, True),
        (State.SUSPENDED, State.ACTIVE, -1, True),
        (State.SUSPENDED, State.ACTIVE, 1, False),
    ],
)
def test_a_scheduled_state_counts_from_its_moment_on(
    state: State, scheduled: State, minutes: int, expected: bool
) -> None:
    person = make_person(state=state)
    person.scheduled_state, person.scheduled_at = scheduled, timezone.now() + timedelta(minutes=minutes)
    assert person.is_active == expected
