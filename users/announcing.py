"""Audit rows as log lines, and as a signal for whoever counts them; both only once the row is there to stay."""

import logging
from functools import partial

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal

from users.log_context import LogContext, current, log_context, note
from users.models import AuditEvent, Outcome

# Sent with `event`, `provider` (the slug, or "") and `count`, in the thread that acted.
recorded = Signal()

_logger = logging.getLogger("gatehouse.audit")


def announce(event: AuditEvent, *, reference: str = "", count: int = 1) -> None:
    """Tell of an audit row when the transaction at hand is over; never, if it is rolled back.

    Args:
        event: the row as it was to be written. A refusal that was counted in an earlier row is told of all the same.
        reference: the number under which that earlier row is found.
        count: how many rows of a bulk act it stands for.
    """
    if event.error_code:
        note(code=event.error_code)
    told = partial(_tell, event, current(), current().provider, reference, count)
    # Whoever counts must not be able to undo, or to hide, what was done.
    transaction.on_commit(told, robust=True)


def acts_are_logged() -> bool:
    """Return whether acts have log lines now.

    Those of a command have none unless LOG_COMMANDS says so: the operator, or cron, reads its own output at the same
    place, and takes an empty standard error for a sign that all is well.
    """
    return settings.LOG_COMMANDS or not current().is_typed


def _tell(event: AuditEvent, context: LogContext, provider: str, reference: str, count: int) -> None:
    with log_context(context):
        if acts_are_logged():
            level = logging.WARNING if event.outcome == Outcome.REFUSED else logging.INFO
            fields = _fields(event, provider, reference, count)
            _logger.log(level, "%s %s", event.action, event.outcome, extra={"fields": fields})
    recorded.send(AuditEvent, event=event, provider=provider, count=count)


def _fields(event: AuditEvent, provider: str, reference: str, count: int) -> dict[str, object]:
    """Return what a line shows of a row. Its details and labels stay in the database: they name people."""
    fields: dict[str, object] = {
        "request_id": event.request_id,
        "action": event.action,
        "outcome": event.outcome,
        "code": event.error_code,
        "provider": provider,
        "person": str(event.actor_id or ""),
        "actor": "" if event.actor_id else event.actor_label,
        "target_type": event.target_type,
        "target": event.target_id,
        "client_ip": event.client_ip or "",
        "reference": "" if reference == event.request_id else reference,
    }
    if count != 1:
        fields["count"] = count
    return {name: value for name, value in fields.items() if value != ""}
