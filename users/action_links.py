"""One-time links: made, looked at, spent. What they are for is decided by the services that make and spend them.

Django's PasswordResetTokenGenerator is not used for them: its tokens stand nowhere, so that they could not be listed,
sent again, withdrawn or replaced by a newer one; two of them would be good at once; and one lifetime holds for all.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from users.link_errors import LinkInvalid
from users.models import ActionLink, AdminRole, LinkPurpose, State, User
from users.permissions import Permission, permissions_of

LIFETIMES = {
    LinkPurpose.ADMINISTRATOR_INVITATION: timedelta(days=7),
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.PASSWORD_RESET: timedelta(hours=1),
    LinkPurpose.BREAK_GLASS: timedelta(minutes=15),
}
LIFETIME_WORDS = {
    LinkPurpose.ADMINISTRATOR_INVITATION: "7 days",
    LinkPurpose.INVITATION: "7 days",
    LinkPurpose.PASSWORD_RESET: "1 hour",
    LinkPurpose.BREAK_GLASS: "15 minutes",
}


def issue(
    *,
    person: User,
    purpose: LinkPurpose,
    made_by: User | None,
    role: AdminRole | None = None,
    activates: bool = False,
) -> tuple[ActionLink, str]:
    """Store a fresh link in the place of an older one, and return it with its address, which is the secret.

    Args:
        person: the row is locked by the caller.
        made_by: the administrator who sends it; None for an operator, or where the person asked for it.
        role: what an invited administrator becomes.
        activates: whether it lets a staged person sign in.
    """
    token, now = secrets.token_urlsafe(32), timezone.now()
    ActionLink.objects.filter(person=person, purpose=purpose).delete()
    link = ActionLink.objects.create(
        token_hash=_hash(token),
        purpose=purpose,
        person=person,
        role=role.value if role else "",
        activates=activates,
        seal=_seal(person, purpose),
        made_by=made_by,
        made_at=now,
        expires_at=now + LIFETIMES[purpose],
    )
    return link, _url(link, token)


def find(token: str, purpose: LinkPurpose) -> ActionLink:
    """Return the link that this token opens now.

    Raises:
        LinkInvalid: there is none, or it would not work.
    """
    links = ActionLink.objects.select_related("person", "made_by")
    link = links.filter(token_hash=_hash(token), purpose=purpose).first()
    if link is None or not is_good(link):
        raise LinkInvalid()
    return link


def owner_of(token: str, purpose: LinkPurpose) -> User | None:
    """Return whose link this is or was, whether it works or not: a refusal is about her."""
    link = ActionLink.objects.select_related("person").filter(token_hash=_hash(token), purpose=purpose).first()
    return link.person if link else None


def spend(token: str, purpose: LinkPurpose) -> tuple[ActionLink, User]:
    """Use a link up, and return it with its person as stored now, whose row is locked.

    Whoever is refused later in the same transaction has not used it up.

    Raises:
        LinkInvalid: it does not work, or somebody else used it in the same moment.
    """
    found = find(token, purpose)
    person = User.objects.select_for_update().filter(pk=found.person_id).first()
    # The update is the single use: of two at once, only one changes the row.
    used = ActionLink.objects.filter(pk=found.pk, used_at=None).update(used_at=timezone.now())
    if person is None or not used:
        raise LinkInvalid()
    found.person = person
    if not is_good(found):
        raise LinkInvalid()
    return found, person


def is_good(link: ActionLink) -> bool:
    """Return whether a link works: in time, unused, and for a person and a sender who are still what they were."""
    purpose, person = LinkPurpose(link.purpose), link.person
    if link.used_at is not None or link.expires_at <= timezone.now() or person.effective_state == State.SUSPENDED:
        return False
    if purpose == LinkPurpose.ADMINISTRATOR_INVITATION and person.scheduled_state is not None:
        return False  # a clock must not take away an administrator
    if link.made_by is not None and _needed(purpose, person) not in permissions_of(link.made_by):
        return False  # an administrator who was sent away leaves no doors ajar
    return link.seal == _seal(person, purpose)


def _needed(purpose: LinkPurpose, person: User) -> Permission:
    """Return what the sender of a link must be allowed to do."""
    if purpose == LinkPurpose.ADMINISTRATOR_INVITATION or person.admin_role is not None:
        return Permission.MANAGE_ADMINISTRATORS
    return Permission.MANAGE_PEOPLE if purpose == LinkPurpose.INVITATION else Permission.SUPPORT_PEOPLE


def keep_over_activation(person: User) -> None:
    """Let an open invitation go on when a staged person is activated: she needs the password all the more.

    Args:
        person: as she is now; the change is not more than that of the state.
    """
    was = User(**{field.attname: getattr(person, field.attname) for field in User._meta.concrete_fields})
    was.state = State.STAGED
    for link in ActionLink.objects.filter(person=person, used_at=None):
        purpose = LinkPurpose(link.purpose)
        if link.seal == _seal(was, purpose):
            ActionLink.objects.filter(pk=link.pk).update(seal=_seal(person, purpose))


def void(people: Iterable[UUID]) -> None:
    """Make the open links of people void for good: a suspension that is lifted again brings none of them back."""
    ActionLink.objects.filter(person__in=list(people), used_at=None).update(seal="")


def void_all() -> int:
    """Make every open link void for good, and return how many there were. They stay in the lists, to be sent again."""
    return ActionLink.objects.filter(used_at=None).exclude(seal="").update(seal="")


def forget(person: User) -> None:
    """Remove the open links of a person whose address changed: none must be sent again to where nobody meant it."""
    ActionLink.objects.filter(person=person, used_at=None).delete()


def _seal(person: User, purpose: LinkPurpose) -> str:
    """Return the hash of what a link depends on.

    The password is part of it, also an unusable one: whoever has set one has no use for an older link. Not so with the
    invitation of an administrator, who may have had a password as a person all along.
    """
    parts = [str(person.pk), person.company_email, person.state, person.admin_role or ""]
    if purpose != LinkPurpose.ADMINISTRATOR_INVITATION:
        parts.append(person.password)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _url(link: ActionLink, token: str) -> str:
    """Return the address of a link, in the portal in which the person will sign in with the password."""
    if link.purpose == LinkPurpose.ADMINISTRATOR_INVITATION:
        name = "admin_portal:accept_invitation"
    elif link.purpose == LinkPurpose.INVITATION:
        name = "user_portal:accept_invitation"
    elif link.purpose == LinkPurpose.BREAK_GLASS:
        name = "admin_portal:break_glass"
    else:
        name = f"{'admin' if link.person.admin_role else 'user'}_portal:reset_password"
    return f"{settings.PUBLIC_URL}{reverse(name, args=[token])}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
