"""What holds for the whole company: how long sessions live, how long the audit log is kept, how new people begin."""

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper, F
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from users.audit import Actor, audited, record
from users.default_states import default_state as default_state  # where callers look for it; `services` uses it too
from users.models import Organization, UserSession
from users.organization_errors import LimitOutOfRange
from users.permissions import Permission
from users.services import require

# The same ranges as the constraints of the table: what is the least and the most that makes sense.
RANGES = {
    "session_idle_minutes": (5, 10_080),
    "session_absolute_hours": (1, 720),
    "audit_retention_days": (30, 3_650),
}


def current() -> Organization:
    """Return the company's settings; the defaults until somebody changes one."""
    return Organization.current()


@audited("users.organization.limits_set")
def set_limits(
    *,
    actor: Actor,
    session_idle_minutes: int | None = None,
    session_absolute_hours: int | None = None,
    audit_retention_days: int | None = None,
) -> Organization:
    """Change the limits that are given. Shorter ones apply to the sessions that there are, at once.

    Longer ones apply to a session the next time that it is used.

    Raises:
        LimitOutOfRange: a limit that makes no sense.
    """
    require(actor, Permission.MANAGE_ORGANIZATION)
    wanted = {
        "session_idle_minutes": session_idle_minutes,
        "session_absolute_hours": session_absolute_hours,
        "audit_retention_days": audit_retention_days,
    }
    check_limits(wanted)
    organization = Organization.objects.select_for_update().get_or_create(pk=1)[0]
    changes: dict[str, object] = {}
    for name, value in wanted.items():
        if value is None or value == getattr(organization, name):
            continue
        changes[name] = {"from": getattr(organization, name), "to": value}
        setattr(organization, name, value)
    if changes:
        organization.save(update_fields=[*changes, "updated_at"])
        ended = _shorten_sessions(organization)
        record("users.organization.limits_set", actor=actor, details={**changes, "sessions_ended": ended})
    return organization


def check_limits(wanted: Mapping[str, int | None]) -> None:
    """Refuse a limit that makes no sense; None stands for one that stays. Raises LimitOutOfRange."""
    for name, value in wanted.items():
        lowest, highest = RANGES[name]
        if value is not None and not lowest <= value <= highest:
            raise LimitOutOfRange(field=name, name=name.replace("_", " "), value=value, lowest=lowest, highest=highest)


def _shorten_sessions(organization: Organization) -> int:
    """Bring the end of every live session forward to the limits, and return how many that ends now."""
    now = timezone.now()
    live = UserSession.objects.filter(expire_date__gt=now, signed_in_at__isnull=False)
    before = live.count()
    idle_end = Coalesce("last_seen_at", "signed_in_at") + timedelta(minutes=organization.session_idle_minutes)
    absolute_end = F("signed_in_at") + timedelta(hours=organization.session_absolute_hours)
    live.update(
        expire_date=Least(
            F("expire_date"),
            ExpressionWrapper(idle_end, output_field=DateTimeField()),
            ExpressionWrapper(absolute_end, output_field=DateTimeField()),
        )
    )
    return before - live.count()
