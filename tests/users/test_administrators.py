"""Administrators: who gets a role, who loses it, and that one always stays."""

from collections.abc import Callable

import pytest

from tests.browsing import Browser, last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.users.support import as_person, at_once, audit_rows, refused
from users.administrators import (
    add_administrator,
    needs_setup,
    remove_administrator,
    set_admin_password,
    set_admin_role,
)
from users.audit import Actor
from users.errors import (
    AlreadyAdministrator,
    CompanyEmailInvalid,
    DirectoryError,
    LastBillingAdministrator,
    NotAnAdministrator,
    PermissionRefused,
)
from users.models import AdminRole, State, User
from users.people_errors import SuspendsOneself
from users.services import activate_person, suspend_person

pytestmark = pytest.mark.django_db

BILLING = AdminRole.ADMINISTRATOR_WITH_BILLING
WAYS_OUT: dict[str, Callable[..., object]] = {
    "demoted": lambda **who: set_admin_role(**who, role=AdminRole.ADMINISTRATOR),
    "removed": remove_administrator,
    "suspended": suspend_person,
}
every_way_out = pytest.mark.parametrize("leave", WAYS_OUT.values(), ids=WAYS_OUT)


@every_way_out
def test_the_last_billing_administrator_stays(leave: Callable[..., object], administrator: User) -> None:
    make_administrator(AdminRole.ADMINISTRATOR)
    error = refused(LastBillingAdministrator, leave, actor=OPERATOR, person=administrator)
    assert administrator.label in error.message
    administrator.refresh_from_db()
    assert (administrator.admin_role, administrator.state) == (BILLING, State.ACTIVE)
    assert last_event(outcome="refused").error_code == "users.last_billing_administrator"


@every_way_out
@pytest.mark.parametrize("spoilt", [{"state": State.SUSPENDED}, {"state": State.STAGED}, {"password": "!unusable"}])
def test_one_who_cannot_sign_in_does_not_count(
    leave: Callable[..., object], spoilt: dict[str, str], administrator: User
) -> None:
    User.objects.filter(pk=make_administrator().pk).update(**spoilt)
    refused(LastBillingAdministrator, leave, actor=OPERATOR, person=administrator)


@every_way_out
def test_one_of_two_may_leave(leave: Callable[..., object], administrator: User) -> None:
    other = make_administrator()
    leave(actor=as_person(administrator), person=other)
    other.refresh_from_db()
    assert (other.admin_role, other.state) != (BILLING, State.ACTIVE)
    refused(LastBillingAdministrator, leave, actor=OPERATOR, person=administrator)


@pytest.mark.django_db(transaction=True)
@every_way_out
def test_two_who_push_each_other_out_at_once_leave_one(leave: Callable[..., object]) -> None:
    first, second = make_administrator(), make_administrator()
    results = at_once(
        lambda: leave(actor=as_person(first), person=second), lambda: leave(actor=as_person(second), person=first)
    )
    assert sum(isinstance(result, LastBillingAdministrator) for result in results) == 1
    assert User.objects.filter(admin_role=BILLING, state=State.ACTIVE).count() == 1


def test_somebody_new_becomes_an_administrator() -> None:
    person = make_administrator(AdminRole.HELP_DESK, "help@contoso.example")
    assert (person.admin_role, person.state, person.check_password(PASSWORD)) == (AdminRole.HELP_DESK, "active", True)
    assert last_event(action="users.administrator.added").details == {"role": "help_desk"}


def test_a_known_person_becomes_an_administrator_and_signs_in_again(browser_client: Browser) -> None:
    person = make_person(password=PASSWORD)
    browser_client.sign_in_with_password(person)
    add_administrator(actor=OPERATOR, company_email=person.company_email.upper(), role=BILLING, password=None)
    assert not browser_client.is_signed_in
    assert browser_client.sign_in_as_administrator(person).status_code == 302


def test_a_look_alike_email_gives_nobody_else_a_role() -> None:
    kate = make_person("kate@contoso.example")
    arguments = {"actor": OPERATOR, "company_email": "\u212aate@contoso.example", "role": BILLING}
    refused(CompanyEmailInvalid, add_administrator, **arguments, password=PASSWORD)
    kate.refresh_from_db()
    assert kate.admin_role is None


def test_nobody_becomes_an_administrator_twice(administrator: User) -> None:
    arguments = {"actor": OPERATOR, "company_email": administrator.company_email, "role": AdminRole.READ_ONLY}
    refused(AlreadyAdministrator, add_administrator, **arguments, password=None)


@pytest.mark.parametrize(
    "act",
    [
        remove_administrator,
        lambda **who: set_admin_role(**who, role=BILLING),
        lambda **who: set_admin_password(**who, password=PASSWORD),
    ],
)
def test_a_person_without_a_role_is_no_administrator(act: Callable[..., object]) -> None:
    refused(NotAnAdministrator, act, actor=OPERATOR, person=make_person())


def test_a_removed_administrator_stays_as_a_person(administrator: User, browser_client: Browser) -> None:
    other = make_administrator()
    browser_client.sign_in_as_administrator(other)
    remove_administrator(actor=as_person(administrator), person=other)
    assert not browser_client.is_administering
    assert browser_client.sign_in_as_administrator(other).status_code == 401
    assert browser_client.sign_in_with_password(other).status_code == 302


@pytest.mark.parametrize("act", ["role", "password"])
def test_a_new_role_or_password_ends_the_sessions(act: str, administrator: User, browser_client: Browser) -> None:
    other = make_administrator()
    browser_client.sign_in_as_administrator(other)
    if act == "role":
        set_admin_role(actor=OPERATOR, person=other, role=AdminRole.HELP_DESK)
    else:
        set_admin_password(actor=OPERATOR, person=other, password="another-umbrella-0815")
    assert not browser_client.is_administering


def test_setting_the_same_role_changes_nothing(administrator: User) -> None:
    set_admin_role(actor=OPERATOR, person=administrator, role=BILLING)
    assert audit_rows(action="users.administrator.role_set") == []


@pytest.mark.parametrize("role", [role for role in AdminRole if role != BILLING])
def test_only_billing_administrators_manage_administrators(role: AdminRole, administrator: User) -> None:
    actor = as_person(make_administrator(role))
    for act in (*WAYS_OUT.values(), lambda **who: set_admin_password(**who, password="another-umbrella-0815")):
        refused(PermissionRefused, act, actor=actor, person=administrator)
    new = {"company_email": "new@contoso.example", "role": role, "password": PASSWORD}
    refused(PermissionRefused, add_administrator, actor=actor, **new)
    assert set(audit_rows(actor_id=actor.person.pk)) == {  # type: ignore[union-attr]
        (f"users.{name}", "refused", "users.permission_refused")
        for name in (
            "administrator.added",
            "administrator.role_set",
            "administrator.removed",
            "administrator.password_set",
            "person.suspended",
        )
    }


def test_an_administrator_without_billing_suspends_people_but_no_administrators(administrator: User) -> None:
    actor = as_person(make_administrator(AdminRole.ADMINISTRATOR))
    assert suspend_person(actor=actor, person=make_person()).state == State.SUSPENDED
    refused(PermissionRefused, suspend_person, actor=actor, person=make_administrator(AdminRole.READ_ONLY))


def test_nobody_suspends_herself_and_another_may(administrator: User) -> None:
    other = make_administrator()
    refusal = refused(SuspendsOneself, suspend_person, actor=as_person(other), person=other)
    assert refusal.code == "users.suspends_oneself"
    assert audit_rows(action="users.person.suspended") == [
        ("users.person.suspended", "refused", "users.suspends_oneself")
    ]
    assert suspend_person(actor=as_person(administrator), person=other).state == State.SUSPENDED


def test_a_suspended_administrator_has_no_rights_left(administrator: User) -> None:
    other = make_administrator()
    suspend_person(actor=OPERATOR, person=other)
    other.refresh_from_db()
    refused(PermissionRefused, remove_administrator, actor=as_person(other), person=administrator)


def test_a_role_for_somebody_who_may_not_sign_in_is_refused() -> None:
    """Otherwise the installation would seem to have an administrator, and give out no set-up link."""
    make_person("staged@contoso.example", state=State.STAGED)
    with pytest.raises(DirectoryError) as caught:
        make_administrator(email="staged@contoso.example")
    assert caught.value.code == "users.person_not_active"
    assert needs_setup()


def test_an_administrator_without_billing_does_not_activate_one_with() -> None:
    make_administrator()
    suspended = make_administrator()
    suspend_person(actor=OPERATOR, person=suspended)
    plain = make_administrator(AdminRole.ADMINISTRATOR)
    with pytest.raises(DirectoryError) as caught:
        activate_person(actor=Actor(person=plain, label=plain.label), person=suspended)
    assert caught.value.code == "users.permission_refused"
