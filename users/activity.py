"""What a person did lately, and what was done to her: found by two indexes, however long the audit log is."""

from users.models import AuditEvent, User

RECENT = 25


def recent_events(person: User, *, limit: int = RECENT) -> list[AuditEvent]:
    """Return the newest audit rows by or about a person, newest first."""
    by_her = AuditEvent.objects.filter(actor_id=person.pk).order_by("-id")[:limit]
    about_her = AuditEvent.objects.filter(target_id=str(person.pk)).order_by("-id")[:limit]
    events = {event.pk: event for event in [*by_her, *about_her]}
    return [events[key] for key in sorted(events, reverse=True)[:limit]]
