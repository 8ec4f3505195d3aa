"""What `idp` stores, by subject: import it from here."""

from idp.models.access import (
    AccessAction,
    AccessDefault,
    AccessGroup,
    AccessPerson,
    AccessPolicy,
    AccessProvider,
    AccessSide,
    Resource,
    TokenFactor,
)
from idp.models.claims import (
    ClaimGroup,
    ClaimMapping,
    ClaimOverage,
    JitGroup,
    PersonField,
)
from idp.models.credentials import ClientCertificate, ExpiryNotice
from idp.models.guards import GuardedFailure, GuardOutcome, RoutingGuard
from idp.models.housekeeping import HousekeepingTask
from idp.models.links import FederatedIdentity, PendingLink
from idp.models.providers import Credential, IdentityProvider, IdentityProviderQuerySet, Kind, Slot, SlugNumber, Status
from idp.models.rehearsals import Rehearsal
from idp.models.routing import RoutingDomain, RoutingException, RoutingGroup, RoutingPolicy, RoutingPolicyQuerySet
from idp.models.sign_ins import SpentState, UpstreamGrant

__all__ = [
    "AccessAction",
    "AccessDefault",
    "AccessGroup",
    "AccessPerson",
    "AccessPolicy",
    "AccessProvider",
    "AccessSide",
    "ClaimGroup",
    "ClaimMapping",
    "ClaimOverage",
    "ClientCertificate",
    "Credential",
    "ExpiryNotice",
    "FederatedIdentity",
    "GuardOutcome",
    "HousekeepingTask",
    "GuardedFailure",
    "IdentityProvider",
    "IdentityProviderQuerySet",
    "JitGroup",
    "Kind",
    "PendingLink",
    "PersonField",
    "Rehearsal",
    "Resource",
    "RoutingDomain",
    "RoutingException",
    "RoutingGroup",
    "RoutingGuard",
    "RoutingPolicy",
    "RoutingPolicyQuerySet",
    "Slot",
    "SlugNumber",
    "SpentState",
    "Status",
    "TokenFactor",
    "UpstreamGrant",
]
