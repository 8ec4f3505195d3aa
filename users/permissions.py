"""Who may do what: the one permission table."""

from enum import StrEnum

from users.models import AdminRole, User


class Permission(StrEnum):
    """What an Admin Portal page or service may require."""

    OPEN_ADMIN_PORTAL = "open_admin_portal"
    VIEW_PEOPLE = "view_people"
    MANAGE_PEOPLE = "manage_people"
    VIEW_IDENTITY_PROVIDERS = "view_identity_providers"
    MANAGE_IDENTITY_PROVIDERS = "manage_identity_providers"
    VIEW_AUDIT = "view_audit"
    MANAGE_ADMINISTRATORS = "manage_administrators"
    VIEW_ORGANIZATION = "view_organization"
    MANAGE_ORGANIZATION = "manage_organization"


_READ = frozenset(
    {
        Permission.OPEN_ADMIN_PORTAL,
        Permission.VIEW_PEOPLE,
        Permission.VIEW_IDENTITY_PROVIDERS,
        Permission.VIEW_AUDIT,
        Permission.VIEW_ORGANIZATION,
    }
)

ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    AdminRole.ADMINISTRATOR_WITH_BILLING: frozenset(Permission),
    AdminRole.ADMINISTRATOR: _READ | {Permission.MANAGE_PEOPLE},
    AdminRole.HELP_DESK: frozenset({Permission.OPEN_ADMIN_PORTAL, Permission.VIEW_PEOPLE}),
    AdminRole.READ_ONLY: _READ,
}


def permissions_of(user: User) -> frozenset[Permission]:
    """Return what this person may do as an administrator: nothing without a role, or unless active."""
    if not user.is_active or user.admin_role is None:
        return frozenset()
    return ROLE_PERMISSIONS[user.admin_role]
