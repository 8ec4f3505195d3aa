"""The navigation of the Admin Portal: upper-case sections, and the entries that work and that the role may open."""

from dataclasses import dataclass

from django.urls import reverse

from users.models import User
from users.permissions import Permission, permissions_of


@dataclass(frozen=True)
class Entry:
    """One link."""

    label: str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True)
class Section:
    """A heading with its links."""

    label: str
    entries: tuple[Entry, ...]


# Section, entry, URL name, icon, permission. An entry appears here when its pages work.
_ENTRIES = (
    ("USER MANAGEMENT", "Users", "admin_portal:people", "users", Permission.VIEW_PEOPLE),
    ("USER MANAGEMENT", "User Groups", "admin_portal:groups", "users-round", Permission.VIEW_PEOPLE),
    (
        "DIRECTORY INTEGRATIONS",
        "Identity Providers",
        "admin_portal:identity_providers",
        "key-round",
        Permission.VIEW_IDENTITY_PROVIDERS,
    ),
    (
        "SECURITY MANAGEMENT",
        "Conditional Policies",
        "admin_portal:access_policies",
        "shield-check",
        Permission.VIEW_ACCESS_POLICIES,
    ),
    ("INSIGHTS", "Directory", "admin_portal:directory", "scroll-text", Permission.VIEW_AUDIT),
    ("INSIGHTS", "Sessions", "admin_portal:sessions", "monitor-smartphone", Permission.VIEW_PEOPLE),
    ("SETTINGS", "Administrators", "admin_portal:administrators", "shield-user", Permission.VIEW_ADMINISTRATORS),
    ("SETTINGS", "Organization", "admin_portal:organization", "settings", Permission.VIEW_ORGANIZATION),
)


def navigation(person: User, path: str) -> list[Section]:
    """Return the sections that this administrator sees, with the entry of the open page marked."""
    allowed = permissions_of(person)
    home = reverse("admin_portal:home")
    sections = {"": [Entry("Home", home, "house", path == home)]}
    for heading, label, name, icon, permission in _ENTRIES:
        if permission in allowed:
            url = reverse(name)
            sections.setdefault(heading, []).append(Entry(label, url, icon, path.startswith(url)))
    return [Section(heading, tuple(entries)) for heading, entries in sections.items()]
