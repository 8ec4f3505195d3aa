"""Identity providers as administrators configured them."""

import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from idp.fields import EncryptedTextField
from idp.outages import down_now
from idp.protocol.types import ProviderMetadata
from users.models import State

if TYPE_CHECKING:
    from idp.models.credentials import ClientCertificate


class Kind(models.TextChoices):
    """What sort of provider it is; the labels are those of the *Add Identity Provider* menu."""

    ENTRA = "entra", "Entra ID (Azure)"
    GOOGLE = "google", "Google"
    OKTA = "okta", "Okta"
    OIDC = "oidc", "OpenID Connect"


class Status(models.TextChoices):
    """Whether routing policies may send people to a provider."""

    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    ARCHIVED = "archived", "Archived"


class Credential(models.TextChoices):
    """How Gatehouse proves to a provider which application it is."""

    SECRET = "secret", "Client secret"
    CERTIFICATE = "certificate", "Certificate"


class Slot(models.TextChoices):
    """Whether a certificate is in use, or waits to be promoted."""

    CURRENT = "current", "In use"
    NEXT = "next", "Next"


# Whom a first sign-in adds, it adds so.
JIT_STATES = (State.STAGED, State.ACTIVE)


class IdentityProviderQuerySet(models.QuerySet["IdentityProvider"]):
    """Reads of providers."""

    def active(self) -> "IdentityProviderQuerySet":
        """Return the providers that federation uses now."""
        return self.filter(status=Status.ACTIVE)


class IdentityProvider(models.Model):
    """An upstream OpenID provider as an administrator configured it.

    Attributes:
        version: goes up when it changes who is trusted with what; sign-ins under way then start again.
        revision: goes up with every change; a form that shows an older one is refused.
        credential: what the token request uses now. The next secret waits beside it until it is promoted.
        recheck_minutes: how often a session asks the provider whether it still stands; 0 for never.
        health: what housekeeping found last: `{"ok": bool, "code": str, "detail": str}`.
        down_since: since when health checks fail, or None; whether that still counts, says `down_now`.
        jit_enabled: whether a first sign-in that finds nobody adds the person: with an email of `jit_domains` only, in
            `jit_state`, and into the groups of `jit_groups`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    slug = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=500)
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    client_secret = EncryptedTextField(null=True)
    client_secret_set_at = models.DateTimeField(null=True)
    client_secret_expires_on = models.DateField(null=True, blank=True)
    next_client_secret = EncryptedTextField(null=True)
    next_client_secret_set_at = models.DateTimeField(null=True)
    next_client_secret_expires_on = models.DateField(null=True, blank=True)
    credential = models.CharField(max_length=12, choices=Credential, default=Credential.SECRET)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    version = models.PositiveIntegerField(default=1)
    revision = models.PositiveIntegerField(default=1)
    recheck_minutes = models.PositiveSmallIntegerField(default=0)
    email_domains = models.JSONField(default=list, blank=True)
    allow_guests = models.BooleanField(default=False)
    jit_enabled = models.BooleanField(default=False, db_default=False)
    jit_domains = models.JSONField(default=list, db_default=[], blank=True)
    jit_state = models.CharField(max_length=16, choices=State, default=State.STAGED, db_default=State.STAGED)
    metadata = models.JSONField(default=dict)
    metadata_fetched_at = models.DateTimeField(null=True)
    last_test = models.JSONField(null=True)
    last_test_at = models.DateTimeField(null=True)
    health = models.JSONField(null=True)
    health_checked_at = models.DateTimeField(null=True)
    down_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    activated_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["IdentityProvider"]] = IdentityProviderQuerySet.as_manager()

    class Meta:
        """Known kinds and states, and one name each."""

        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="idp_name_unique"),
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="idp_kind_known"),
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="idp_status_known"),
            models.CheckConstraint(condition=models.Q(credential__in=Credential.values), name="idp_credential_known"),
            models.CheckConstraint(condition=models.Q(jit_state__in=JIT_STATES), name="idp_jit_state_known"),
            models.CheckConstraint(
                condition=models.Q(jit_enabled=False) | ~models.Q(jit_domains=[]), name="idp_jit_domains_named"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether routing policies can send people here now."""
        return self.status == Status.ACTIVE

    @property
    def is_entra(self) -> bool:
        """Whether Entra's own claims are checked."""
        return self.kind == Kind.ENTRA

    @property
    def tenant_id(self) -> str:
        """The Directory (tenant) ID of an Entra provider: the last part of its URL."""
        return self.url.rpartition("/")[2] if self.is_entra else ""

    @property
    def discovered(self) -> ProviderMetadata:
        """The stored snapshot of the provider's discovery document."""
        return ProviderMetadata.from_dict(self.metadata)

    @property
    def trust(self) -> str:
        """Whose word for a person is taken: issuer and client ID. A session remembers it, and ends when it changes."""
        return f"{self.issuer} {self.client_id}"

    @property
    def redirect_uri(self) -> str:
        """The redirect URI to register at the provider; one for each provider, as a defence against mix-up."""
        return f"{settings.PUBLIC_URL}/oauth/callback/{self.slug}"

    @property
    def frontchannel_logout_uri(self) -> str:
        """Where the provider's sign-out page opens a hidden frame (OpenID Connect Front-Channel Logout 1.0)."""
        return f"{settings.PUBLIC_URL}/oauth/frontchannel-logout/{self.slug}"

    @property
    def backchannel_logout_uri(self) -> str:
        """Where the provider's server tells of a sign-out (OpenID Connect Back-Channel Logout 1.0)."""
        return f"{settings.PUBLIC_URL}/oauth/backchannel-logout/{self.slug}"

    @property
    def initiate_login_uri(self) -> str:
        """Where the provider's own pages send people who are to sign in here (OpenID Connect Core 1.0, section 4)."""
        return f"{settings.PUBLIC_URL}/oauth/initiate/{self.slug}"

    @property
    def down_now(self) -> datetime | None:
        """Since when the provider is down, or None where it is not, or where its last check is too long ago.

        To be asked of a row that was just read: the one that sign-ins keep may be older than the last check.
        """
        return down_now(self.down_since, self.health_checked_at)

    @property
    def uses_certificate(self) -> bool:
        """Whether a certificate stands in the place of a client secret."""
        return self.credential == Credential.CERTIFICATE

    def certificate_in(self, slot: Slot) -> "ClientCertificate | None":
        """Return the certificate in use, or the one that waits; asks nothing where they were prefetched."""
        return next((each for each in self.certificates.all() if each.slot == slot), None)

    @property
    def secret_days_left(self) -> int | None:
        """The days until the client secret expires, or None where no date was given."""
        if self.client_secret_expires_on is None:
            return None
        return (self.client_secret_expires_on - date.fromisoformat(timezone.localdate().isoformat())).days


class SlugNumber(models.Model):
    """The numbers that slugs of each kind have used. Rows stay, so that a slug is never given out twice."""

    kind = models.CharField(max_length=8, choices=Kind)
    number = models.PositiveIntegerField()

    class Meta:
        """One use of each number."""

        constraints = [models.UniqueConstraint(fields=["kind", "number"], name="idp_slug_number_unique")]

    def __str__(self) -> str:
        return self.slug

    @property
    def slug(self) -> str:
        """The slug: the kind alone for the first of its kind."""
        return self.kind if self.number == 1 else f"{self.kind}-{self.number}"
