"""`manage.py sessions`: who is signed in where, and ending it, from a shell."""

import pytest

from tests.browsing import Browser, last_event
from tests.commands.running import run
from tests.factories import PASSWORD, make_administrator, make_person
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada_at_work() -> tuple[User, Browser]:
    """Ada, and a browser in which she is signed in."""
    person = make_person("ada@contoso.example", password=PASSWORD)
    return person, signed_in(person)


def signed_in(person: User) -> Browser:
    browser = Browser(headers={"user-agent": "Firefox/140.0"}, REMOTE_ADDR="203.0.113.7")
    assert browser.sign_in_with_password(person).status_code == 302
    return browser


def test_it_lists_what_there_is(ada_at_work: tuple[User, Browser]) -> None:
    person, browser = ada_at_work
    signed_in(make_person(password=PASSWORD))
    (row,) = run("sessions", "list", "ada@contoso.example", "--json").json
    assert (row["person"], row["portal"], row["client_ip"]) == ("ada@contoso.example", "user", "203.0.113.7")
    assert row["user_agent"] == "Firefox/140.0" and row["provider_id"] is None and row["ends_at"]
    assert len(run("sessions", "list", "--json").json) == 2
    assert len(run("sessions", "list", "--limit", "1", "--json").json) == 1
    assert row["session"] in run("sessions", "list").out
    assert browser.session_cookie not in run("sessions", "list").out


def test_nobody_is_signed_in(db: None) -> None:
    assert run("sessions", "list").out.strip() == "Nobody is signed in."


def test_it_ends_one_all_of_a_person_or_everybodys(ada_at_work: tuple[User, Browser]) -> None:
    person, first = ada_at_work
    name = run("sessions", "list", "--json").json[0]["session"]
    second, other, office = signed_in(person), signed_in(make_person(password=PASSWORD)), Browser()
    office.sign_in_as_administrator(make_administrator())
    assert run("sessions", "end", name, "--json").json == {"sessions_ended": 1}
    assert (first.is_signed_in, second.is_signed_in) == (False, True)
    assert run("sessions", "end", "--person", "ada@contoso.example", "--json").json == {"sessions_ended": 1}
    assert (second.is_signed_in, other.is_signed_in, office.is_administering) == (False, True, True)
    assert run("sessions", "end", "--all", "--json").json == {"sessions_ended": 2}
    assert (other.is_signed_in, office.is_administering) == (False, False)
    event = last_event(action="users.session.ended")
    assert event.actor_label.startswith("operator")
    assert event.details == {"sessions_ended": 2, "everybody": True}


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("end", "0" * 40), "users.session_not_found", 4),
        (("end", "x\x00"), "users.session_not_found", 4),
        (("end", "--person", "nobody"), "users.not_found", 4),
        (("list", "nobody"), "users.not_found", 4),
        (("end",), "usage", 2),
        (("end", "x", "--all"), "usage", 2),
        (("list", "--limit", "0"), "usage", 2),
    ],
)
def test_it_says_what_is_wrong(arguments: tuple[str, ...], code: str, status: int, db: None) -> None:
    refused = run("sessions", *arguments)
    assert refused.status == status and code in refused.err
