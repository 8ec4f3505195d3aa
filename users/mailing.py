"""What a service that mails a one-time link returns: whether the mail went out, and the link for an operator."""

from dataclasses import dataclass, field

from django.utils import timezone

from users import mails
from users.action_links import LIFETIME_WORDS
from users.audit import Actor
from users.link_errors import MailNotSent
from users.models import ActionLink, AdminRole, LinkPurpose, User
from users.permission_words import words_of_role

SUBJECTS = {
    LinkPurpose.ADMINISTRATOR_INVITATION: "You are invited to administer Gatehouse",
    LinkPurpose.INVITATION: "Choose your Gatehouse password",
    LinkPurpose.PASSWORD_RESET: "Your link for a new Gatehouse password",
}


@dataclass(frozen=True)
class Mailing:
    """A link that was made, and what became of its mail.

    Attributes:
        url: the address, which is a secret: for the mail, and for an operator's terminal.
        error: why the mail could not be sent, or None.
        is_mailed: whether the mail server took it; also False where nobody asked for a mail.
    """

    person: User
    link: ActionLink
    url: str = field(repr=False)
    error: MailNotSent | None = None
    is_mailed: bool = False


def mail_link(*, actor: Actor, link: ActionLink, url: str, by_request: bool = False) -> Mailing:
    """Mail a link that is stored, and return how that went. Called after the transaction that made it.

    Args:
        by_request: whether the person asked for it, rather than an administrator.
    """
    person, purpose = link.person, LinkPurpose(link.purpose)
    context = {
        "person": person,
        "url": url,
        "lifetime": LIFETIME_WORDS[purpose],
        "expires_at": link.expires_at,
        "activates": link.activates,
        "by": actor.person.label if actor.person and not by_request else "",
        "by_request": by_request,
        "role": AdminRole(link.role).label if link.role else "",
        "may": words_of_role(AdminRole(link.role)) if link.role else [],
    }
    message = mails.compose(purpose.value, SUBJECTS[purpose], context, [person.company_email])
    error = mails.deliver(message, actor=actor, person=person, kind=purpose.value)
    if error is None:
        ActionLink.objects.filter(pk=link.pk).update(mailed_at=timezone.now())
    return Mailing(person=person, link=link, url=url, error=error, is_mailed=error is None)
