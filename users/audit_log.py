"""Reading the audit log."""

import contextlib
import uuid

from django.db.models import Q, QuerySet

from users.models import AuditEvent, User

PAGE_SIZE = 50


def find_events(
    *, action: str = "", person: str = "", code: str = "", reference: str = "", before: int | None = None
) -> "QuerySet[AuditEvent]":
    """Return audit rows, newest first.

    Args:
        action: an action, or the beginning of one up to a dot ("idp" finds all of "idp.…").
        person: a company email, user name or id; finds what the person did and what was done to her.
        code: the code of a refusal, such as "federation.no_match".
        reference: the number on an error page.
        before: only rows with a smaller number than this, for paging.
    """
    events = AuditEvent.objects.all()
    if action:
        events = events.filter(Q(action=action) | Q(action__startswith=f"{action.rstrip('.')}."))
    if person:
        events = events.filter(_about(person.strip().replace("\x00", "")))
    if code:
        events = events.filter(error_code=code.strip().replace("\x00", ""))
    if reference:
        events = events.filter(request_id=reference.strip().upper().replace("\x00", ""))
    if before is not None:
        events = events.filter(pk__lt=before)
    return events.order_by("-id")


def _about(identifier: str) -> Q:
    lowered = identifier.lower()
    keys = list(User.objects.filter(Q(company_email=lowered) | Q(user_name=lowered)).values_list("pk", flat=True))
    about = (
        Q(details__email=lowered) | Q(details__person=lowered) | Q(actor_label=identifier) | Q(target_label=identifier)
    )
    with contextlib.suppress(ValueError):
        keys.append(uuid.UUID(identifier))
    for key in keys:
        about |= Q(actor_id=key) | Q(target_id=str(key))
    return about


def actions() -> list[str]:
    """Return the actions that the log holds, for the filter."""
    return list(AuditEvent.objects.order_by("action").values_list("action", flat=True).distinct())
