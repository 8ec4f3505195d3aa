"""What is removed once its time is over: sessions, counted failures, and audit rows past retention."""

from datetime import timedelta

from axes.models import AccessAttempt
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from users.audit import Actor, record
from users.lockout import COOL_OFF
from users.models import ActionLink, AuditEvent, CacheEntry, Organization, RateCount, ResetRequest, UserSession
from users.passwords import ADDRESS_WINDOW

# Small enough that nobody who signs in meanwhile waits for the lock of SQLite.
BATCH = 1000
LINKS_KEPT = timedelta(days=30)


def prune_sessions() -> int:
    """Remove the sessions that have run out, of people and of visitors, and return how many there were."""
    return UserSession.objects.filter(expire_date__lt=timezone.now()).delete()[0]


def prune_failures() -> int:
    """Forget failed sign-ins that lock nobody out any more, and return how many rows there were."""
    return AccessAttempt.objects.filter(attempt_time__lt=timezone.now() - COOL_OFF).delete()[0]


def prune_links() -> int:
    """Remove one-time links a month after their time, and counted requests for resets that count no more.

    An invitation that ran out is listed until then, so that it can be sent again.
    """
    now = timezone.now()
    ResetRequest.objects.filter(at__lt=now - ADDRESS_WINDOW).delete()
    return ActionLink.objects.filter(expires_at__lt=now - LINKS_KEPT).delete()[0]


def prune_counts() -> int:
    """Remove the counts of requests whose window is over, and return how many rows there were."""
    return RateCount.objects.filter(ends_at__lt=timezone.now()).delete()[0]


def prune_cache() -> int:
    """Remove what ran out in the database's cache, and return how many entries there were. Redis does so itself."""
    return CacheEntry.objects.filter(expires__lt=timezone.now()).delete()[0]


def prune_audit(actor: Actor) -> int:
    """Remove the audit rows past the organization's retention, in batches, and return how many there were.

    One row says how many. Two that do this at once share the work, and each counts what it removed.
    """
    days = Organization.current().audit_retention_days
    # The trigger that guards the rows goes by the clock of the database, which may stand on another machine.
    now = AuditEvent.objects.order_by("at").annotate(now=Now()).values_list("now", flat=True).first()
    before = (now or timezone.now()) - timedelta(days=days)
    pruned = 0
    while True:
        oldest = list(AuditEvent.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:BATCH])
        with transaction.atomic():
            pruned += AuditEvent.objects.filter(pk__in=oldest, at__lt=before).delete()[0]
        if len(oldest) < BATCH:
            break
    if pruned:
        record("audit.pruned", actor=actor, details={"rows": pruned, "retention_days": days})
    return pruned
