"""Reads of administrators: the list with those who are invited, and what a change of role would mean."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from users import password_owner, sessions
from users.action_links import is_good
from users.errors import LastBillingAdministrator, NotAnAdministrator
from users.lockout import Lockout, lockouts_of
from users.models import ActionLink, AdminRole, LinkPurpose, User
from users.permission_words import gained, lost
from users.permissions import ROLE_PERMISSIONS, Permission
from users.services import find_person, keep_a_billing_administrator

PAGE_SIZE = 20


@dataclass(frozen=True)
class Listed:
    """An administrator, or somebody who is invited to be one.

    Attributes:
        invitation: the open invitation of somebody who has no role yet, or None.
        lockout: the failed sign-ins that count now.
    """

    person: User
    invitation: ActionLink | None
    lockout: Lockout

    @property
    def role(self) -> AdminRole:
        """The role that she has, or would have."""
        return AdminRole(self.invitation.role if self.invitation else self.person.admin_role or "")

    @property
    def state(self) -> tuple[str, str, str]:
        """What she is, as words, tone and icon of a badge."""
        if self.invitation is None:
            tones = {
                "active": ("success", ""),
                "staged": ("neutral", "circle-dashed"),
                "suspended": ("warning", "circle-pause"),
            }
            return (self.person.get_state_display(), *tones[self.person.state])
        if is_good(self.invitation):
            return ("Invited", "info", "mail") if self.invitation.mailed_at else ("Not mailed", "warning", "mail-x")
        if self.invitation.expires_at <= timezone.now():
            return ("Invitation ran out", "warning", "timer-off")
        return ("Invitation void", "warning", "ban")


def _listed(people: list[User]) -> list[Listed]:
    links = ActionLink.objects.filter(purpose=LinkPurpose.ADMINISTRATOR_INVITATION, used_at=None)
    open_ones = {link.person_id: link for link in links.filter(person__in=people).select_related("person", "made_by")}
    lockouts = lockouts_of(person.company_email for person in people)
    return [
        Listed(
            person=person,
            invitation=None if person.admin_role else open_ones.get(person.pk),
            lockout=lockouts.get(person.company_email, Lockout(0, None)),
        )
        for person in people
    ]


def list_administrators(*, after: str = "") -> tuple[list[Listed], str]:
    """Return one page of administrators and invited people by company email, and the key of the next page, or "".

    Args:
        after: the company email that the page before ended with.
    """
    invited = ActionLink.objects.filter(purpose=LinkPurpose.ADMINISTRATOR_INVITATION, used_at=None)
    people = User.objects.filter(Q(admin_role__isnull=False) | Q(pk__in=invited.values("person_id")))
    after = after.replace("\x00", "")[:254]
    found = list(people.filter(company_email__gt=after).order_by("company_email")[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE]
    return _listed(page), page[-1].company_email if len(found) > PAGE_SIZE else ""


def every_administrator() -> Iterator[Listed]:
    """Yield all of them, page by page."""
    after = ""
    while True:
        page, after = list_administrators(after=after)
        yield from page
        if not after:
            return


def find_administrator(pk: UUID) -> User:
    """Return the administrator with this key.

    Raises:
        PersonNotFound: there is nobody of this key.
        NotAnAdministrator: she has no role.
    """
    person = find_person(str(pk))
    if person.admin_role is None:
        raise NotAnAdministrator(label=person.label)
    return person


def find_listed(person: User) -> Listed:
    """Return an administrator or invited person as the list has her.

    Raises:
        NotAnAdministrator: she is neither.
    """
    (listed,) = _listed([person])
    if person.admin_role is None and listed.invitation is None:
        raise NotAnAdministrator(label=person.label)
    return listed


@dataclass(frozen=True)
class RoleImpact:
    """What it means to change or take away a role.

    Attributes:
        no_longer, from_now: what she may do only before, and only after.
        sessions: how many live sessions end.
        invitations: how many invitations that she sent stop working.
        password_owner: the provider with which she signs in to the User Portal once she has no role, or None.
        refusal: why it cannot be done, or None.
    """

    no_longer: list[str]
    from_now: list[str]
    sessions: int
    invitations: int
    password_owner: str | None
    refusal: LastBillingAdministrator | None


def role_impact(person: User, role: AdminRole | None) -> RoleImpact:
    """Return what changes when an administrator gets this role, or none. Changes nothing.

    Raises:
        NotAnAdministrator: she has no role.
    """
    if person.admin_role is None:
        raise NotAnAdministrator(label=person.label)
    before = AdminRole(person.admin_role)
    stays_manager = role is not None and Permission.MANAGE_ADMINISTRATORS in ROLE_PERMISSIONS[role]
    sent = ActionLink.objects.filter(
        made_by=person,
        used_at=None,
        expires_at__gt=timezone.now(),
        purpose=LinkPurpose.ADMINISTRATOR_INVITATION,
    )
    return RoleImpact(
        no_longer=lost(before, role),
        from_now=gained(before, role) if role else [],
        sessions=sessions.live_sessions(person=person),
        invitations=0 if stays_manager else sent.count(),
        password_owner=None if role else _owner_without_role(person),
        refusal=None if role == before else _refusal(person),
    )


def _owner_without_role(person: User) -> str | None:
    return password_owner.of(User(pk=person.pk, company_email=person.company_email, admin_role=None))


def _refusal(person: User) -> LastBillingAdministrator | None:
    try:
        keep_a_billing_administrator(person)
    except LastBillingAdministrator as error:
        return error
    return None
