"""People: who is in the directory, in which state, with which role."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from users import names
from users.email_domain import EmailDomain
from users.name_key import NameKeyField

# A sign-in notes its moment on the person where the last one noted is older: most write nothing.
LAST_LOGIN_PRECISION = timedelta(hours=1)


class State(models.TextChoices):
    """Whether a person may sign in."""

    STAGED = "staged", "Staged"
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


class Source(models.TextChoices):
    """How a person came into the directory."""

    MANUAL = "manual", "Added by an administrator"
    IMPORT = "import", "CSV import"
    FEDERATION = "federation", "Identity provider"


class AdminRole(models.TextChoices):
    """What an administrator is; `users.permissions` says what each may do."""

    ADMINISTRATOR_WITH_BILLING = "administrator_with_billing", "Administrator With Billing"
    ADMINISTRATOR = "administrator", "Administrator"
    HELP_DESK = "help_desk", "Help Desk"
    READ_ONLY = "read_only", "Read Only"


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
    """A person of the directory. An administrator is a person with a role.

    Attributes:
        name_key: the names, folded, for searching and sorting.
        linked: whether there is a federated identity; a database trigger keeps it.
        last_login: the last sign-in, at most an hour behind: see `LAST_LOGIN_PRECISION`.
        locale: the language and region that the person prefers, as a language tag (BCP 47), or "".
        state_reason: what the administrator who set the state wrote down.
        scheduled_state, scheduled_at: the state that comes by itself, and when; `effective_state` knows both.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_name = models.CharField(max_length=64)
    company_email = models.CharField(max_length=254)
    display_name = models.CharField(max_length=150, blank=True)
    given_name = models.CharField(max_length=150, blank=True)
    family_name = models.CharField(max_length=150, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.STAGED)
    state_reason = models.CharField(max_length=200, blank=True)
    state_changed_at = models.DateTimeField(null=True, blank=True)
    scheduled_state = models.CharField(max_length=16, choices=State, null=True, blank=True)  # noqa: DJ001  (NULL is none)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    scheduled_reason = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=150, blank=True)
    department = models.CharField(max_length=150, blank=True)
    phone_number = models.CharField(max_length=50, blank=True)
    locale = models.CharField(max_length=35, blank=True, default="", db_default="")
    source = models.CharField(max_length=16, choices=Source, default=Source.MANUAL)
    name_key = NameKeyField()
    linked = models.BooleanField(default=False, editable=False)
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
            models.CheckConstraint(condition=models.Q(source__in=Source.values), name="users_source_known"),
            # An administrator's state changes by hand: a clock must not take away the last one.
            models.CheckConstraint(
                condition=models.Q(scheduled_state__isnull=True, scheduled_at__isnull=True)
                | models.Q(
                    scheduled_state__in=(State.ACTIVE, State.SUSPENDED),
                    scheduled_at__isnull=False,
                    admin_role__isnull=True,
                ),
                name="users_schedule_whole",
            ),
        ]
        # Prefixes are what a search types. PostgreSQL's plain index answers LIKE only where it sorts by bytes.
        # The list of people is sorted by name, email, last sign-in or age: of everybody, in a state, or linked or not.
        # (The trigram index for parts of names is in migration 0006.)
        indexes = [
            models.Index(fields=["state", "admin_role"], name="users_state_role"),
            models.Index(fields=["admin_role"], condition=models.Q(admin_role__isnull=False), name="users_role"),
            models.Index(fields=["name_key", "id"], name="users_name_key"),
            models.Index(fields=["last_login", "id"], name="users_last_login"),
            models.Index(fields=["created_at", "id"], name="users_created"),
            models.Index(fields=["state", "name_key", "id"], name="users_state_name_key"),
            models.Index(fields=["state", "company_email", "id"], name="users_state_email"),
            models.Index(fields=["state", "last_login", "id"], name="users_state_last_login"),
            models.Index(fields=["state", "created_at", "id"], name="users_state_created"),
            models.Index(fields=["linked", "name_key", "id"], name="users_linked_name_key"),
            models.Index(fields=["linked", "company_email", "id"], name="users_linked_email"),
            models.Index(fields=["linked", "last_login", "id"], name="users_linked_last_login"),
            models.Index(fields=["linked", "created_at", "id"], name="users_linked_created"),
            models.Index(
                fields=["scheduled_at"], condition=models.Q(scheduled_at__isnull=False), name="users_scheduled"
            ),
            models.Index(fields=["company_email"], opclasses=["varchar_pattern_ops"], name="users_email_prefix"),
            models.Index(fields=["user_name"], opclasses=["varchar_pattern_ops"], name="users_user_name_prefix"),
            models.Index(fields=["display_name"], name="users_display_name"),
            models.Index(EmailDomain("company_email"), "id", name="users_email_domain"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Whether this person may sign in now."""
        return self.effective_state == State.ACTIVE

    @property
    def effective_state(self) -> str:
        """The state that counts now: a scheduled one from its moment on, though the row be changed a little later."""
        if self.scheduled_state and self.scheduled_at and self.scheduled_at <= timezone.now():
            return self.scheduled_state
        return self.state

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
