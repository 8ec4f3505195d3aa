"""The one-time link that creates the first administrator."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.factories import OPERATOR, PASSWORD, make_administrator
from tests.users.support import VISITOR, at_once, audit_rows, refused
from users.administrators import check_setup_token, create_first_administrator, issue_setup_link, needs_setup
from users.errors import CompanyEmailInvalid, PasswordRefused, SetupDone, SetupLinkInvalid
from users.models import AdminRole, SetupToken, User

pytestmark = pytest.mark.django_db


def spend(token: str, email: str = "first@contoso.example", password: str = PASSWORD) -> User:
    return create_first_administrator(
        actor=VISITOR, token=token, company_email=email, display_name="First", password=password
    )


def test_it_creates_the_first_administrator() -> None:
    assert needs_setup()
    person = spend(issue_setup_link(actor=OPERATOR))
    assert (person.admin_role, person.state) == (AdminRole.ADMINISTRATOR_WITH_BILLING, "active")
    assert person.check_password(PASSWORD) and not needs_setup()


def test_it_works_once() -> None:
    token = issue_setup_link(actor=OPERATOR)
    spend(token)
    User.objects.all().delete()  # even where there is no administrator again
    refused(SetupLinkInvalid, spend, token=token)
    refused(SetupLinkInvalid, check_setup_token, token=token)


@pytest.mark.parametrize(("minutes", "works"), [(59, True), (61, False)])
def test_it_works_for_an_hour(minutes: int, works: bool) -> None:
    token = issue_setup_link(actor=OPERATOR)
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        if works:
            spend(token)
        else:
            refused(SetupLinkInvalid, spend, token=token)
    assert User.objects.exists() == works


def test_a_newer_link_replaces_an_older_one() -> None:
    older, newer = issue_setup_link(actor=OPERATOR), issue_setup_link(actor=OPERATOR)
    refused(SetupLinkInvalid, spend, token=older)
    assert spend(newer)


def test_it_is_refused_once_there_is_an_administrator() -> None:
    token = issue_setup_link(actor=OPERATOR)
    make_administrator()
    refused(SetupDone, spend, token=token)
    refused(SetupDone, issue_setup_link, actor=OPERATOR)


@pytest.mark.parametrize("token", ["", "x", "a\x00b", "x" * 10_000])
def test_a_made_up_token_opens_nothing(token: str) -> None:
    issue_setup_link(actor=OPERATOR)
    refused(SetupLinkInvalid, spend, token=token)


@pytest.mark.parametrize(
    ("email", "password", "error"),
    [("no email", PASSWORD, CompanyEmailInvalid), ("first@contoso.example", "short", PasswordRefused)],
)
def test_it_stays_good_after_bad_input(email: str, password: str, error: type) -> None:
    token = issue_setup_link(actor=OPERATOR)
    refused(error, spend, token=token, email=email, password=password)
    assert not User.objects.exists()
    assert spend(token)


@pytest.mark.django_db(transaction=True)
def test_used_by_two_at_once_it_makes_one_administrator() -> None:
    token = issue_setup_link(actor=OPERATOR)
    results = at_once(lambda: spend(token, "a@contoso.example"), lambda: spend(token, "b@contoso.example"))
    outcomes = {type(result).__name__ for result in results}
    assert "User" in outcomes and outcomes & {"SetupLinkInvalid", "SetupDone"}
    assert User.objects.count() == 1


def test_only_its_hash_is_stored_and_nothing_of_it_is_audited() -> None:
    token = issue_setup_link(actor=OPERATOR)
    stored = SetupToken.objects.get()
    assert token not in (stored.token_hash, str(stored))
    spend(token)
    assert audit_rows() == [
        ("users.setup_link.issued", "success", ""),
        ("users.administrator.set_up", "success", ""),
    ]
