"""Mails that tell people what was done to their account. They hold no link and no secret, and nobody waits for them."""

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone

from users import mails
from users.audit import Actor
from users.models import AdminRole, User

WAYS = {
    "own": "You changed it yourself, signed in.",
    "link": "It was set with a link that was mailed to you.",
    "administrator": "Your company's administrators set it.",
}


def password_changed(*, actor: Actor, person: User, way: str) -> None:
    """Tell a person, once the change is stored, that her password is another one.

    Args:
        way: how it was changed, a key of WAYS.
    """
    context = {"person": person, "way": WAYS[way], "at": timezone.now(), "address": actor.client_ip or ""}
    _tell(actor, person, "password_changed", "Your Gatehouse password was changed", context)


def role_changed(*, actor: Actor, person: User, before: str | None) -> None:
    """Tell an administrator, once the change is stored, that she has another role, or none any more.

    Args:
        before: the role that she had, or None.
    """
    role = AdminRole(person.admin_role).label if person.admin_role else ""
    subject = f"You are now {role} in Gatehouse" if role else "You are not an administrator of Gatehouse any more"
    context = {
        "person": person,
        "role": role,
        "before": AdminRole(before).label if before else "",
        "by": actor.person.label if actor.person else "",
        "at": timezone.now(),
        "url": mails.public("admin_portal:home"),
    }
    _tell(actor, person, "role_changed", subject, context)


def _tell(actor: Actor, person: User, kind: str, subject: str, context: dict[str, object]) -> None:
    message = mails.compose(kind, subject, context, [person.company_email])
    transaction.on_commit(lambda: mails.in_background(lambda: _send(message, actor, person, kind)))


def _send(message: EmailMultiAlternatives, actor: Actor, person: User, kind: str) -> None:
    mails.deliver(message, actor=actor, person=person, kind=kind)
