"""Invitations of people outside federation: a mail with a link behind which they choose their password."""

from users import action_links, lockout, password_owner, sessions
from users.audit import Actor, audited, record
from users.errors import PasswordManagedExternally, PersonNotActive
from users.link_errors import AlreadyHasPassword, InvitationOfAdministrator
from users.mailing import Mailing, mail_link
from users.models import ActionLink, LinkPurpose, State, User
from users.permissions import Permission
from users.services import locked_with_billing, require, set_checked_password

INVITATION = LinkPurpose.INVITATION


def send_invitation(*, actor: Actor, person: User, activate: bool = False) -> Mailing:
    """Mail somebody without a password a link to choose one. A link that was sent before stops working.

    Args:
        activate: let a staged person sign in as soon as the password is chosen. Otherwise she stays staged until an
            administrator activates her.

    Returns:
        Whether the mail went out. The invitation stands all the same, and can be sent again.

    Raises:
        PasswordManagedExternally: the person signs in through a provider.
        AlreadyHasPassword, InvitationOfAdministrator: a link for a new password is what helps here.
        PersonNotActive: the person is suspended.
    """
    link, url = _invite(actor=actor, person=person, activate=activate)
    return mail_link(actor=actor, link=link, url=url)


@audited("users.invitation.made")
def _invite(*, actor: Actor, person: User, activate: bool) -> tuple[ActionLink, str]:
    require(actor, Permission.MANAGE_PEOPLE)
    person = locked_with_billing(person)
    if person.admin_role is not None:
        raise InvitationOfAdministrator(label=person.label)
    if person.state == State.SUSPENDED:
        raise PersonNotActive(label=person.label)
    _refuse_managed(person)
    if person.has_usable_password():
        raise AlreadyHasPassword(label=person.label)
    activates = activate and person.state == State.STAGED
    made = action_links.issue(person=person, purpose=INVITATION, made_by=actor.person, activates=activates)
    record("users.invitation.made", actor=actor, target=person, details={"activates": activates})
    return made


def _refuse_managed(person: User) -> None:
    provider = password_owner.of(person)
    if provider is not None:
        raise PasswordManagedExternally(label=person.label, provider=provider)


def find_invitation(token: str) -> ActionLink:
    """Return the invitation behind a link, which is not used up by looking: mail scanners look, too.

    Raises:
        LinkInvalid: it does not work.
        PasswordManagedExternally: the person signs in through a provider by now.
    """
    link = action_links.find(token, INVITATION)
    _refuse_managed(link.person)
    return link


@audited("users.invitation.accepted")
def accept_invitation(*, actor: Actor, token: str, password: str) -> User:
    """Spend an invitation: the person has this password from now on, and is active if the invitation says so.

    Raises:
        LinkInvalid: the link does not work.
        PasswordManagedExternally, PasswordRefused: no password here, or not this one; the link stays good.
    """
    link, person = action_links.spend(token, INVITATION)
    set_checked_password(person, password)
    if link.activates and person.state == State.STAGED:
        person.state = State.ACTIVE
    person.save(update_fields=["password", "state", "updated_at"])
    lockout.forget_failures(person.company_email)
    details = {"state": person.state, "sessions_ended": sessions.end_sessions(person=person)}
    record("users.invitation.accepted", actor=actor.as_person(person), target=person, details=details)
    return person
