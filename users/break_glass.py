"""The break-glass link: an operator at a shell lets an administrator in who can get in in no other way.

It stands in for the password and for the second factor. So it is made at a shell only, where somebody could as well
give the account a new password; it is good once and for fifteen minutes; and it is never made or used in silence:
every active Administrator With Billing is mailed, and so is the administrator herself.
"""

import socket
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.contrib.sessions.backends.base import SessionBase
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone

from users import action_links, mails, notices, sessions
from users.audit import Actor, audited, record, record_refusal
from users.break_glass_errors import BreakGlassNotMailed, BreakGlassRepairOver, NoBreakGlass, NotByBreakGlass
from users.errors import DirectoryError, PermissionRefused
from users.link_errors import LinkInvalid, MailNotSent
from users.models import ActionLink, AdminRole, LinkPurpose, Realm, User, UserSession
from users.passwords import unlock_with_new_password
from users.services import locked_with_billing, set_checked_password

PURPOSE = LinkPurpose.BREAK_GLASS
USED = "users.break_glass.used"
# As long as the sign-in counts as fresh: so long the second factor can be replaced as well.
REPAIR_FOR = timedelta(minutes=10)
SUBJECTS = {
    "made": "A break-glass link for {label} was made",
    "used": "The break-glass link for {label} was used",
}


@dataclass(frozen=True)
class Made:
    """A link that was made, and who was told.

    Attributes:
        url: the address, which is a secret: for the operator's terminal, and for no mail.
        mail_to: the addresses of whoever is told.
        error: why the mail could not be sent, or None.
    """

    person: User
    link: ActionLink
    url: str = field(repr=False)
    mail_to: list[str]
    error: MailNotSent | None


def make_link(*, actor: Actor, person: User) -> Made:
    """Make the link that lets an active administrator in, and mail those who are to know. An older one stops working.

    Returns:
        The link, which stands also where the mail could not be sent.

    Raises:
        PermissionRefused: whoever asks is no operator at a shell.
        NoBreakGlass: the person has no role, or is not active.
    """
    host = socket.gethostname()
    link, url, mail_to = _make(actor=actor, person=person, host=host)
    message = _mail("made", link, mail_to, by=actor.label, host=host)
    kind, failure = "break_glass_made", BreakGlassNotMailed
    error = mails.deliver(message, actor=actor, person=link.person, kind=kind, failure=failure)
    return Made(link.person, link, url, mail_to, error)


@audited("users.break_glass.made")
def _make(*, actor: Actor, person: User, host: str) -> tuple[ActionLink, str, list[str]]:
    if not actor.is_operator:
        raise PermissionRefused(role="none")
    person = locked_with_billing(person)
    _refuse_outsiders(person)
    link, url = action_links.issue(person=person, purpose=PURPOSE, made_by=None)
    mail_to = _who_is_told(person)
    details = {"expires_at": link.expires_at, "host": host, "mail_to": mail_to}
    record("users.break_glass.made", actor=actor, target=person, details=details)
    return link, url, mail_to


def _refuse_outsiders(person: User) -> None:
    """Refuse whom the Admin Portal would not let in; say what stands against it, and what cures it."""
    whys, remedies = [], []
    if not person.is_active:
        whys.append(f"is {person.effective_state}")
        remedies.append(f"activate the person with `manage.py users activate {person.company_email}`")
    if person.admin_role is None:
        whys.append("has no administrator's role")
        remedies.append(f"give a role with `manage.py admins add {person.company_email}`")
    if whys:
        remedy = f"{', then '.join(remedies)}."
        raise NoBreakGlass(label=person.label, why=" and ".join(whys), remedy=remedy[0].upper() + remedy[1:])


def _who_is_told(person: User) -> list[str]:
    """Return the addresses of the active Administrators With Billing, and that of the administrator herself."""
    billing = User.objects.active().filter(admin_role=AdminRole.ADMINISTRATOR_WITH_BILLING)
    return sorted({person.company_email, *billing.values_list("company_email", flat=True)})


def _mail(event: str, link: ActionLink, to: list[str], **facts: object) -> EmailMultiAlternatives:
    """Return the mail that tells of a link, without it.

    Args:
        event: `made` or `used`.
    """
    person = link.person
    subject = SUBJECTS[event].format(label=person.label)
    context = {"person": person, "role": AdminRole(person.admin_role or "").label, "link": link, **facts}
    return mails.compose(f"break_glass_{event}", subject, context, to)


def find_link(*, actor: Actor, token: str) -> ActionLink:
    """Return the link behind an address, without using it up.

    Raises:
        LinkInvalid: it does not work. The audit log says whose it was.
    """
    try:
        return action_links.find(token, PURPOSE)
    except LinkInvalid as error:
        _record_refusal(actor, token, error)
        raise


def use_link(*, actor: Actor, token: str) -> User:
    """Use a link up, and return whom to let in. Whoever calls opens the session.

    A lock-out neither hinders it nor ends by it: no password was right.

    Raises:
        LinkInvalid: it does not work, or somebody else used it in the same moment.
    """
    try:
        with transaction.atomic():
            link, person = action_links.spend(token, PURPOSE)
            mail_to = _who_is_told(person)
            details = {"made_at": link.made_at, "mail_to": mail_to}
            record(USED, actor=actor.as_person(person), target=person, details=details)
            _tell_used(actor.as_person(person), link, mail_to)
    except DirectoryError as error:
        _record_refusal(actor, token, error)
        raise
    return person


def _tell_used(actor: Actor, link: ActionLink, mail_to: list[str]) -> None:
    """Mail, once the use is stored, that a link was used, and from where. Nobody waits for the mail server."""
    used = {"at": timezone.now(), "address": actor.client_ip or "", "minutes": REPAIR_FOR.seconds // 60}
    message, kind = _mail("used", link, mail_to, **used), "break_glass_used"
    send = partial(mails.deliver, message, actor=actor, person=link.person, kind=kind)
    transaction.on_commit(lambda: mails.in_background(send))


def _record_refusal(actor: Actor, token: str, error: DirectoryError) -> None:
    """Note that a link was tried in vain: of one that there was, whose."""
    owner = action_links.owner_of(token, PURPOSE)
    details = {"email": owner.company_email} if owner else {}
    record_refusal(USED, actor=actor, error=error, target=owner, details=details)


def repairs_until(session: SessionBase) -> datetime | None:
    """Return until when a session may repair a sign-in, as it says itself, or None where no link opened it of late."""
    origin = sessions.origin_of(session)
    if origin is None or origin.method != sessions.BREAK_GLASS:
        return None
    ends = origin.since + REPAIR_FOR
    return ends if ends > timezone.now() else None


def repair_ends(*, person: User, session_key: str) -> datetime:
    """Return until when a session that a link opened may choose a password without the present one.

    The session's own row says what opened it, and when.

    Raises:
        NotByBreakGlass: something else opened it.
        BreakGlassRepairOver: the link was used too long ago.
    """
    mine = UserSession.objects.filter(person=person, realm=Realm.ADMIN, signed_in_at__isnull=False)
    session = mine.filter(session_key=sessions.hashed(session_key)).first()
    if session is None or session.signed_in_at is None or sessions.method_of(session) != sessions.BREAK_GLASS:
        raise NotByBreakGlass()
    ends = session.signed_in_at + REPAIR_FOR
    if ends <= timezone.now():
        raise BreakGlassRepairOver()
    return ends


@audited("users.break_glass.password_chosen")
def choose_password(*, actor: Actor, password: str, session_key: str) -> User:
    """Give an administrator whom a link let in a new password, without the present one. All other sessions end.

    A lock-out is over, unless she has a second factor, as with any link for a new password.

    Args:
        session_key: of the session at hand, which stays; whoever calls gives it a new key.

    Raises:
        NotByBreakGlass, BreakGlassRepairOver: not in this session, or not any more.
        PasswordRefused: the new password breaks the rules.
    """
    if actor.person is None:
        raise PermissionRefused(role="none")
    person = locked_with_billing(actor.person)
    repair_ends(person=person, session_key=session_key)
    set_checked_password(person, password)
    person.save(update_fields=["password", "updated_at"])
    ended = sessions.end_sessions(person=person, keep_key=session_key)
    unlock_with_new_password(person)
    record("users.break_glass.password_chosen", actor=actor, target=person, details={"sessions_ended": ended})
    notices.password_changed(actor=actor, person=person, way="break-glass")
    return person
