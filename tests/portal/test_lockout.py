"""Guesses at passwords and second factors: how many are looked at, and what is kept of them."""

from collections.abc import Callable

import pytest
from axes.models import AccessAttempt
from django.db.models import Sum

from tests.browsing import Browser, error_code, last_event
from tests.factories import PASSWORD, make_administrator, make_person
from tests.idp.conformance.support import all_at_once
from tests.second_factors import give_app
from tests.users.support import as_person
from users.models import User
from users.second_factor import make_recovery_codes

LIMIT = 5
STEP, CONFIRM, OWN = "/admin/login/second-factor/", "/admin/confirm/", "/admin/account/password/"
# Whatever is typed: none of it may stand in the table of failures.
TYPED = "typed-by-somebody-"
NEW = {"new_password": f"{TYPED}new", "new_password_again": f"{TYPED}new"}


def looked_at(person: User) -> int:
    """Return how many wrong guesses at an account were looked at: those that were not are counted nowhere."""
    attempts = AccessAttempt.objects.filter(username=person.company_email)
    return int(attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0)


def half_signed_in(person: User) -> Browser:
    browser = Browser()
    assert browser.sign_in_as_administrator(person)["Location"] == STEP
    return browser


@pytest.mark.django_db(transaction=True)
def test_of_many_passwords_at_once_as_many_are_looked_at_as_one_after_another() -> None:
    person = make_person(password=PASSWORD)
    all_at_once(lambda browser: browser.sign_in_with_password(person, "wrong"), [Browser() for _ in range(16)])
    assert looked_at(person) == LIMIT


@pytest.mark.django_db(transaction=True)
def test_of_many_codes_at_once_as_many_are_looked_at_as_one_after_another() -> None:
    person = make_administrator()
    give_app(person)
    browsers = [half_signed_in(person) for _ in range(16)]
    all_at_once(lambda browser: browser.post(STEP, {"code": "000000"}), browsers)
    assert looked_at(person) == LIMIT


@pytest.mark.django_db(transaction=True)
def test_no_failure_counts_twice_while_others_begin() -> None:
    person = make_administrator()
    give_app(person)
    browsers = [half_signed_in(person) for _ in range(LIMIT)]
    all_at_once(lambda browser: browser.post(STEP, {"code": "000000"}), browsers)
    assert looked_at(person) == LIMIT


@pytest.mark.django_db(transaction=True)
def test_many_who_sign_in_at_once_from_one_office_do_not_lock_each_other_out() -> None:
    people = [make_person(password=PASSWORD) for _ in range(16)]
    responses = all_at_once(lambda person: Browser().sign_in_with_password(person), people)
    assert {response.status_code for response in responses} == {302}
    assert not AccessAttempt.objects.exists()


def _sign_in(person: User, typed: str) -> None:
    Browser().sign_in_as_administrator(person, typed)


def _second_step(person: User, typed: str) -> None:
    half_signed_in(person).post(STEP, {"code": typed})


def _confirm(person: User, typed: str) -> None:
    _signed_in(person).post(CONFIRM, {"password": typed, "code": typed})


def _change_password(person: User, typed: str) -> None:
    _signed_in(person).post(OWN, {"old_password": typed, **NEW})


def _signed_in(person: User) -> Browser:
    browser = half_signed_in(person)
    assert (
        browser.post(STEP, {"code": make_recovery_codes(actor=as_person(person), person=person)[0]}).status_code == 302
    )
    return browser


@pytest.mark.django_db
@pytest.mark.parametrize("guess", [_sign_in, _second_step, _confirm, _change_password])
def test_nothing_that_was_typed_is_kept_with_the_failure(guess: Callable[[User, str], None]) -> None:
    person = make_administrator()
    give_app(person)
    guess(person, f"{TYPED}guess")
    (row,) = AccessAttempt.objects.values()
    assert row["failures_since_start"] == 1
    assert TYPED not in str(row) and "csrf" not in str(row)


@pytest.mark.django_db
def test_the_right_password_of_somebody_whom_it_opens_nothing_counts_like_a_wrong_one() -> None:
    """Otherwise whoever guesses would see from the missing lock-out that it was right."""
    person = make_person(password=PASSWORD)
    statuses = [Browser().sign_in_as_administrator(person).status_code for _ in range(6)]
    assert statuses == [401] * 4 + [429] * 2


@pytest.mark.django_db
def test_a_right_password_forgets_no_failures_where_a_second_factor_follows() -> None:
    person = make_administrator()
    give_app(person)
    for _ in range(3):
        half_signed_in(person).post(STEP, {"code": "000000"})
    half_signed_in(person)
    assert looked_at(person) == 3
    assert half_signed_in(person).post(STEP, {"code": "000000"}).status_code == 401
    assert error_code(half_signed_in(person).post(STEP, {"code": "000000"})) == "portal.sign_in_locked"
    assert last_event(action="admin_portal.sign_in.failed").error_code == "portal.sign_in_locked"


@pytest.mark.django_db
def test_addresses_of_ipv4_in_the_clothes_of_ipv6_are_counted_each_for_itself() -> None:
    """A server that listens on [::] sees every client of IPv4 so, and all of them lie in one /64."""
    person = make_person(password=PASSWORD)
    for last in (9, 10):
        form = {"email": person.company_email, "password": "wrong"}
        Browser().post("/login/password/", form, REMOTE_ADDR=f"::ffff:203.0.113.{last}")
    counted = AccessAttempt.objects.order_by("pk").values_list("ip_address", flat=True)
    assert list(counted) == ["203.0.113.9", "203.0.113.10"]
