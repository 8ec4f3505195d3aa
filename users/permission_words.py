"""What a role may do, in words, taken from the permission table itself: so pages and mails cannot drift from it."""

from collections.abc import Iterable
from dataclasses import dataclass

from users.models import AdminRole
from users.permissions import ROLE_PERMISSIONS, Permission

WORDS = {
    Permission.OPEN_ADMIN_PORTAL: "Sign in to the Admin Portal",
    Permission.VIEW_PEOPLE: "See people and where they are signed in",
    Permission.SUPPORT_PEOPLE: "Help people: unlock, suspend, end sessions, reset passwords and second factors",
    Permission.EXPORT_PEOPLE: "Export people to a file",
    Permission.MANAGE_PEOPLE: "Add, import, change, activate and delete people, and manage groups",
    Permission.VIEW_IDENTITY_PROVIDERS: "See identity providers, without their secrets",
    Permission.MANAGE_IDENTITY_PROVIDERS: "Connect, change, activate and delete identity providers, and link accounts",
    Permission.VIEW_ACCESS_POLICIES: "See conditional access policies",
    Permission.MANAGE_ACCESS_POLICIES: "Add, change, order and delete conditional access policies",
    Permission.VIEW_AUDIT: "Read the audit log",
    Permission.VIEW_ADMINISTRATORS: "See who is an administrator",
    Permission.MANAGE_ADMINISTRATORS: "Invite, change and remove administrators",
    Permission.VIEW_ORGANIZATION: "See the organization settings",
    Permission.MANAGE_ORGANIZATION: "Change the organization settings",
}


@dataclass(frozen=True)
class Line:
    """One line of the table of roles: what is allowed, and for each role in the order of AdminRole whether it is."""

    words: str
    allowed: list[tuple[str, bool]]


def in_words(permissions: Iterable[Permission]) -> list[str]:
    """Return these permissions in words, in the order of the table."""
    held = set(permissions)
    return [WORDS[permission] for permission in Permission if permission in held]


def words_of_role(role: AdminRole) -> list[str]:
    """Return what a role may do."""
    return in_words(ROLE_PERMISSIONS[role])


def table() -> list[Line]:
    """Return the table of what each role may do."""
    return [
        Line(WORDS[permission], [(role.label, permission in ROLE_PERMISSIONS[role]) for role in AdminRole])
        for permission in Permission
    ]


def lost(before: AdminRole, after: AdminRole | None) -> list[str]:
    """Return what somebody may no longer do when the role changes, or goes."""
    return in_words(ROLE_PERMISSIONS[before] - (ROLE_PERMISSIONS[after] if after else frozenset()))


def gained(before: AdminRole, after: AdminRole) -> list[str]:
    """Return what somebody may do from then on."""
    return in_words(ROLE_PERMISSIONS[after] - ROLE_PERMISSIONS[before])
