"""Editing and deleting people."""

from datetime import timedelta

import pytest
from django.utils import timezone

from idp.models import FederatedIdentity, IdentityProvider
from tests.browsing import Browser
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.users.support import as_person, at_once, audit_rows, refused
from users.errors import (
    CompanyEmailInvalid,
    CompanyEmailTaken,
    ExternalIdTaken,
    LastBillingAdministrator,
    NameInvalid,
    PermissionRefused,
    PersonNotFound,
    UserNameInvalid,
    UserNameTaken,
)
from users.groups import add_group, add_members
from users.models import AdminRole, AuditEvent, User, UserSession
from users.people import delete_person, edit_person
from users.people_errors import (
    DeletesOneself,
    DeletionNotConfirmed,
    PersonChangedMeanwhile,
    PhoneNumberInvalid,
)
from users.people_list import PeopleFilter, find_people
from users.services import suspend_person

pytestmark = pytest.mark.django_db


def edit(person: User, **changes: object) -> User:
    return edit_person(actor=OPERATOR, person=person, **changes)  # type: ignore[arg-type]


def test_everything_is_kept_in_its_normal_form_and_recorded() -> None:
    person = make_person("ada@contoso.example", display_name="")
    edited = edit(
        person,
        company_email=" Ada.Lovelace@Contoso.example ",
        user_name="ADA.L",
        given_name=" Ada ",
        family_name="Lovelace",
        display_name="",
        title="Countess  of Lovelace",
        department="Engines",
        phone_number=" +44 20  7946 0958 ",
        external_id="A2B5B2E0-0000-4000-8000-000000000001",
    )
    edited.refresh_from_db()
    assert (edited.company_email, edited.user_name, edited.label) == (
        "ada.lovelace@contoso.example",
        "ada.l",
        "Ada Lovelace",
    )
    assert (edited.title, edited.department, edited.phone_number) == (
        "Countess of Lovelace",
        "Engines",
        "+44 20 7946 0958",
    )
    assert edited.external_id == "a2b5b2e0-0000-4000-8000-000000000001"
    assert [found.pk for found in find_people(PeopleFilter(search="lovel")).rows] == [person.pk]
    changes = AuditEvent.objects.filter(action="users.person.edited").get().details["changes"]
    assert changes["company_email"] == {"from": "ada@contoso.example", "to": "ada.lovelace@contoso.example"}
    assert edit(person, title="Countess of Lovelace").title == "Countess of Lovelace"
    assert AuditEvent.objects.filter(action="users.person.edited").count() == 1


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (CompanyEmailInvalid, {"company_email": "no email"}),
        (CompanyEmailInvalid, {"company_email": ""}),
        (CompanyEmailTaken, {"company_email": "GRACE@contoso.example"}),
        (UserNameInvalid, {"user_name": ""}),
        (UserNameTaken, {"user_name": "Grace"}),
        (ExternalIdTaken, {"external_id": "object-1"}),
        (NameInvalid, {"title": "x" * 151}),
        (NameInvalid, {"department": "a\x1bb"}),
        (PhoneNumberInvalid, {"phone_number": "call me"}),
        (PhoneNumberInvalid, {"phone_number": "+" + "1" * 50}),
    ],
)
def test_bad_input_changes_nothing(error: type, changes: dict[str, str]) -> None:
    make_person("grace@contoso.example", external_id="object-1")
    person = make_person("ada@contoso.example", display_name="Ada")
    found = refused(error, edit, person=person, display_name="Other", **changes)
    assert found.field == next(iter(changes))
    person.refresh_from_db()
    assert (person.display_name, person.company_email) == ("Ada", "ada@contoso.example")
    assert audit_rows(action="users.person.edited")[-1][1:] == ("refused", found.code)
    assert PhoneNumberInvalid.code == "users.phone_number_invalid"


def test_a_stale_form_is_refused() -> None:
    person = make_person()
    seen = person.updated_at
    edit(person, title="First", seen=seen)
    error = refused(PersonChangedMeanwhile, edit, person=person, title="Second", seen=seen)
    assert error.code == "users.changed_meanwhile"
    person.refresh_from_db()
    assert person.title == "First"
    assert edit(person, title="Second", seen=person.updated_at).title == "Second"


@pytest.mark.django_db(transaction=True)
def test_of_two_forms_saved_at_once_one_wins() -> None:
    person = make_person()
    seen = person.updated_at
    results = at_once(*[lambda title=title: edit(person, title=title, seen=seen) for title in ("One", "Two")])
    assert sorted(isinstance(result, PersonChangedMeanwhile) for result in results) == [False, True]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_an_email_at_once_one_gets_it() -> None:
    people = [make_person(), make_person()]
    takes = [lambda person=person: edit(person, company_email="free@contoso.example") for person in people]
    results = at_once(*takes)
    assert sorted(isinstance(result, CompanyEmailTaken) for result in results) == [False, True]
    assert User.objects.filter(company_email="free@contoso.example").count() == 1


def test_a_new_email_signs_in_locally_and_keeps_the_link(provider: IdentityProvider, ada: User) -> None:
    Browser().federated_sign_in()
    edit(ada, company_email="countess@contoso.example")
    assert FederatedIdentity.objects.get().person == ada
    browser = Browser()
    assert browser.federated_sign_in().status_code in {302, 303}
    assert browser.is_signed_in


def test_a_locally_kept_password_goes_with_the_new_email() -> None:
    person = make_person("ada@contoso.example", password=PASSWORD)
    edit(person, company_email="countess@contoso.example")
    assert Browser().sign_in_with_password(person).status_code == 401
    person.refresh_from_db()
    assert Browser().sign_in_with_password(person).status_code == 302


@pytest.mark.parametrize("role", AdminRole)
def test_who_may_edit_and_delete_whom(role: AdminRole) -> None:
    make_administrator()
    actor = as_person(make_administrator(role))
    person, administrator = make_person(), make_administrator(AdminRole.READ_ONLY)
    may = {
        person: role in {AdminRole.ADMINISTRATOR_WITH_BILLING, AdminRole.ADMINISTRATOR},
        administrator: role == AdminRole.ADMINISTRATOR_WITH_BILLING,
    }
    for whom, allowed in may.items():
        for act, more in ((edit_person, {"title": "New"}), (delete_person, {"confirmation": whom.company_email})):
            if allowed:
                act(actor=actor, person=whom, **more)
            else:
                refused(PermissionRefused, act, actor=actor, person=whom, **more)
    assert User.objects.filter(pk__in=[person.pk, administrator.pk]).count() == 2 - sum(may.values())


# --- deleting --------------------------------------------------------------------------------------------------------


def test_deleting_takes_everything_but_the_audit_log(provider: IdentityProvider, ada: User) -> None:
    browser = Browser()
    browser.federated_sign_in()
    add_members(actor=OPERATOR, group=add_group(actor=OPERATOR, name="Engineers"), people=[ada.pk])
    rows = AuditEvent.objects.filter(target_id=str(ada.pk)).count()
    assert rows > 3
    delete_person(actor=OPERATOR, person=ada, confirmation=" ADA@contoso.example ")
    assert not User.objects.filter(pk=ada.pk).exists() and not FederatedIdentity.objects.exists()
    assert not UserSession.objects.filter(person=ada.pk).exists() and not browser.is_signed_in
    event = AuditEvent.objects.get(action="users.person.deleted")
    assert (event.target_id, event.target_label) == (str(ada.pk), "Ada Lovelace")
    assert event.details["company_email"] == "ada@contoso.example" and event.details["groups"] == ["Engineers"]
    assert event.details["deleted"] == {"UserSession": 1, "FederatedIdentity": 1, "GroupMembership": 1}
    assert AuditEvent.objects.filter(target_id=str(ada.pk)).count() == rows + 1
    assert refused(PersonNotFound, edit, person=ada, title="Late").code == "users.not_found"


def test_deleting_must_be_confirmed_by_the_email() -> None:
    person = make_person("ada@contoso.example")
    for text in ("", "ada", "grace@contoso.example"):
        error = refused(DeletionNotConfirmed, delete_person, actor=OPERATOR, person=person, confirmation=text)
        assert (error.code, error.field) == ("users.deletion_not_confirmed", "confirmation")


def test_nobody_deletes_herself_or_the_last_who_could_administer() -> None:
    first, second = make_administrator(), make_administrator()
    error = refused(DeletesOneself, delete_person, actor=as_person(first), person=first, confirmation="")
    assert error.code == "users.deletes_oneself"
    delete_person(actor=as_person(first), person=second, confirmation=second.company_email)
    refused(LastBillingAdministrator, delete_person, actor=OPERATOR, person=first, confirmation=first.company_email)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_delete_each_other_leave_one() -> None:
    pair = [make_administrator(), make_administrator()]
    acts = [
        lambda one=one, other=other: delete_person(actor=as_person(one), person=other, confirmation=other.company_email)
        for one, other in (pair, pair[::-1])
    ]
    at_once(*acts)
    assert User.objects.administrators().count() == 1


def test_a_deleted_persons_failures_are_forgotten_with_her() -> None:
    person = make_person("ada@contoso.example", password=PASSWORD)
    for _ in range(5):
        Browser().sign_in_with_password(person, "wrong")
    suspend_person(actor=OPERATOR, person=person)
    delete_person(actor=OPERATOR, person=person, confirmation="ada@contoso.example")
    successor = make_person("ada@contoso.example", password=PASSWORD)
    assert Browser().sign_in_with_password(successor).status_code == 302
    assert timezone.now() - successor.created_at < timedelta(minutes=1)
