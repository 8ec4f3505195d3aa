"""People, their sessions and the audit log."""

import uuid
from importlib import import_module
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from users import names
from users.factor_models import AuthenticatorApp as AuthenticatorApp
from users.factor_models import Passkey as Passkey
from users.factor_models import RecoveryCode as RecoveryCode


class State(models.TextChoices):
    """Whether a person may sign in."""

    STAGED = "staged", "Staged"
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


class AdminRole(models.TextChoices):
    """What an administrator is; `users.permissions` says what each may do."""

    ADMINISTRATOR_WITH_BILLING = "administrator_with_billing", "Administrator With Billing"
    ADMINISTRATOR = "administrator", "Administrator"
    HELP_DESK = "help_desk", "Help Desk"
    READ_ONLY = "read_only", "Read Only"


class Realm(models.TextChoices):
    """Which portal a session opens."""

    USER = "user", "User Portal"
    ADMIN = "admin", "Admin Portal"


class UserQuerySet(models.QuerySet["User"]):
    """Reads of people."""

    def active(self) -> "UserQuerySet":
        """Return the people who may sign in."""
        return self.filter(state=State.ACTIVE)

    def administrators(self) -> "UserQuerySet":
        """Return the people with an administrator's role, whatever their state."""
        return self.filter(admin_role__isnull=False)

    def without_role(self) -> "UserQuerySet":
        """Return the people whom federation may send to a provider: administrators keep their own sign-in."""
        return self.filter(admin_role__isnull=True)


class UserManager(BaseUserManager["User"]):
    """Finds people by what they type; services create them."""

    def get_queryset(self) -> UserQuerySet:
        """Return everybody."""
        return UserQuerySet(self.model, using=self._db)

    def active(self) -> UserQuerySet:
        """Return the people who may sign in."""
        return self.get_queryset().active()

    def administrators(self) -> UserQuerySet:
        """Return the people with an administrator's role, whatever their state."""
        return self.get_queryset().administrators()

    def without_role(self) -> UserQuerySet:
        """Return the people whom federation may send to a provider."""
        return self.get_queryset().without_role()

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the person with this company email, without regard to case. A look-alike is nobody."""
        email = (username or "").strip()
        if not email.isascii():
            raise self.model.DoesNotExist
        return self.get(company_email=email.lower())


class User(AbstractBaseUser):
    """A person of the directory. An administrator is a person with a role."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_name = models.CharField(max_length=64)
    company_email = models.CharField(max_length=254)
    display_name = models.CharField(max_length=150, blank=True)
    given_name = models.CharField(max_length=150, blank=True)
    family_name = models.CharField(max_length=150, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.STAGED)
    external_id = models.CharField(max_length=255, null=True, blank=True, unique=True)  # noqa: DJ001  (unique: NULL is no value)
    admin_role = models.CharField(max_length=32, choices=AdminRole, null=True, blank=True)  # noqa: DJ001  (NULL is no role)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "company_email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["user_name"]

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        """Uniqueness without regard to case, and only known states and roles."""

        constraints = [
            models.UniqueConstraint(Lower("user_name"), name="users_user_name_unique"),
            models.UniqueConstraint(fields=["company_email"], name="users_company_email_unique"),
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="users_state_known"),
            models.CheckConstraint(
                condition=models.Q(admin_role__isnull=True) | models.Q(admin_role__in=AdminRole.values),
                name="users_admin_role_known",
            ),
            models.CheckConstraint(
                condition=models.Q(company_email=Lower("company_email")), name="users_company_email_lower_case"
            ),
        ]
        # Prefixes are what a search types. PostgreSQL's plain index answers LIKE only where it sorts by bytes.
        indexes = [
            models.Index(fields=["state", "admin_role"], name="users_state_role"),
            models.Index(fields=["company_email"], opclasses=["varchar_pattern_ops"], name="users_email_prefix"),
            models.Index(fields=["user_name"], opclasses=["varchar_pattern_ops"], name="users_user_name_prefix"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Whether this person may sign in."""
        return self.state == State.ACTIVE

    @property
    def label(self) -> str:
        """The name to show, falling back to the company email."""
        return names.label_of(
            display_name=self.display_name,
            given_name=self.given_name,
            family_name=self.family_name,
            company_email=self.company_email,
        )

    @property
    def is_administrator(self) -> bool:
        """Whether this person has an administrator's role."""
        return self.admin_role is not None


class UserSession(AbstractBaseSession):
    """One browser's session. The key is stored as its SHA-256, so that reading this table signs nobody in.

    `provider_id` is no foreign key: providers live a floor higher, and a session outlives none of them.
    `expire_date` is the earlier of the idle and the absolute limit; it moves on while the session is in use.
    """

    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions", db_index=False)
    realm = models.CharField(max_length=8, choices=Realm, blank=True)
    provider_id = models.UUIDField(null=True)
    upstream_sid = models.CharField(max_length=255, blank=True)
    client_ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    signed_in_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta:
        """Sessions are found by person, and by provider and the name there; pruned by expiry.

        Visitors' are found by neither: most sessions are made and removed within one sign-in, and each index costs.
        """

        indexes = [
            models.Index(
                fields=["person", "realm"],
                condition=models.Q(person__isnull=False),
                name="users_session_of_person",
            ),
            models.Index(
                fields=["provider_id", "upstream_sid"],
                condition=models.Q(provider_id__isnull=False),
                name="users_session_of_provider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.realm or 'anonymous'} session of {self.person or 'nobody'}"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """Return the store of these rows; Django asks for it to decode one."""
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store


class Organization(models.Model):
    """What holds for the whole company: one row, made by the first change. Until then the defaults hold.

    Attributes:
        session_idle_minutes: a session that nobody uses for so long ends.
        session_absolute_hours: a session ends so long after the sign-in, however busy it is.
        audit_retention_days: older audit rows are removed by `manage.py housekeeping`.
        second_factor_required: administrators must have a second factor; who has none enrols at the next sign-in.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    session_idle_minutes = models.PositiveIntegerField(default=60)
    session_absolute_hours = models.PositiveIntegerField(default=8)
    audit_retention_days = models.PositiveIntegerField(default=365)
    second_factor_required = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """One row, with limits that make sense."""

        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="users_organization_one_row"),
            models.CheckConstraint(
                condition=models.Q(session_idle_minutes__range=(5, 10080)), name="users_organization_idle_range"
            ),
            models.CheckConstraint(
                condition=models.Q(session_absolute_hours__range=(1, 720)), name="users_organization_absolute_range"
            ),
            models.CheckConstraint(
                condition=models.Q(audit_retention_days__range=(30, 3650)), name="users_organization_retention_range"
            ),
        ]

    def __str__(self) -> str:
        return "Organization settings"

    @classmethod
    def current(cls) -> "Organization":
        """Return the company's settings; the defaults until somebody changes one."""
        return cls.objects.filter(pk=1).first() or cls()


class Outcome(models.TextChoices):
    """How an audited act ended."""

    SUCCESS = "success", "Success"
    REFUSED = "refused", "Refused"


class AuditEvent(models.Model):
    """One act or refusal, with everything copied that a reader needs after its subjects are gone.

    Append-only: a database trigger refuses updates of anything but the fold (`occurrences`, `last_at`).
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8, choices=Outcome)
    error_code = models.CharField(max_length=64, blank=True)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=255)
    target_type = models.CharField(max_length=32, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target_label = models.CharField(max_length=255, blank=True)
    client_ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=32, blank=True)
    details = models.JSONField(default=dict)
    occurrences = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Newest first, by action, by person; by time for pruning; refusals of one address together for the fold."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="users_audit_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["action", "-id"], name="users_audit_action"),
            models.Index(fields=["actor_id", "-id"], name="users_audit_actor"),
            models.Index(fields=["target_id", "-id"], name="users_audit_target"),
            models.Index(
                fields=["client_ip", "action", "error_code", "-at"],
                condition=models.Q(actor_id__isnull=True),
                name="users_audit_fold",
            ),
            models.Index(fields=["request_id"], name="users_audit_request"),
            models.Index(fields=["at"], name="users_audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome}"


class SetupToken(models.Model):
    """The one-time link that creates the first administrator; only its SHA-256 is stored."""

    token_hash = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"set-up link, valid until {self.expires_at:%Y-%m-%d %H:%M} UTC"
