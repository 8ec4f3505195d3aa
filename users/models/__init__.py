"""What `users` stores, by subject: import it from here."""

from users.models.audit import AuditEvent, Outcome, SavedFilter
from users.models.counts import PeopleCount, SignInDay
from users.models.factors import AuthenticatorApp, Passkey, RecoveryCode
from users.models.groups import Group, GroupMembership
from users.models.imports import ImportMode, ImportStatus, PeopleImport, PeopleImportChunk, PeopleImportProblem
from users.models.limits import CacheEntry, RateCount
from users.models.links import ActionLink, LinkPurpose, ResetRequest, SetupToken
from users.models.organization import Organization, OrganizationLogo
from users.models.people import LAST_LOGIN_PRECISION, AdminRole, Source, State, User, UserManager, UserQuerySet
from users.models.sessions import Realm, UserSession

__all__ = [
    "ActionLink",
    "AdminRole",
    "AuditEvent",
    "AuthenticatorApp",
    "CacheEntry",
    "Group",
    "GroupMembership",
    "ImportMode",
    "ImportStatus",
    "LAST_LOGIN_PRECISION",
    "LinkPurpose",
    "Organization",
    "OrganizationLogo",
    "Outcome",
    "Passkey",
    "PeopleCount",
    "PeopleImport",
    "PeopleImportChunk",
    "PeopleImportProblem",
    "RateCount",
    "Realm",
    "RecoveryCode",
    "ResetRequest",
    "SavedFilter",
    "SetupToken",
    "SignInDay",
    "Source",
    "State",
    "User",
    "UserManager",
    "UserQuerySet",
    "UserSession",
]
