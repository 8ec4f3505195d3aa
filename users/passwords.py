"""Passwords that are kept here: a link for a new one, and changing one's own.

Not Django's views and forms: these acts end sessions, count failures, write audit rows, and ask who keeps the password
(a provider keeps a federated person's). The rules for passwords are Django's validators (`set_checked_password`).
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from users import action_links, lockout, mails, notices, password_owner, sessions
from users.audit import Actor, audited, record
from users.backends import fits
from users.errors import (
    CompanyEmailInvalid,
    DirectoryError,
    PasswordManagedExternally,
    PermissionRefused,
    PersonNotActive,
)
from users.factors import has_second_factor
from users.link_errors import OldPasswordWrong, ResetForNobody, ResetMailsExhausted, ResetTooOften
from users.mailing import Mailing, mail_link
from users.models import ActionLink, AuditEvent, LinkPurpose, ResetRequest, User
from users.names import normalise_email
from users.services import locked_with_billing, require, set_checked_password
from users.session_list import permission_over

RESET = LinkPurpose.PASSWORD_RESET
# One address may ask so often in so long: a company's people share one, and Mondays are Mondays.
ADDRESS_LIMIT = 20
ADDRESS_WINDOW = timedelta(minutes=15)
# So many mails go to one person, whoever asks.
PERSON_LIMIT = 3
PERSON_WINDOW = timedelta(hours=1)
REQUESTED = "users.password_reset.requested"


def send_password_reset(*, actor: Actor, person: User) -> Mailing:
    """Mail an active person outside federation a link for a new password; the present one works until then.

    Returns:
        Whether the mail went out. The link stands all the same; sending again makes a new one.

    Raises:
        PermissionRefused: the help desk reaches nobody with a role.
        PasswordManagedExternally: the person signs in through a provider.
        PersonNotActive: the person may not sign in.
    """
    link, url = _start_reset(actor=actor, person=person)
    return mail_link(actor=actor, link=link, url=url)


@audited("users.password_reset.started")
def _start_reset(*, actor: Actor, person: User) -> tuple[ActionLink, str]:
    person = locked_with_billing(person)
    require(actor, permission_over(person))
    if not person.is_active:
        raise PersonNotActive(label=person.label)
    _refuse_managed(person)
    made = action_links.issue(person=person, purpose=RESET, made_by=actor.person)
    record("users.password_reset.started", actor=actor, target=person)
    return made


def _refuse_managed(person: User) -> None:
    provider = password_owner.of(person)
    if provider is not None:
        raise PasswordManagedExternally(label=person.label, provider=provider)


@audited(REQUESTED)
def request_password_reset(*, actor: Actor, email: str) -> None:
    """Take a visitor's request for a link to a new password. The answer is the same whoever the email belongs to.

    Everything that depends on the person is done after the answer, in the background: also its duration tells nothing.

    Raises:
        ResetTooOften: this address has asked too often, whatever it asked for.
    """
    now = timezone.now()
    address = lockout.network_of(actor.client_ip) or "unknown"
    if ResetRequest.objects.filter(address=address, at__gt=now - ADDRESS_WINDOW).count() >= ADDRESS_LIMIT:
        raise ResetTooOften()
    ResetRequest.objects.create(address=address, at=now)
    transaction.on_commit(lambda: mails.in_background(lambda: _answer(actor, email)))


def _answer(actor: Actor, email: str) -> None:
    """Send whatever mail a request calls for; what refuses it stands in the audit log alone."""
    try:
        answer_reset_request(actor=actor, email=email)
    except DirectoryError:
        return


@audited(REQUESTED, atomic=False)
def answer_reset_request(*, actor: Actor, email: str) -> None:
    """Mail the link, or to a federated person a word about where the password is kept.

    Raises:
        ResetForNobody: no active person has this email.
        ResetMailsExhausted: the person was sent several mails lately.
    """
    with transaction.atomic():
        person = _who_asks(email)
        provider = password_owner.of(person)
        made = None if provider else action_links.issue(person=person, purpose=RESET, made_by=None)
        record(REQUESTED, actor=actor, target=person, details={"answer": provider or "link"})
    if made:
        mail_link(actor=actor, link=made[0], url=made[1], by_request=True)
        return
    context = {"person": person, "provider": provider, "url": mails.public("user_portal:sign_in")}
    subject = f"Your password is kept by {provider}"
    message = mails.compose("password_at_provider", subject, context, [person.company_email])
    mails.deliver(message, actor=actor, person=person, kind="password_at_provider")


def _who_asks(email: str) -> User:
    """Return the person whom a request is about, with the row locked."""
    try:
        person = User.objects.active().select_for_update().filter(company_email=normalise_email(email)).first()
    except CompanyEmailInvalid:
        person = None
    if person is None:
        raise ResetForNobody(email=email.strip().lower()[:254])
    asked = AuditEvent.objects.filter(target_id=str(person.pk), action=REQUESTED, error_code="")
    if asked.filter(at__gt=timezone.now() - PERSON_WINDOW).count() >= PERSON_LIMIT:
        raise ResetMailsExhausted(email=person.company_email)
    return person


def find_reset(token: str) -> ActionLink:
    """Return the reset behind a link, without using it up.

    Raises:
        LinkInvalid: it does not work.
        PasswordManagedExternally: the person signs in through a provider by now.
    """
    link = action_links.find(token, RESET)
    _refuse_managed(link.person)
    return link


@audited("users.password_reset.completed")
def reset_password(*, actor: Actor, token: str, password: str) -> User:
    """Spend a link: the person has this password from now on. All sessions end.

    A lock-out is over, unless the person has a second factor.

    Raises:
        LinkInvalid: the link does not work.
        PasswordManagedExternally, PasswordRefused: no password here, or not this one; the link stays good.
    """
    _, person = action_links.spend(token, RESET)
    if not person.is_active:
        raise PersonNotActive(label=person.label)
    set_checked_password(person, password)
    person.save(update_fields=["password", "updated_at"])
    unlock_with_new_password(person)
    details = {"sessions_ended": sessions.end_sessions(person=person)}
    record("users.password_reset.completed", actor=actor.as_person(person), target=person, details=details)
    notices.password_changed(actor=actor.as_person(person), person=person, way="link")
    return person


@audited("users.password.changed")
def change_own_password(*, actor: Actor, old_password: str, new_password: str, keep_key: str | None = None) -> User:
    """Change one's own password. All other sessions end; whoever calls gives this one a new key.

    Args:
        keep_key: the key of the session at hand.

    Raises:
        PermissionRefused: nobody is signed in.
        OldPasswordWrong: the present password is another one. The caller counts that for the lock-out.
        PasswordManagedExternally: the password is kept by a provider.
        PasswordRefused: the new password breaks the rules.
    """
    if actor.person is None:
        raise PermissionRefused(role="none")
    person = locked_with_billing(actor.person)
    _refuse_managed(person)
    if not fits(person, old_password):
        raise OldPasswordWrong()
    try:
        set_checked_password(person, new_password)
    except DirectoryError as error:
        error.field = "new_password"
        raise
    person.save(update_fields=["password", "updated_at"])
    ended = sessions.end_sessions(person=person, keep_key=keep_key)
    unlock_with_new_password(person)
    record("users.password.changed", actor=actor, target=person, details={"sessions_ended": ended})
    notices.password_changed(actor=actor, person=person, way="own")
    return person


def unlock_with_new_password(person: User) -> None:
    """Unlock an account whose password is new.

    Where there is a second factor the failures may be guesses at its codes, and neither the password nor the mailbox
    alone must wipe them out.
    """
    if not has_second_factor(person):
        lockout.forget_failures(person.company_email)
