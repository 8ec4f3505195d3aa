"""The audit log, and the filters of it that administrators keep."""

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from users.models.people import User


class Outcome(models.TextChoices):
    """How an audited act ended."""

    SUCCESS = "success", "Success"
    REFUSED = "refused", "Refused"


class AuditEvent(models.Model):
    """One act or refusal, with everything copied that a reader needs after its subjects are gone.

    Append-only: database triggers refuse deletion before the organization's retention is over, and every update but
    the fold, which counts one more refusal of an unknown visitor (`occurrences`) and says when (`last_at`).

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


class SavedFilter(models.Model):
    """A filter of the audit log that an administrator keeps under a name, for herself or for all administrators.

    Attributes:
        query: the filter in normal form, as in the address of the page; "last 7 days" stays that.
    """

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True)
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
