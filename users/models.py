"""People, their sessions and the audit log."""

import uuid
from datetime import timedelta
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
from users.import_models import ImportMode as ImportMode
from users.import_models import ImportStatus as ImportStatus
from users.import_models import PeopleImport as PeopleImport
from users.import_models import PeopleImportChunk as PeopleImportChunk
from users.import_models import PeopleImportProblem as PeopleImportProblem
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
    """A person of the directory. An administrator is a person with a role.

    Attributes:
        name_key: the names, folded, for searching and sorting.
        linked: whether there is a federated identity; a database trigger keeps it.
        last_login: the last sign-in, at most an hour behind: see `LAST_LOGIN_PRECISION`.
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


class Group(models.Model):
    """People who belong together, for whatever an administrator needs to name them at once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    people = models.ManyToManyField(User, through="GroupMembership", related_name="groups")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Names are unique without regard to case."""

        constraints = [models.UniqueConstraint(Lower("name"), name="users_group_name_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name that the audit log copies."""
        return self.name


class GroupMembership(models.Model):
    """One person in one group."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        """A person is in a group once."""

        constraints = [models.UniqueConstraint(fields=["group", "person"], name="users_membership_once")]

    def __str__(self) -> str:
        return f"{self.person} in {self.group}"


class PeopleCount(models.Model):
    """How many people there are of each sort: sums over these rows, so that a million need not be counted.

    Database triggers keep them. SQLite has one writer, and there one row for each sort is counted up and down. On
    PostgreSQL every change adds rows, because those who change people must not wait for each other at one number;
    `manage.py housekeeping` adds them up.

    Attributes:
        admin_role: "" for none.
    """

    state = models.CharField(max_length=16)
    admin_role = models.CharField(max_length=32)
    linked = models.BooleanField()
    signed_in = models.BooleanField()
    amount = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.amount} {self.state}"


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
        """Sessions are found by person, by provider and the name there, and the newest first; pruned by expiry.

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
            models.Index(
                fields=["signed_in_at"],
                condition=models.Q(person__isnull=False),
                name="users_session_newest",
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
        name: of the company; "" until somebody says it.
        support_email, support_url, support_phone, support_note: whom people ask for help, each "" for none.
        default_state_manual, default_state_import: the state of new people by their source; see `default_state`.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=100, blank=True)
    support_email = models.CharField(max_length=254, blank=True)
    support_url = models.CharField(max_length=500, blank=True)
    support_phone = models.CharField(max_length=50, blank=True)
    support_note = models.CharField(max_length=200, blank=True)
    default_state_manual = models.CharField(max_length=16, choices=State, default=State.STAGED)
    default_state_import = models.CharField(max_length=16, choices=State, default=State.STAGED)
    session_idle_minutes = models.PositiveIntegerField(default=60)
    session_absolute_hours = models.PositiveIntegerField(default=8)
    audit_retention_days = models.PositiveIntegerField(default=365)
    second_factor_required = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """One row, with limits that make sense, and people who begin staged or active: nobody begins suspended."""

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
            models.CheckConstraint(
                condition=models.Q(
                    default_state_manual__in=(State.STAGED, State.ACTIVE),
                    default_state_import__in=(State.STAGED, State.ACTIVE),
                ),
                name="users_organization_default_states",
            ),
            models.CheckConstraint(
                condition=models.Q(support_url="") | models.Q(support_url__startswith="https://"),
                name="users_organization_support_https",
            ),
        ]

    def __str__(self) -> str:
        return "Organization settings"

    @classmethod
    def current(cls) -> "Organization":
        """Return the company's settings; the defaults until somebody changes one."""
        return cls.objects.filter(pk=1).first() or cls()


class OrganizationLogo(models.Model):
    """The company's logo, re-encoded: one row or none. Here and not in a file, because several processes show it.

    Attributes:
        data: a PNG without metadata, at most `users.logo.MAX_WEIGHT` bytes.
        sha256: of the data, in hex; the beginning of it is in the logo's address.
        width, height: in pixels.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    data = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """One row."""

        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="users_logo_one_row")]

    def __str__(self) -> str:
        return f"Logo, {self.width} x {self.height}"


class Outcome(models.TextChoices):
    """How an audited act ended."""

    SUCCESS = "success", "Success"
    REFUSED = "refused", "Refused"


class AuditEvent(models.Model):
    """One act or refusal, with everything copied that a reader needs after its subjects are gone.

    Append-only: database triggers refuse updates of anything but the fold (`occurrences`, `last_at`), and deletion
    before the organization's retention is over.

    Attributes:
        about: what a search finds the row by where it is no key: the email that was tried, or the target's label; in
            lower case. None where the actor is the target, as in every sign-in that succeeds.
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
    about = models.CharField(max_length=255, null=True)  # noqa: DJ001  (NULL keeps most rows out of its index)

    class Meta:
        """Every filter of the log has an index in the log's order; refusals of one address are together for the fold.

        A sign-in that succeeds writes six of them, besides the key's: what only refusals are found by is partial.
        """

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="users_audit_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["at", "id"], name="users_audit_at"),
            models.Index(fields=["action", "at", "id"], name="users_audit_action"),
            models.Index(fields=["target_id", "at", "id"], name="users_audit_target"),
            models.Index(
                fields=["actor_id", "at", "id"],
                condition=models.Q(actor_id__isnull=False),
                name="users_audit_actor",
            ),
            models.Index(
                fields=["client_ip", "at", "id"],
                condition=models.Q(client_ip__isnull=False),
                name="users_audit_address",
            ),
            models.Index(
                fields=["actor_label", "at", "id"],
                condition=models.Q(actor_id__isnull=True),
                name="users_audit_actor_label",
            ),
            models.Index(
                fields=["about", "at", "id"],
                condition=models.Q(about__isnull=False),
                name="users_audit_about",
            ),
            models.Index(
                fields=["error_code", "at", "id"],
                condition=models.Q(outcome="refused"),
                name="users_audit_code",
            ),
            models.Index(fields=["at", "id"], condition=models.Q(outcome="refused"), name="users_audit_refused"),
            models.Index(
                fields=["client_ip", "action", "error_code", "-at"],
                condition=models.Q(actor_id__isnull=True),
                name="users_audit_fold",
            ),
            models.Index(fields=["request_id"], name="users_audit_request"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome}"


class SignInDay(models.Model):
    """How many sign-ins to the User Portal a past day had: kept, so that nobody counts a month of audit rows."""

    day = models.DateField(primary_key=True)
    succeeded = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.day}: {self.succeeded} sign-ins, {self.refused} refused"


class SavedFilter(models.Model):
    """A filter of the audit log that an administrator keeps under a name, for herself or for all administrators.

    Attributes:
        query: the filter in normal form, as in the address of the page; "last 7 days" stays that.
    """

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000, blank=True)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """A name is its owner's once, without regard to case."""

        constraints = [models.UniqueConstraint("owner", Lower("name"), name="users_saved_filter_name_unique")]
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(is_shared=True), name="users_saved_filter_shared")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """How the audit log names it."""
        return self.name


class SetupToken(models.Model):
    """The one-time link that creates the first administrator; only its SHA-256 is stored."""

    token_hash = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"set-up link, valid until {self.expires_at:%Y-%m-%d %H:%M} UTC"


class LinkPurpose(models.TextChoices):
    """What a one-time link lets its holder do. Each ends with a password of one's own choice."""

    ADMINISTRATOR_INVITATION = "administrator_invitation", "Invitation of an administrator"
    INVITATION = "invitation", "Invitation"
    PASSWORD_RESET = "password_reset", "Password reset"


class ActionLink(models.Model):
    """A one-time link that was made for a person; only the SHA-256 of its token is stored.

    Of each purpose a person has one at most: a newer link takes the place of the older one.

    Attributes:
        role: what an invited administrator becomes; empty for the other purposes.
        activates: whether the link lets a staged person sign in from then on.
        seal: what the link was made for, hashed: with another email, state, role or password it is void.
        made_by: the administrator who sent it; None where an operator did, or the person asked for it.
        mailed_at: when the mail server took the mail.
    """

    token_hash = models.CharField(max_length=64, primary_key=True)
    purpose = models.CharField(max_length=32, choices=LinkPurpose)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="action_links")
    role = models.CharField(max_length=32, choices=AdminRole, blank=True)
    activates = models.BooleanField(default=False)
    seal = models.CharField(max_length=64)
    made_by = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """One link of a kind for a person, and a role exactly where an administrator is invited."""

        constraints = [
            models.UniqueConstraint(fields=["person", "purpose"], name="users_action_link_newest"),
            models.CheckConstraint(
                condition=models.Q(purpose__in=LinkPurpose.values), name="users_action_link_purpose_known"
            ),
            models.CheckConstraint(
                condition=models.Q(purpose=LinkPurpose.ADMINISTRATOR_INVITATION, role__in=AdminRole.values)
                | (~models.Q(purpose=LinkPurpose.ADMINISTRATOR_INVITATION) & models.Q(role="")),
                name="users_action_link_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} for {self.person}, valid until {self.expires_at:%Y-%m-%d %H:%M} UTC"


class ResetRequest(models.Model):
    """One request for a password reset that came from an address: so that one address cannot send mail without end."""

    address = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        """Counted by address; pruned by time."""

        indexes = [
            models.Index(fields=["address", "at"], name="users_reset_request_address"),
            models.Index(fields=["at"], name="users_reset_request_at"),
        ]

    def __str__(self) -> str:
        return f"password reset asked for from {self.address}"
