"""Invitations of administrators: the role waits in the link, and is given when the person has chosen a password.

Until then she is nobody in the Admin Portal: she cannot sign in, and is not counted as an administrator who could.
"""

from users import action_links, lockout, notices, sessions
from users.audit import Actor, audited, record
from users.errors import AlreadyAdministrator, PersonNotActive
from users.link_errors import NotInvited
from users.mailing import Mailing, mail_link
from users.models import ActionLink, AdminRole, LinkPurpose, State, User
from users.names import normalise_email
from users.permissions import Permission
from users.services import build_person, insert_person, locked_with_billing, require, set_checked_password
from users.states import refuse_scheduled

INVITATION = LinkPurpose.ADMINISTRATOR_INVITATION


def invite_administrator(
    *, actor: Actor, company_email: str, role: AdminRole, display_name: str = "", mail: bool = True
) -> Mailing:
    """Invite a person, new or known, to become an administrator, by a link that is mailed.

    Somebody new is staged until the invitation is accepted. A known person keeps state and password until then.

    Args:
        display_name: of somebody new; a known person keeps the name that she has.
        mail: False where an operator hands the link over.

    Raises:
        AlreadyAdministrator: the person has a role.
        PersonNotActive, PersonScheduled: the person is suspended, or a change of state is to come.
        CompanyEmailInvalid, NameInvalid: bad input.
    """
    link, url = _invite(actor=actor, company_email=company_email, role=role, display_name=display_name)
    return _mailed(actor, link, url, mail=mail)


def renew_admin_invitation(*, actor: Actor, person: User, mail: bool = True) -> Mailing:
    """Send an invitation that was not accepted again, with a fresh link; the former one stops working.

    Raises:
        NotInvited: there is none.
        PersonScheduled: since then a change of state was scheduled.
    """
    link, url = _renew(actor=actor, person=person)
    return _mailed(actor, link, url, mail=mail)


def _mailed(actor: Actor, link: ActionLink, url: str, *, mail: bool) -> Mailing:
    if mail:
        return mail_link(actor=actor, link=link, url=url)
    return Mailing(person=link.person, link=link, url=url)


@audited("users.administrator.invited")
def _invite(*, actor: Actor, company_email: str, role: AdminRole, display_name: str) -> tuple[ActionLink, str]:
    require(actor, Permission.MANAGE_ADMINISTRATORS)
    email = normalise_email(company_email)
    person = User.objects.select_for_update().filter(company_email=email).first()
    if person is None:
        person = build_person(
            company_email=email,
            user_name="",
            display_name=display_name,
            given_name="",
            family_name="",
            external_id="",
            state=State.STAGED,
        )
        person.set_unusable_password()
        insert_person(person)
    return _issue(actor, person, role, "users.administrator.invited")


@audited("users.administrator.invited_again")
def _renew(*, actor: Actor, person: User) -> tuple[ActionLink, str]:
    require(actor, Permission.MANAGE_ADMINISTRATORS)
    person = locked_with_billing(person)
    open_one = ActionLink.objects.filter(person=person, purpose=INVITATION, used_at=None).first()
    if open_one is None:
        raise NotInvited(label=person.label)
    return _issue(actor, person, AdminRole(open_one.role), "users.administrator.invited_again")


def _issue(actor: Actor, person: User, role: AdminRole, action: str) -> tuple[ActionLink, str]:
    if person.admin_role is not None:
        raise AlreadyAdministrator(label=person.label)
    if person.state == State.SUSPENDED:
        raise PersonNotActive(label=person.label)
    refuse_scheduled(person)
    made = action_links.issue(person=person, purpose=INVITATION, made_by=actor.person, role=role)
    record(action, actor=actor, target=person, details={"role": role.value})
    return made


@audited("users.administrator.invitation_withdrawn")
def withdraw_admin_invitation(*, actor: Actor, person: User) -> User:
    """Make an invitation void. The person stays in the directory as she is.

    Raises:
        NotInvited: there is none.
    """
    require(actor, Permission.MANAGE_ADMINISTRATORS)
    person = locked_with_billing(person)
    if not ActionLink.objects.filter(person=person, purpose=INVITATION, used_at=None).delete()[0]:
        raise NotInvited(label=person.label)
    record("users.administrator.invitation_withdrawn", actor=actor, target=person)
    return person


def find_admin_invitation(token: str) -> ActionLink:
    """Return the invitation behind a link, without using it up.

    Raises:
        LinkInvalid: it does not work.
    """
    return action_links.find(token, INVITATION)


@audited("users.administrator.invitation_accepted")
def accept_admin_invitation(*, actor: Actor, token: str, password: str) -> User:
    """Spend an invitation: the person is active, has the role, and signs in locally with this password.

    Raises:
        LinkInvalid: the link does not work.
        PasswordRefused: the password breaks the rules; the link stays good.
    """
    link, person = action_links.spend(token, INVITATION)
    had_password = person.has_usable_password()
    # The role first: an administrator's password is kept here, also where everybody else's is at a provider.
    person.admin_role, person.state = link.role, State.ACTIVE
    set_checked_password(person, password)
    person.save(update_fields=["admin_role", "state", "password", "updated_at"])
    lockout.forget_failures(person.company_email)
    details = {"role": link.role, "sessions_ended": sessions.end_sessions(person=person)}
    record("users.administrator.invitation_accepted", actor=actor.as_person(person), target=person, details=details)
    if had_password:
        notices.password_changed(actor=actor, person=person, way="link")
    return person
