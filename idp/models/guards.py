"""Guards: federation that was enabled on trial, and goes back by itself."""

import uuid

from django.db import models
from django.utils import timezone

from idp.models.providers import IdentityProvider
from users.models import User


class GuardOutcome(models.TextChoices):
    """How a guard ended, if it did."""

    WATCHING = "watching", "Waits to be confirmed"
    CONFIRMED = "confirmed", "Confirmed"
    EXPIRED = "expired", "Went back: nobody confirmed it in time"
    FAILURES = "failures", "Went back: too many sign-ins failed"
    CALLED_BACK = "called_back", "Taken back by an administrator"
    ENDED = "ended", "Ended: switched off by hand"


class RoutingGuard(models.Model):
    """What was enabled on trial, and when it goes back to what it was unless an administrator confirms it.

    The policies that it watches name it. Once its time is over they take nobody: every decision compares the time with
    the clock, so that no process has to run for it.

    Attributes:
        policy: the one that was made or switched on, and is switched off again; None where the provider alone changed.
        from_draft: whether the provider was not active before, and is not afterwards.
        failure_percent: above this share of failed sign-ins it goes back at once.
        failed, succeeded: the people counted when it ended.
        mailed_at: when the administrators were told that it went back, or somebody is about to.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="guards")
    policy = models.ForeignKey(
        "idp.RoutingPolicy", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    from_draft = models.BooleanField(default=False)
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    until = models.DateTimeField()
    failure_percent = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=12, choices=GuardOutcome, default=GuardOutcome.WATCHING)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    failed = models.PositiveIntegerField(null=True)
    succeeded = models.PositiveIntegerField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        """An end exactly where it ended, and limits that mean something."""

        constraints = [
            models.CheckConstraint(condition=models.Q(outcome__in=GuardOutcome.values), name="idp_guard_outcome_known"),
            models.CheckConstraint(
                condition=models.Q(outcome=GuardOutcome.WATCHING, ended_at__isnull=True)
                | (~models.Q(outcome=GuardOutcome.WATCHING) & models.Q(ended_at__isnull=False)),
                name="idp_guard_end",
            ),
            models.CheckConstraint(condition=models.Q(until__gt=models.F("started_at")), name="idp_guard_time"),
            models.CheckConstraint(
                condition=models.Q(failure_percent__gte=1, failure_percent__lte=100), name="idp_guard_percent"
            ),
        ]
        # Every sign-in asks whether one is over; there are hardly ever any.
        indexes = [
            models.Index(fields=["until"], condition=models.Q(outcome="watching"), name="idp_guard_watching"),
        ]

    def __str__(self) -> str:
        return f"guard of {self.provider} until {self.until:%Y-%m-%d %H:%M} UTC"

    @property
    def is_watching(self) -> bool:
        """Whether it can still be confirmed."""
        return self.outcome == GuardOutcome.WATCHING and self.until > timezone.now()

    @property
    def went_back(self) -> bool:
        """Whether it took back what it watched by itself."""
        return self.outcome in {GuardOutcome.EXPIRED, GuardOutcome.FAILURES}


class GuardedFailure(models.Model):
    """Somebody whose sign-in failed while a guard watched; each counts once.

    Attributes:
        who: the SHA-256 of the account, or of the attempt where the provider's answer never said whose it was.
    """

    guard = models.ForeignKey(RoutingGuard, on_delete=models.CASCADE, related_name="failures", db_index=False)
    who = models.CharField(max_length=64)
    code = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """An account counts once for a guard."""

        constraints = [models.UniqueConstraint(fields=["guard", "who"], name="idp_guarded_failure_once")]

    def __str__(self) -> str:
        return f"{self.code} under {self.guard}"
