"""Identity providers and the links of people to them."""

import uuid
from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from idp.fields import EncryptedTextField
from idp.protocol.types import ProviderMetadata
from users.models import User, UserSession


class Kind(models.TextChoices):
    """What sort of provider it is; the labels are those of the *Add Identity Provider* menu."""

    ENTRA = "entra", "Entra ID (Azure)"
    GOOGLE = "google", "Google"
    OKTA = "okta", "Okta"
    OIDC = "oidc", "OpenID Connect"


class Status(models.TextChoices):
    """Whether a provider applies to people."""

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
        down_since: since when health checks fail, or None.
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
        """Known kinds and states, one name each, and one provider that everybody is sent to."""

        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="idp_name_unique"),
            models.UniqueConstraint(
                fields=["status"], condition=models.Q(status="active"), name="idp_one_active_provider"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="idp_kind_known"),
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="idp_status_known"),
            models.CheckConstraint(condition=models.Q(credential__in=Credential.values), name="idp_credential_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether federation sends people here now."""
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


class FederatedIdentity(models.Model):
    """The durable link of a person to an issuer's subject. Email is never the key.

    Attributes:
        rule: how it came about: `external_id`, `email` (first-link ladder), `administrator`, `pre_link` or `relink`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="federated_identities")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="federated_identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    email = models.CharField(max_length=255, blank=True)
    display_name = models.CharField(max_length=255, blank=True)
    rule = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_sign_in_at = models.DateTimeField(null=True)

    class Meta:
        """One person for a subject, and one subject of an issuer for a person. Lists are sorted by either time."""

        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="idp_identity_issuer_subject"),
            models.UniqueConstraint(fields=["person", "issuer"], name="idp_identity_person_issuer"),
        ]
        indexes = [
            models.Index(fields=["provider", "-last_sign_in_at", "-id"], name="idp_identity_last_sign_in"),
            models.Index(fields=["provider", "-created_at", "-id"], name="idp_identity_created"),
            models.Index(fields=["subject"], opclasses=["varchar_pattern_ops"], name="idp_identity_subject_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.person} at {self.issuer}"


class PendingLink(models.Model):
    """Somebody who came with a valid token and was not matched, until an administrator links or dismisses her.

    Attributes:
        reason: the error code of the refusal.
        facts: the safe facts behind it, such as the person who has the email but is linked elsewhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="pending_links")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    object_id = models.CharField(max_length=64, blank=True)
    email = models.CharField(max_length=255, blank=True)
    display_name = models.CharField(max_length=255, blank=True)
    reason = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)
    attempts = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    dismissed_at = models.DateTimeField(null=True)

    class Meta:
        """One row for an account, however often it comes."""

        ordering = ["-last_seen_at"]
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="idp_pending_issuer_subject")]
        indexes = [models.Index(fields=["provider", "dismissed_at", "-last_seen_at"], name="idp_pending_open")]

    def __str__(self) -> str:
        return self.email or self.display_name or self.subject

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return str(self)


class ClientCertificate(models.Model):
    """A key pair with which Gatehouse proves which application it is (RFC 7523, `private_key_jwt`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="certificates")
    slot = models.CharField(max_length=8, choices=Slot, default=Slot.NEXT)
    private_key = EncryptedTextField()
    certificate = models.TextField()
    thumbprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        """One in use and one in waiting."""

        constraints = [
            models.UniqueConstraint(fields=["provider", "slot"], name="idp_certificate_slot"),
            models.CheckConstraint(condition=models.Q(slot__in=Slot.values), name="idp_certificate_slot_known"),
        ]

    def __str__(self) -> str:
        return f"certificate {self.thumbprint}"


class Rehearsal(models.Model):
    """What a round trip to the provider showed that signed nobody in.

    Attributes:
        provider_version: the version of the provider that was rehearsed; a later one was not.
        steps: one `{"name", "outcome", "detail", "hint", "code", "milliseconds"}` for each step.
        claims: the validated claims, without nonce and opaque handles.
        verdict: who would be matched and by which rule, or why nobody: `{"rule", "person", "code", "message", "hint"}`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="rehearsals")
    provider_version = models.PositiveIntegerField()
    administrator = models.ForeignKey(User, on_delete=models.CASCADE, related_name="rehearsals")
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)
    succeeded = models.BooleanField(default=False)
    steps = models.JSONField(default=list)
    claims = models.JSONField(default=dict)
    verdict = models.JSONField(default=dict)

    class Meta:
        """Found by provider, newest first."""

        ordering = ["-started_at"]
        indexes = [models.Index(fields=["provider", "administrator", "-started_at"], name="idp_rehearsal_newest")]

    def __str__(self) -> str:
        return f"rehearsal of {self.provider} by {self.administrator}"


class UpstreamGrant(models.Model):
    """A session's refresh token, for asking the provider at intervals whether the session still stands.

    A database trigger removes it with its session, whoever ends that: Django's own cascade would cost every sign-in
    two more queries.

    Attributes:
        original: what the first ID token said and every later one has to repeat (OpenID Connect Core 1.0, 12.2).
    """

    session = models.OneToOneField(
        UserSession, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="upstream_grant"
    )
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="grants")
    original = models.JSONField()
    refresh_token = EncryptedTextField()
    next_check_at = models.DateTimeField()
    last_checked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"grant of {self.provider}"


class ExpiryNotice(models.Model):
    """A mail to the administrators about a credential: what it was about, so that it is written once.

    Attributes:
        subject_key: the credential and its expiry, such as `secret:2027-01-31`; a new one is warned of anew.
        threshold: the days before the end (60, 30, 14, 7, 1), or 0 for "the provider says that it has expired".
    """

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="expiry_notices")
    subject_key = models.CharField(max_length=100)
    threshold = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        """Inserting it is the right to send it."""

        constraints = [
            models.UniqueConstraint(fields=["provider", "subject_key", "threshold"], name="idp_expiry_notice_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.subject_key} at {self.threshold} days"


class SpentState(models.Model):
    """The hash of what works once: a `state` that came back, a logout token's `jti`. Inserting it is the single use."""

    state_hash = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"spent until {self.expires_at}"
