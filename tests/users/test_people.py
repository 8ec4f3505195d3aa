"""People: unique without regard to case, found by what one types, and in a known state."""

import pytest
from django.db import IntegrityError, transaction

from idp.models import IdentityProvider
from tests.browsing import Browser, last_event
from tests.factories import OPERATOR, PASSWORD, make_person
from tests.users.support import as_person, at_once, refused
from users.errors import (
    CompanyEmailInvalid,
    CompanyEmailTaken,
    ExternalIdTaken,
    NameInvalid,
    PasswordManagedExternally,
    PersonNotFound,
    UserNameInvalid,
    UserNameTaken,
)
from users.models import State, User
from users.services import activate_person, add_person, find_person, suspend_person

pytestmark = pytest.mark.django_db


def raw_person(**fields: str) -> User:
    return User(**{"user_name": "ada", "company_email": "ada@contoso.example", **fields})


def test_it_refuses_an_email_that_differs_in_case_only() -> None:
    make_person("ada@contoso.example")
    refused(CompanyEmailTaken, add_person, actor=OPERATOR, company_email="ADA@Contoso.example", user_name="other")
    assert User.objects.count() == 1


def test_it_refuses_a_user_name_that_differs_in_case_only() -> None:
    make_person(user_name="ada")
    refused(UserNameTaken, add_person, actor=OPERATOR, company_email="b@contoso.example", user_name="ADA")


def test_it_refuses_an_external_id_that_somebody_has() -> None:
    make_person(external_id="object-1")
    refused(ExternalIdTaken, add_person, actor=OPERATOR, company_email="b@contoso.example", external_id="object-1")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"company_email": "\u212aate@contoso.example"}, CompanyEmailInvalid),
        ({"company_email": "\u0430da@contoso.example"}, CompanyEmailInvalid),
        ({"company_email": "b@contoso.example", "user_name": "not a name"}, UserNameInvalid),
        ({"company_email": "b@contoso.example", "display_name": "a\x00b"}, NameInvalid),
        ({"company_email": "b@contoso.example", "family_name": "x" * 151}, NameInvalid),
        ({"company_email": "b@contoso.example", "external_id": "x" * 256}, NameInvalid),
        ({"company_email": "b@contoso.example", "external_id": "a\nb"}, NameInvalid),
    ],
)
def test_it_refuses_bad_input_and_stores_nothing(fields: dict[str, str], error: type) -> None:
    refusal = refused(error, add_person, actor=OPERATOR, **fields)
    assert User.objects.count() == 0
    event = last_event(action="users.person.added")
    assert (event.outcome, event.error_code) == ("refused", refusal.code)


@pytest.mark.parametrize(
    "second",
    [
        {"company_email": "ada@contoso.example", "user_name": "grace"},
        {"company_email": "grace@contoso.example", "user_name": "ADA"},
        {"company_email": "Grace@contoso.example", "user_name": "grace"},
        {"company_email": "grace@contoso.example", "user_name": "grace", "state": "dreaming"},
        {"company_email": "grace@contoso.example", "user_name": "grace", "admin_role": "owner"},
        {"company_email": "grace@contoso.example", "user_name": "grace", "external_id": "object-1"},
    ],
)
def test_the_database_itself_refuses_a_row_against_the_rules(second: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([raw_person(external_id="object-1"), raw_person(**second)])
    assert not User.objects.exists()


@pytest.mark.parametrize("change", [{"company_email": "ada@contoso.example"}, {"user_name": "Ada"}, {"state": ""}])
def test_the_database_itself_refuses_an_update_against_the_rules(change: dict[str, str]) -> None:
    User.objects.bulk_create([raw_person(), raw_person(company_email="grace@contoso.example", user_name="grace")])
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(user_name="grace").update(**change)


@pytest.mark.django_db(transaction=True)
def test_two_people_with_one_email_cannot_be_added_at_once() -> None:
    def add(email: str, user_name: str) -> User:
        return add_person(actor=OPERATOR, company_email=email, user_name=user_name)

    results = at_once(lambda: add("ada@contoso.example", "ada"), lambda: add("ADA@contoso.example", "other"))
    assert sorted(type(result).__name__ for result in results) == ["CompanyEmailTaken", "User"]
    assert User.objects.count() == 1


def test_it_proposes_a_user_name_and_numbers_it_where_it_is_taken() -> None:
    emails = ("ada@contoso.example", "ada@fabrikam.example", "ada@tailspin.example")
    assert [make_person(email).user_name for email in emails] == ["ada", "ada-2", "ada-3"]


def test_it_proposes_a_free_user_name_for_a_long_email() -> None:
    first, second = (make_person(f"{'a' * 64}@{domain}.example") for domain in ("contoso", "fabrikam"))
    assert first.user_name != second.user_name and len(second.user_name) <= 64


def test_it_finds_a_person_by_email_user_name_and_id() -> None:
    ada = make_person("ada@contoso.example", user_name="lovelace")
    for identifier in (" ADA@contoso.example ", "Lovelace", str(ada.pk), str(ada.pk).upper()):
        assert find_person(identifier) == ada


@pytest.mark.parametrize("identifier", ["", "nobody", "a\x00b", "\u212aate@contoso.example", "x" * 5000])
def test_it_finds_nobody_by_anything_else(identifier: str) -> None:
    make_person("kate@contoso.example", user_name="kate")
    assert refused(PersonNotFound, find_person, identifier=identifier).exit_status == 4


def test_a_new_person_is_staged_and_has_no_password() -> None:
    person = add_person(actor=OPERATOR, company_email="ada@contoso.example")
    assert (person.state, person.has_usable_password(), person.is_active) == (State.STAGED, False, False)


@pytest.mark.parametrize("state", [State.STAGED, State.SUSPENDED])
def test_only_active_people_sign_in(state: State, browser_client: Browser) -> None:
    person = make_person(password=PASSWORD, state=state)
    assert browser_client.sign_in_with_password(person).status_code == 401
    activate_person(actor=OPERATOR, person=person)
    assert browser_client.sign_in_with_password(person).status_code == 302
    assert browser_client.is_signed_in


def test_a_suspended_person_loses_every_session(browser_client: Browser) -> None:
    person, other = make_person(password=PASSWORD), make_person(password=PASSWORD)
    elsewhere, colleague = Browser(), Browser()
    for browser, who in ((browser_client, person), (elsewhere, person), (colleague, other)):
        browser.sign_in_with_password(who)
    suspend_person(actor=OPERATOR, person=person)
    assert (browser_client.is_signed_in, elsewhere.is_signed_in, colleague.is_signed_in) == (False, False, True)
    assert last_event(action="users.person.suspended").details == {"from": "active", "sessions_ended": 2}


def test_a_session_of_a_person_who_is_not_active_any_more_opens_nothing(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    browser_client.sign_in_with_password(person)
    User.objects.filter(pk=person.pk).update(state=State.SUSPENDED)  # past the service that ends sessions
    assert not browser_client.is_signed_in


def test_doing_it_twice_changes_nothing_and_writes_one_row(administrator: User) -> None:
    person = make_person()
    for _ in range(2):
        suspend_person(actor=as_person(administrator), person=person)
    from_admin = {"action": "users.person.suspended", "actor_id": administrator.pk}
    assert last_event(**from_admin).target_label == person.label
    assert type(last_event(**from_admin)).objects.filter(**from_admin).count() == 1


def test_a_person_who_is_gone_is_not_found_any_more() -> None:
    person = make_person()
    User.objects.filter(pk=person.pk).delete()
    refused(PersonNotFound, suspend_person, actor=OPERATOR, person=person)


def test_nobody_gets_a_password_under_federation(provider: IdentityProvider) -> None:
    arguments = {"actor": OPERATOR, "company_email": "new@contoso.example"}
    error = refused(PasswordManagedExternally, add_person, **arguments, password=PASSWORD)
    assert provider.name in error.message
    assert not add_person(**arguments).has_usable_password()
