"""What the list of people says above its rows of how many there are: never more than is true."""

import re

import pytest

from tests.browsing import Browser
from tests.factories import make_person
from tests.portal.test_people_page import LIST, listed, text_of
from users import people_list
from users.models import State, User
from users.people_list import PAGE_SIZE, Count, PeopleFilter, find_people

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty Lovelaces and eight Hoppers in a directory in which five of one kind are many already."""
    monkeypatch.setattr(people_list, "FEW", 5)
    monkeypatch.setattr(people_list, "FEW_BY_NAME", 5)
    for number in range(40):
        state = State.STAGED if number < 6 else State.ACTIVE
        make_person(f"a{number}@contoso.example", display_name=f"Ada{number:02} Lovelace", state=state)
    for number in range(8):
        make_person(f"g{number}@contoso.example", display_name=f"Grace{number} Brewster Lovelace")


def said(browser: Browser, **query: str) -> tuple[str, int]:
    """Return the line of the count, and how many rows there are."""
    page = browser.get(LIST, query)
    line = re.search(r'class="result-count[^>]*>([^<]+)<', page.content.decode())
    assert line is not None
    assert ("Nobody fits" in text_of(page)) == (listed(page) == [])
    return line[1].strip(), len(listed(page))


@pytest.mark.parametrize(
    ("query", "words", "rows"),
    [
        ({"search": "Lovelace zz"}, "0 people", 0),
        ({"search": "lovelace brew"}, "8 people", 8),
        ({"search": "lovelace brew", "sort": "-email"}, "8 people", 8),
        ({"search": "lovelace brew", "state": "staged"}, "0 people", 0),
        ({"search": "lovelace", "state": "staged"}, "6 people", 6),
        ({"search": "lovelace brew grace7"}, "1 person", 1),
        ({"search": "lovelace"}, f"More than {PAGE_SIZE} people", PAGE_SIZE),
        ({"search": "lovelace ada"}, f"More than {PAGE_SIZE} people", PAGE_SIZE),
    ],
)
def test_the_count_is_exact_where_a_page_shows_all(
    many: None, admin_browser: Browser, query: dict[str, str], words: str, rows: int
) -> None:
    assert said(admin_browser, **query) == (words, rows)


def test_a_single_word_of_many_says_how_many_at_least(
    many: None, admin_browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_list, "FEW_BY_NAME", 35)
    assert said(admin_browser, search="lovelace") == ("More than 35 people", PAGE_SIZE)
    assert said(admin_browser, search="lovelace", state="active") == (f"More than {PAGE_SIZE} people", PAGE_SIZE)


def test_later_pages_say_no_more_than_they_know(many: None, administrator: User) -> None:
    wanted = PeopleFilter(search="lovelace brew")
    first = find_people(wanted, limit=3)
    second = find_people(wanted, limit=3, after=first.next)
    third = find_people(wanted, limit=3, after=second.next)
    assert [page.count for page in (first, second, third)] == [Count(3, is_exact=False)] * 3
    assert find_people(wanted, limit=3, before=second.previous).rows == first.rows
    assert find_people(wanted, limit=5, after=find_people(wanted, limit=5).next).count == Count(8)
    beyond = find_people(wanted, after="  zzz~00000000-0000-0000-0000-000000000000")
    assert (list(beyond.rows), beyond.count) == ([], Count(8))


def test_everybody_can_be_chosen_where_the_count_is_known(many: None, admin_browser: Browser) -> None:
    first = find_people(PeopleFilter(search="lovelace"))
    assert "All " not in text_of(admin_browser.get(LIST, {"search": "lovelace"})).replace("All people", "")
    later = admin_browser.get(LIST, {"search": "lovelace", "after": first.next})
    assert "All 48 people" in text_of(later)
