"""The audit log as a file: CSV or JSON Lines, of any size, in constant memory."""

import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Any

from users.audit import Actor, audited, record
from users.audit_filter import AuditFilter
from users.audit_log import BATCH, find_events, newest_place
from users.csv_safety import safe_line
from users.models import AuditEvent
from users.permissions import Permission
from users.services import require

# So many rows make one piece of the file.
PIECE = 200


class ExportFormat(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSONL = "jsonl"


CONTENT_TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.JSONL: "application/jsonl; charset=utf-8"}
COLUMNS = (
    "id",
    "at",
    "action",
    "outcome",
    "code",
    "actor",
    "actor_id",
    "target_type",
    "target_id",
    "target",
    "client_ip",
    "reference",
    "occurrences",
    "last_at",
    "details",
)


def event_row(event: AuditEvent) -> dict[str, Any]:
    """Return what is written of an audit row, in the order of COLUMNS."""
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        "action": event.action,
        "outcome": event.outcome,
        "code": event.error_code,
        "actor": event.actor_label,
        "actor_id": str(event.actor_id) if event.actor_id else None,
        "target_type": event.target_type,
        "target_id": event.target_id,
        "target": event.target_label,
        "client_ip": event.client_ip,
        "reference": event.request_id,
        "occurrences": event.occurrences,
        "last_at": event.last_at.isoformat(),
        "details": event.details,
    }


@audited("audit.exported")
def export_events(
    *, actor: Actor, wanted: AuditFilter, form: ExportFormat, progress: Callable[[int], None] | None = None
) -> Iterator[str]:
    """Return the rows that a filter finds as the pieces of a file, newest first; and note who took them.

    Rows are fetched while the file is read, in batches: memory is the same for any number of them, and neither a
    transaction nor a lock is held between two. What is written after the call is not in the file.

    Args:
        progress: is told how many rows are written, after each piece.

    Raises:
        PermissionRefused: the role does not cover the audit log.
    """
    require(actor, Permission.VIEW_AUDIT)
    start = newest_place()
    record("audit.exported", actor=actor, details={"format": form.value, "filter": wanted.as_query()})
    # The newest row itself belongs to the file, and a place is that of the row before.
    beyond = (start[0], start[1] + 1) if start else None
    events = find_events(wanted, start=beyond, batch=BATCH) if beyond else iter(())
    return _pieces(events, form, progress or (lambda rows: None))


def _pieces(events: Iterator[AuditEvent], form: ExportFormat, progress: Callable[[int], None]) -> Iterator[str]:
    write = _csv_lines if form == ExportFormat.CSV else _json_lines
    if form == ExportFormat.CSV:
        yield ",".join(COLUMNS) + "\r\n"
    written = 0
    while piece := list(islice(events, PIECE)):
        yield "".join(write(piece))
        written += len(piece)
        progress(written)


def _json_lines(events: Iterable[AuditEvent]) -> list[str]:
    return [json.dumps(event_row(event), ensure_ascii=False) + "\n" for event in events]


def _csv_lines(events: Iterable[AuditEvent]) -> list[str]:
    return [safe_line(_cells(event)) for event in events]


def _cells(event: AuditEvent) -> list[object]:
    row = {**event_row(event), "details": json.dumps(event.details, ensure_ascii=False)}
    return [row[column] for column in COLUMNS]
