"""The break-glass link: for whom it is made, who is told, and what can be done in the session that it opens."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.browsing import Browser, last_event
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person
from tests.mailbox import html_of, wait_for_mail_threads, without_mail_server
from tests.users.support import VISITOR, as_person, at_once, audit_rows, refused
from tests.users.test_action_links import token_of
from users.audit import Actor
from users.break_glass import REPAIR_FOR, choose_password, find_link, make_link, use_link
from users.break_glass_errors import BreakGlassRepairOver, NoBreakGlass, NotByBreakGlass
from users.errors import PermissionRefused
from users.link_errors import LinkInvalid
from users.models import ActionLink, AdminRole, AuditEvent, LinkPurpose, State, User
from users.services import activate_person, suspend_person

pytestmark = pytest.mark.django_db

NEW = "a-different-umbrella-0815"
MADE, USED = "users.break_glass.made", "users.break_glass.used"


def make(person: User) -> str:
    return token_of(make_link(actor=OPERATOR, person=person).url)


def session_of(person: User) -> tuple[Browser, str]:
    """Return a browser that a link let in, and the key of its session."""
    browser = Browser()
    assert browser.post(f"/admin/break-glass/{make(person)}/").status_code == 302
    return browser, browser.cookies["gatehouse_admin_session"].value


# --- making it -------------------------------------------------------------------------------------------------------


def test_it_tells_everybody_with_billing_and_herself_and_holds_no_link(administrator: User) -> None:
    ada = make_administrator(AdminRole.HELP_DESK, "ada@contoso.example")
    other, gone = make_administrator(), make_administrator()
    make_administrator(AdminRole.ADMINISTRATOR)
    suspend_person(actor=OPERATOR, person=gone)
    made = make_link(actor=Actor(None, "operator (root)", is_operator=True, request_id="AAAA"), person=ada)
    (message,) = mail.outbox
    assert set(message.to) == {ada.company_email, administrator.company_email, other.company_email}
    assert message.to == made.mail_to and made.error is None
    event = last_event(action=MADE)
    assert message.subject == f"A break-glass link for {ada.label} was made"
    for part in (message.body, html_of(message)):  # type: ignore[arg-type]
        assert token_of(made.url) not in part and "http://127" not in part
        for told in (ada.label, ada.company_email, "Help Desk", "operator (root)", event.details["host"]):
            assert told in part
        assert f"{made.link.made_at:%H:%M} UTC" in part and f"{made.link.expires_at:%H:%M} UTC" in part
    assert (event.target_label, event.actor_label) == (ada.label, "operator (root)")
    assert event.details["mail_to"] == made.mail_to and token_of(made.url) not in str(event.details)


@pytest.mark.parametrize(
    ("role", "state", "said", "cures"),
    [
        (None, State.ACTIVE, "has no administrator's role", ["admins add"]),
        (AdminRole.ADMINISTRATOR, State.SUSPENDED, "is suspended", ["users activate"]),
        (AdminRole.READ_ONLY, State.STAGED, "is staged", ["users activate"]),
        (None, State.STAGED, "is staged and has no administrator's role", ["users activate", "admins add"]),
    ],
)
def test_it_is_for_active_administrators(role: AdminRole | None, state: State, said: str, cures: list[str]) -> None:
    person = make_administrator(role) if role else make_person()
    User.objects.filter(pk=person.pk).update(state=state)
    error = refused(NoBreakGlass, make_link, actor=OPERATOR, person=person)
    assert error.code == "users.no_break_glass" and error.message.endswith(f"{person.label}, who {said}.")
    assert all(f"`manage.py {cure} {person.company_email}`" in error.hint for cure in cures)
    assert error.hint.count("manage.py") == len(cures)
    assert audit_rows(action=MADE) == [(MADE, "refused", error.code)]
    assert last_event(action=MADE).target_label == person.label
    assert not ActionLink.objects.exists() and not mail.outbox


def test_nobody_makes_one_but_at_a_shell(administrator: User) -> None:
    for actor in (as_person(administrator), VISITOR):
        refused(PermissionRefused, make_link, actor=actor, person=administrator)
    assert not ActionLink.objects.exists()
    values = {"person": administrator, "made_at": timezone.now(), "expires_at": timezone.now(), "seal": ""}
    with pytest.raises(IntegrityError, match="users_action_link_break_glass"), transaction.atomic():
        ActionLink.objects.create(
            token_hash="x", purpose=LinkPurpose.BREAK_GLASS, made_by=make_administrator(), **values
        )


def test_a_mail_that_cannot_be_sent_is_said_and_the_link_works(administrator: User, settings: LazySettings) -> None:
    without_mail_server(settings)
    made = make_link(actor=OPERATOR, person=administrator)
    assert made.error is not None and made.error.code == "users.break_glass_not_mailed"
    event = last_event(action="users.mail.sent")
    assert (event.error_code, event.target_label) == (made.error.code, administrator.label)
    assert use_link(actor=VISITOR, token=token_of(made.url)) == administrator


# --- using it --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_its_use_is_mailed_and_noted(administrator: User) -> None:
    ada = make_administrator(AdminRole.READ_ONLY)
    token = make(ada)
    assert use_link(actor=VISITOR, token=token) == ada
    wait_for_mail_threads()
    message = mail.outbox[-1]
    assert message.subject == f"The break-glass link for {ada.label} was used"
    assert set(message.to) == {ada.company_email, administrator.company_email}
    for part in (message.body, html_of(message)):  # type: ignore[arg-type]
        assert token not in part and "http://127" not in part
        assert "from the address 203.0.113.9" in part and ada.company_email in part and "For 10 minutes" in part
    event = last_event(action=USED)
    assert (event.actor_id, event.client_ip, event.outcome) == (ada.pk, "203.0.113.9", "success")
    assert last_event(action="users.mail.sent").details == {"mail": "break_glass_used"}
    assert token not in str(list(AuditEvent.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_it_at_once_one_wins(administrator: User) -> None:
    token = make(administrator)
    results = at_once(*[lambda: use_link(actor=VISITOR, token=token)] * 2)
    assert sorted(type(result).__name__ for result in results) == ["LinkInvalid", "User"]
    assert sorted(audit_rows(action=USED)) == [(USED, "refused", "users.link_invalid"), (USED, "success", "")]
    wait_for_mail_threads()
    assert [message.subject for message in mail.outbox[1:]] == [
        f"The break-glass link for {administrator.label} was used"
    ]


def test_it_works_without_any_password(administrator: User) -> None:
    administrator.set_unusable_password()
    administrator.save()
    assert use_link(actor=VISITOR, token=make(administrator)) == administrator


def test_a_refusal_says_whose_link_it_was(administrator: User) -> None:
    token = make(administrator)
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        refused(LinkInvalid, find_link, actor=VISITOR, token=token)
        assert last_event(action=USED).target_label == administrator.label
        refused(LinkInvalid, use_link, actor=VISITOR, token=token)
    refused(LinkInvalid, use_link, actor=VISITOR, token="made-up")
    assert last_event(action=USED).target_label == ""
    assert audit_rows(action=USED) == [(USED, "refused", "users.link_invalid")] * 3


def test_a_suspension_that_is_lifted_again_does_not_bring_it_back(administrator: User) -> None:
    ada = make_administrator(AdminRole.ADMINISTRATOR)
    token = make(ada)
    suspend_person(actor=OPERATOR, person=ada)
    activate_person(actor=OPERATOR, person=ada)
    refused(LinkInvalid, find_link, actor=VISITOR, token=token)


# --- the new password ------------------------------------------------------------------------------------------------


def test_a_password_is_chosen_without_the_present_one_for_ten_minutes(administrator: User) -> None:
    _, key = session_of(administrator)
    act = {"actor": as_person(administrator), "session_key": key}
    with time_machine.travel(timezone.now() + REPAIR_FOR):
        error = refused(BreakGlassRepairOver, choose_password, password=NEW, **act)
        assert error.code == "users.break_glass_repair_over"
    assert choose_password(password=NEW, **act).check_password(NEW)
    assert last_event(action="users.break_glass.password_chosen", outcome="success").actor_id == administrator.pk


def test_no_other_session_may(administrator: User) -> None:
    ada, usual = make_administrator(AdminRole.ADMINISTRATOR), Browser()
    usual.sign_in_as_administrator(administrator)
    _, of_ada = session_of(ada)
    for key in (usual.cookies["gatehouse_admin_session"].value, of_ada, "", "made-up"):
        error = refused(NotByBreakGlass, choose_password, actor=as_person(administrator), password=NEW, session_key=key)
        assert error.code == "users.not_by_break_glass"
    refused(PermissionRefused, choose_password, actor=VISITOR, password=NEW, session_key=of_ada)
    administrator.refresh_from_db()
    assert administrator.check_password(PASSWORD)
