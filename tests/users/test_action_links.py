"""One-time links: what makes one, what spends it, and what makes it void."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.browsing import last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.users.support import VISITOR, as_person, at_once, refused
from users.action_links import LIFETIMES
from users.admin_invitations import (
    accept_admin_invitation,
    find_admin_invitation,
    invite_administrator,
    renew_admin_invitation,
    withdraw_admin_invitation,
)
from users.administrators import remove_administrator
from users.audit import Actor
from users.break_glass import find_link, make_link, use_link
from users.bulk_acts import BulkAct, impact_of, suspend_people
from users.invitations import accept_invitation, find_invitation, send_invitation
from users.link_errors import LinkInvalid, NotInvited
from users.models import ActionLink, AdminRole, ImportMode, LinkPurpose, State, User
from users.passwords import find_reset, reset_password, send_password_reset
from users.people import edit_person
from users.people_import import advance_import, confirm_import, upload_people
from users.schedules import schedule_state
from users.selection import Selection
from users.services import activate_person, set_person_password, suspend_person

pytestmark = pytest.mark.django_db
NEW = "a-different-umbrella-0815"


def token_of(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def make_reset() -> tuple[str, User]:
    made = send_password_reset(actor=OPERATOR, person=make_person(password=PASSWORD))
    return token_of(made.url), made.person


def make_invitation() -> tuple[str, User]:
    made = send_invitation(actor=OPERATOR, person=make_person(state=State.STAGED), activate=True)
    return token_of(made.url), made.person


def make_admin_invitation() -> tuple[str, User]:
    made = invite_administrator(actor=OPERATOR, company_email="grace@contoso.example", role=AdminRole.HELP_DESK)
    return token_of(made.url), made.person


def make_break_glass() -> tuple[str, User]:
    made = make_link(actor=OPERATOR, person=make_administrator(AdminRole.ADMINISTRATOR))
    return token_of(made.url), made.person


def find_break_glass(token: str) -> ActionLink:
    return find_link(actor=VISITOR, token=token)


def use_break_glass(*, actor: Actor, token: str, password: str) -> User:
    return use_link(actor=actor, token=token)


KINDS = {
    LinkPurpose.PASSWORD_RESET: (make_reset, find_reset, reset_password),
    LinkPurpose.INVITATION: (make_invitation, find_invitation, accept_invitation),
    LinkPurpose.ADMINISTRATOR_INVITATION: (make_admin_invitation, find_admin_invitation, accept_admin_invitation),
    LinkPurpose.BREAK_GLASS: (make_break_glass, find_break_glass, use_break_glass),
}
# Those behind which a password is chosen; what is behind the other is in test_break_glass.py.
WITH_PASSWORD = {kind: services for kind, services in KINDS.items() if kind != LinkPurpose.BREAK_GLASS}
Make, Use = Callable[[], tuple[str, User]], Callable[..., User]
WORDS = ("make", "find", "use")
each_kind = pytest.mark.parametrize(WORDS, KINDS.values(), ids=[kind.value for kind in KINDS])
each_with_password = pytest.mark.parametrize(WORDS, WITH_PASSWORD.values(), ids=[kind.value for kind in WITH_PASSWORD])


@each_with_password
def test_a_link_works_once(make: Make, find: Callable[[str], ActionLink], use: Use) -> None:
    token, person = make()
    assert find(token).person == person
    assert use(actor=VISITOR, token=token, password=NEW) == person
    person.refresh_from_db()
    assert person.check_password(NEW) and person.state == State.ACTIVE
    refused(LinkInvalid, find, token=token)
    error = refused(LinkInvalid, use, actor=VISITOR, token=token, password="a-third-umbrella-2323")
    assert error.code == "users.link_invalid"
    person.refresh_from_db()
    assert person.check_password(NEW)


@pytest.mark.django_db(transaction=True)
@each_with_password
def test_of_two_who_use_a_link_at_once_one_wins(make: Make, find: object, use: Use) -> None:
    token, person = make()
    passwords = (NEW, "a-third-umbrella-2323")
    results = at_once(*(lambda each=each: use(actor=VISITOR, token=token, password=each) for each in passwords))
    assert sorted(type(result).__name__ for result in results) == ["LinkInvalid", "User"]
    person.refresh_from_db()
    winner = next(each for each, result in zip(passwords, results, strict=True) if isinstance(result, User))
    assert person.check_password(winner)


@each_kind
def test_only_the_hash_is_stored(make: Make, find: object, use: object) -> None:
    token, _ = make()
    assert token not in str(ActionLink.objects.values().get())
    assert token not in str(last_event(outcome="success").details)


@each_with_password
def test_a_refused_password_leaves_the_link_good(make: Make, find: Callable[[str], ActionLink], use: Use) -> None:
    token, _ = make()
    with pytest.raises(Exception, match="not accepted"):
        use(actor=VISITOR, token=token, password="short")
    assert find(token).used_at is None


@pytest.mark.parametrize("purpose", KINDS)
def test_its_time_is_limited(purpose: LinkPurpose) -> None:
    make, find, use = KINDS[purpose]
    token, _ = make()
    lifetime = LIFETIMES[purpose]
    short = {LinkPurpose.PASSWORD_RESET: timedelta(hours=1), LinkPurpose.BREAK_GLASS: timedelta(minutes=15)}
    assert lifetime == short.get(purpose, timedelta(days=7))
    with time_machine.travel(timezone.now() + lifetime - timedelta(minutes=1)):
        assert find(token)
    with time_machine.travel(timezone.now() + lifetime + timedelta(seconds=1)):
        refused(LinkInvalid, find, token=token)
        refused(LinkInvalid, use, actor=VISITOR, token=token, password=NEW)


def change_email(person: User) -> None:
    User.objects.filter(pk=person.pk).update(company_email="other@contoso.example")


def change_role(person: User) -> None:
    User.objects.filter(pk=person.pk).update(admin_role=AdminRole.READ_ONLY)


def change_state(person: User) -> None:
    suspend_person(actor=OPERATOR, person=person)


def change_state_and_back(person: User) -> None:
    User.objects.filter(pk=person.pk).update(state=State.SUSPENDED)


@each_kind
@pytest.mark.parametrize("change", [change_email, change_role, change_state, change_state_and_back])
def test_it_is_void_once_the_person_is_another_one(
    change: Callable[[User], None], make: Make, find: Callable[[str], ActionLink], use: Use
) -> None:
    token, person = make()
    change(person)
    refused(LinkInvalid, find, token=token)
    refused(LinkInvalid, use, actor=VISITOR, token=token, password=NEW)


@pytest.mark.parametrize("purpose", [LinkPurpose.PASSWORD_RESET, LinkPurpose.INVITATION, LinkPurpose.BREAK_GLASS])
def test_it_is_void_once_there_is_another_password(purpose: LinkPurpose) -> None:
    make, find, _ = KINDS[purpose]
    token, person = make()
    set_person_password(actor=OPERATOR, person=person, password=NEW)
    refused(LinkInvalid, find, token=token)


def test_an_administrators_invitation_outlives_a_new_password_of_the_person() -> None:
    person = make_person("grace@contoso.example", password=PASSWORD)
    token, _ = make_admin_invitation()
    set_person_password(actor=OPERATOR, person=person, password=NEW)
    assert find_admin_invitation(token)


@each_kind
def test_a_newer_one_takes_its_place(make: Make, find: Callable[[str], ActionLink], use: Use) -> None:
    token, person = make()
    again = {
        LinkPurpose.PASSWORD_RESET: send_password_reset,
        LinkPurpose.INVITATION: send_invitation,
        LinkPurpose.ADMINISTRATOR_INVITATION: renew_admin_invitation,
        LinkPurpose.BREAK_GLASS: make_link,
    }[LinkPurpose(ActionLink.objects.get().purpose)]
    newer = token_of(again(actor=OPERATOR, person=person).url)
    refused(LinkInvalid, find, token=token)
    assert find(newer) == ActionLink.objects.get()


def test_one_kind_of_link_opens_no_other_page() -> None:
    for make, _, _ in KINDS.values():
        token, _ = make()
        assert sum(_opens(find, token) for _, find, _ in KINDS.values()) == 1


def _opens(find: Callable[[str], ActionLink], token: str) -> bool:
    try:
        find(token)
    except LinkInvalid:
        return False
    return True


def test_an_open_invitation_goes_on_when_an_administrator_activates_the_person() -> None:
    person = make_person(state=State.STAGED)
    token = token_of(send_invitation(actor=OPERATOR, person=person).url)
    activate_person(actor=OPERATOR, person=person)
    assert accept_invitation(actor=VISITOR, token=token, password=NEW).state == State.ACTIVE


def test_suspended_and_activated_again_it_stays_void() -> None:
    person = make_person(state=State.STAGED)
    token = token_of(send_invitation(actor=OPERATOR, person=person).url)
    suspend_person(actor=OPERATOR, person=person)
    activate_person(actor=OPERATOR, person=person)
    refused(LinkInvalid, find_invitation, token=token)


@each_with_password
@pytest.mark.parametrize("way", ["one", "many", "file"])
def test_a_suspension_that_is_lifted_again_brings_no_link_back(make: Make, find: Use, use: Use, way: str) -> None:
    token, person = make()
    before = person.state
    suspend(person, way)
    User.objects.filter(pk=person.pk).update(state=before)
    refused(LinkInvalid, find, token=token)


def suspend(person: User, way: str) -> None:
    """Suspend somebody: alone, among many, or by an import."""
    if way == "one":
        suspend_person(actor=OPERATOR, person=person)
    elif way == "many":
        chosen = Selection(ids=[person.pk])
        fingerprint = impact_of(BulkAct.SUSPEND, chosen).fingerprint
        suspend_people(actor=OPERATOR, selection=chosen, fingerprint=fingerprint)
    else:
        content = f"email,state\n{person.company_email},suspended\n".encode()
        found = upload_people(actor=OPERATOR, file_name="people.csv", content=content)
        found = advance_import(actor=OPERATOR, people_import=found)
        found = confirm_import(actor=OPERATOR, people_import=found, mode=ImportMode.ALL)
        assert advance_import(actor=OPERATOR, people_import=found).updated == 1


@each_kind
def test_another_email_and_back_brings_no_link_back(make: Make, find: Use, use: Use) -> None:
    token, person = make()
    edit_person(actor=OPERATOR, person=person, company_email="mallory@contoso.example")
    edit_person(actor=OPERATOR, person=person, company_email=person.company_email)
    refused(LinkInvalid, find, token=token)


def test_an_invitation_is_not_sent_again_to_another_email(administrator: User) -> None:
    _, person = make_admin_invitation()
    helper = as_person(make_administrator(AdminRole.ADMINISTRATOR))
    edit_person(actor=helper, person=person, company_email="mallory@contoso.example")
    refused(NotInvited, renew_admin_invitation, actor=as_person(administrator), person=person)


def test_an_administrator_who_was_sent_away_leaves_no_invitation_behind(administrator: User) -> None:
    leaving = make_administrator()
    made = invite_administrator(
        actor=as_person(leaving), company_email="mallory@contoso.example", role=AdminRole.ADMINISTRATOR_WITH_BILLING
    )
    assert find_admin_invitation(token_of(made.url))
    remove_administrator(actor=as_person(administrator), person=leaving)
    refused(LinkInvalid, find_admin_invitation, token=token_of(made.url))
    refused(LinkInvalid, accept_admin_invitation, actor=VISITOR, token=token_of(made.url), password=NEW)


def test_a_withdrawn_invitation_opens_nothing() -> None:
    token, person = make_admin_invitation()
    withdraw_admin_invitation(actor=OPERATOR, person=person)
    refused(LinkInvalid, find_admin_invitation, token=token)
    assert not ActionLink.objects.exists()


@pytest.mark.parametrize("token", ["", "made-up", "\x00", "\udc80", "é" * 500])
def test_nonsense_is_no_link(token: str) -> None:
    make_reset()
    refused(LinkInvalid, find_reset, token=token)


def test_a_suspension_that_is_due_closes_it_before_anybody_has_written_it_down() -> None:
    person = make_person(password=PASSWORD)
    mailing = send_password_reset(actor=OPERATOR, person=person)
    token = mailing.url.rstrip("/").rpartition("/")[2]
    at = timezone.now() + timedelta(minutes=1)
    schedule_state(actor=OPERATOR, person=person, state=State.SUSPENDED, at=at)
    assert find_reset(token).person == person
    with time_machine.travel(at + timedelta(seconds=1), tick=False):
        refused(LinkInvalid, find_reset, token=token)
