"""What ends sessions by itself: suspension, a new password, a role, the end of a provider, the limits."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from idp import activation, services
from idp.models import IdentityProvider
from tests.browsing import Browser, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, provider_input
from users.administrators import add_administrator, remove_administrator, set_admin_password, set_admin_role
from users.models import AdminRole, State, User, UserSession
from users.organization import set_limits
from users.services import activate_person, set_person_password, suspend_person

pytestmark = pytest.mark.django_db


def ended(person: User, act: Callable[[], object], *, portal: str) -> bool:
    """Sign somebody in twice, do something, and return whether both sessions ended and a stranger's stayed."""
    stranger = Browser()
    stranger.sign_in_with_password(make_person(password=PASSWORD))
    browsers = [Browser(), Browser()]
    for browser in browsers:
        if portal == "admin":
            browser.sign_in_as_administrator(person)
        else:
            browser.sign_in_with_password(person)
    count = UserSession.objects.filter(person=person).count()
    assert count == 2
    act()
    assert stranger.is_signed_in
    gone = not UserSession.objects.filter(person=person).exists()
    assert gone == (not any(browser.is_signed_in or browser.is_administering for browser in browsers))
    return gone


def test_suspension() -> None:
    person = make_person(password=PASSWORD)
    assert ended(person, lambda: suspend_person(actor=OPERATOR, person=person), portal="user")
    assert last_event(action="users.person.suspended").details["sessions_ended"] == 2


def test_a_session_that_a_sign_in_left_behind_during_the_suspension_does_not_come_back() -> None:
    person = make_person(password=PASSWORD)
    browser = Browser()
    browser.sign_in_with_password(person)
    # As if the suspension had come between the look at the person and the session.
    User.objects.filter(pk=person.pk).update(state=State.SUSPENDED)
    assert not browser.is_signed_in
    activate_person(actor=OPERATOR, person=person)
    assert not browser.is_signed_in
    assert last_event(action="users.person.activated").details["sessions_ended"] == 1


def test_a_new_password() -> None:
    person = make_person(password=PASSWORD)
    change = lambda: set_person_password(actor=OPERATOR, person=person, password=f"{PASSWORD}-2")  # noqa: E731
    assert ended(person, change, portal="user")
    assert last_event(action="users.person.password_set").details["sessions_ended"] == 2


def test_a_new_password_of_an_administrator() -> None:
    person = make_administrator()
    change = lambda: set_admin_password(actor=OPERATOR, person=person, password=f"{PASSWORD}-2")  # noqa: E731
    assert ended(person, change, portal="admin")


def test_suspension_of_an_administrator(administrator: User) -> None:
    person = make_administrator(AdminRole.HELP_DESK)
    assert ended(person, lambda: suspend_person(actor=OPERATOR, person=person), portal="admin")


@pytest.mark.parametrize("portal", ["user", "admin"])
def test_a_role_that_is_changed(portal: str, administrator: User) -> None:
    person = make_administrator(AdminRole.ADMINISTRATOR)
    change = lambda: set_admin_role(actor=OPERATOR, person=person, role=AdminRole.READ_ONLY)  # noqa: E731
    assert ended(person, change, portal=portal)
    assert last_event(action="users.administrator.role_set").details["sessions_ended"] == 2


@pytest.mark.parametrize("portal", ["user", "admin"])
def test_a_role_that_is_taken(portal: str, administrator: User) -> None:
    person = make_administrator(AdminRole.ADMINISTRATOR)
    assert ended(person, lambda: remove_administrator(actor=OPERATOR, person=person), portal=portal)
    assert last_event(action="users.administrator.removed").details["sessions_ended"] == 2


def test_a_role_that_is_given() -> None:
    person = make_person(password=PASSWORD)
    give = lambda: add_administrator(  # noqa: E731
        actor=OPERATOR, company_email=person.company_email, role=AdminRole.HELP_DESK, password=None
    )
    assert ended(person, give, portal="user")
    assert last_event(action="users.administrator.added", target_id=str(person.pk)).details["sessions_ended"] == 2


def test_a_role_that_stays_what_it_was_ends_nothing(administrator: User) -> None:
    person = make_administrator(AdminRole.ADMINISTRATOR)
    keep = lambda: set_admin_role(actor=OPERATOR, person=person, role=AdminRole.ADMINISTRATOR)  # noqa: E731
    assert not ended(person, keep, portal="admin")


def _deactivate(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=provider)


def _delete(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    services.delete_provider(actor=OPERATOR, provider=provider, confirm_name=provider.name)


def _other_application(tenant: PracticeTenant, provider: IdentityProvider) -> None:
    tenant.client_id = "11111111-2222-4333-8444-555555555555"
    services.update_provider(actor=OPERATOR, provider=provider, given=provider_input(tenant), understood=True)


@pytest.mark.parametrize("act", [_deactivate, _delete, _other_application])
def test_the_end_of_a_provider(
    act: Callable[[PracticeTenant, IdentityProvider], None],
    tenant: PracticeTenant,
    provider: IdentityProvider,
    administrator: User,
    ada: User,
    browser_client: Browser,
) -> None:
    """Also a change of whom is trusted. An administrator's own session, which is local, stays."""
    browser_client.federated_sign_in()
    office = Browser()
    office.sign_in_as_administrator(administrator)
    act(tenant, provider)
    assert not UserSession.objects.filter(person=ada).exists()
    assert (browser_client.is_signed_in, office.is_administering) == (False, True)


def test_the_activation_of_a_provider_ends_the_sessions_that_were_opened_locally(
    provider: IdentityProvider, administrator: User
) -> None:
    activation.deactivate_provider(actor=OPERATOR, provider=provider)
    person = make_person(password=PASSWORD)
    local = Browser()
    local.sign_in_with_password(person)
    activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None)
    assert not UserSession.objects.filter(person=person).exists() and not local.is_signed_in


def test_an_idle_session_ends_and_a_busy_one_goes_on_to_the_absolute_limit() -> None:
    set_limits(actor=OPERATOR, session_idle_minutes=20, session_absolute_hours=2)
    idle, busy, start = Browser(), Browser(), timezone.now()
    for browser in (idle, busy):
        browser.sign_in_with_password(make_person(password=PASSWORD))
    for minutes in range(15, 120, 15):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            assert busy.is_signed_in
    with time_machine.travel(start + timedelta(minutes=21)):
        assert not idle.is_signed_in
    with time_machine.travel(start + timedelta(minutes=121)):
        assert not busy.is_signed_in


def test_shorter_limits_hold_at_once_and_longer_ones_when_a_session_is_used() -> None:
    browser, start = Browser(), timezone.now()
    person = make_person(password=PASSWORD)
    browser.sign_in_with_password(person)
    set_limits(actor=OPERATOR, session_idle_minutes=10)
    left = UserSession.objects.get(person=person).expire_date - start
    assert timedelta(minutes=9) < left < timedelta(minutes=11)
    set_limits(actor=OPERATOR, session_idle_minutes=120)
    assert UserSession.objects.get(person=person).expire_date - start < timedelta(minutes=11)
    with time_machine.travel(start + timedelta(minutes=5)):
        assert browser.is_signed_in
    assert UserSession.objects.get(person=person).expire_date - start > timedelta(minutes=120)


def test_limits_end_only_the_sessions_that_are_beyond_them() -> None:
    """Also a row without a time of its last use, and never that of a visitor who is about to sign in."""
    fresh, old, visitor = make_person(password=PASSWORD), make_person(password=PASSWORD), Browser()
    for person in (fresh, old):
        Browser().sign_in_with_password(person)
    visitor.get("/login/")
    visitor.post("/login/", {"email": "somebody@contoso.example"})
    before = timezone.now() - timedelta(hours=3)
    UserSession.objects.filter(person=old).update(signed_in_at=before, last_seen_at=None)
    set_limits(actor=OPERATOR, session_absolute_hours=2)
    live = UserSession.objects.filter(expire_date__gt=timezone.now())
    assert set(live.values_list("person", flat=True)) == {fresh.pk, None}
    event = last_event(action="users.organization.limits_set")
    assert event.details == {"session_absolute_hours": {"from": 8, "to": 2}, "sessions_ended": 1}
