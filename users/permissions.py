"""Who may do what: the one permission table."""

from enum import StrEnum

from users.models import AdminRole, User


class Permission(StrEnum):
    """What an Admin Portal page or service may require.

    SUPPORT_PEOPLE is the help desk's: unlock, suspend, end sessions, reset a password or second factor. It reaches
    nobody with a role: administrators are managed by those who manage administrators.
    EXPORT_PEOPLE takes the whole directory home. Who reads everything may; the help desk has people to look up.
    """

    OPEN_ADMIN_PORTAL = "open_admin_portal"
    VIEW_PEOPLE = "view_people"
    SUPPORT_PEOPLE = "support_people"
    MANAGE_PEOPLE = "manage_people"
    EXPORT_PEOPLE = "export_people"
    VIEW_IDENTITY_PROVIDERS = "view_identity_providers"
    MANAGE_IDENTITY_PROVIDERS = "manage_identity_providers"
    VIEW_ACCESS_POLICIES = "view_access_policies"
    MANAGE_ACCESS_POLICIES = "manage_access_policies"
    VIEW_AUDIT = "view_audit"
    VIEW_ADMINISTRATORS = "view_administrators"
    MANAGE_ADMINISTRATORS = "manage_administrators"
    VIEW_ORGANIZATION = "view_organization"
    MANAGE_ORGANIZATION = "manage_organization"


_READ = frozenset(
    {
        Permission.OPEN_ADMIN_PORTAL,
        Permission.VIEW_PEOPLE,
        Permission.EXPORT_PEOPLE,
        Permission.VIEW_IDENTITY_PROVIDERS,
        Permission.VIEW_ACCESS_POLICIES,
        Permission.VIEW_AUDIT,
        Permission.VIEW_ADMINISTRATORS,
        Permission.VIEW_ORGANIZATION,
    }
)

ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    AdminRole.ADMINISTRATOR_WITH_BILLING: frozenset(Permission),
    AdminRole.ADMINISTRATOR: _READ
    | {Permission.SUPPORT_PEOPLE, Permission.MANAGE_PEOPLE, Permission.MANAGE_ACCESS_POLICIES},
    AdminRole.HELP_DESK: frozenset({Permission.OPEN_ADMIN_PORTAL, Permission.VIEW_PEOPLE, Permission.SUPPORT_PEOPLE}),
    AdminRole.READ_ONLY: _READ,
}


def permissions_of(user: User) -> frozenset[Permission]:
    """Return what this person may do as an administrator: nothing without a role, or unless active."""
    if not user.is_active or user.admin_role is None:
        return frozenset()
    return ROLE_PERMISSIONS[user.admin_role]
