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
    "break-glass": "It was chosen after a sign-in with a break-glass link.",
}

FACTOR_CHANGES = {
    "app added": "An authenticator app was set up.",
    "passkey added": "A passkey was added.",
    "app removed": "The authenticator app was removed.",
    "passkey removed": "A passkey was removed.",
    "codes made": "New recovery codes were made; the former ones do not work any more.",
    "reset": "Your company's administrators took it away: the password alone signs you in. You were signed out.",
}


def password_changed(*, actor: Actor, person: User, way: str) -> None:
    """Tell a person, once the change is stored, that her password is another one.

    Args:
        way: how it was changed, a key of WAYS.
    """
    # Whence an administrator works is nothing that people are told.
    address = "" if way == "administrator" else actor.client_ip or ""
    context = {"person": person, "way": WAYS[way], "at": timezone.now(), "address": address}
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


def email_changed(*, actor: Actor, person: User, former: str) -> None:
    """Tell whoever reads the former address, once the change is stored, that it opens the account no more.

    Links for a new password go to the new one: who changed it could take the account over.
    """
    by = actor.person.label if actor.person else ""
    context = {"person": person, "former": former, "by": by, "at": timezone.now()}
    _tell(actor, person, "email_changed", "Your Gatehouse email was changed", context, to=former)


def second_factor_changed(*, actor: Actor, person: User, change: str) -> None:
    """Tell a person, once the change is stored, that another second factor is asked for at her sign-in, or none.

    Args:
        change: a key of FACTOR_CHANGES.
    """
    # Whence an administrator works is nothing that people are told.
    address = "" if change == "reset" else actor.client_ip or ""
    context = {"person": person, "change": FACTOR_CHANGES[change], "at": timezone.now(), "address": address}
    _tell(actor, person, "second_factor_changed", "Your second factor at Gatehouse was changed", context)


def _tell(actor: Actor, person: User, kind: str, subject: str, context: dict[str, object], *, to: str = "") -> None:
    message = mails.compose(kind, subject, context, [to or person.company_email])
    transaction.on_commit(lambda: mails.in_background(lambda: _send(message, actor, person, kind)))


def _send(message: EmailMultiAlternatives, actor: Actor, person: User, kind: str) -> None:
    mails.deliver(message, actor=actor, person=person, kind=kind)
