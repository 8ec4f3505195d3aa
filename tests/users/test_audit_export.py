"""The audit log as a file: everything that the filter finds, in pieces, harmless in a spreadsheet, and noted."""

import csv
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.browsing import last_event
from tests.factories import OPERATOR, make_administrator
from tests.users.support import as_person, refused
from users.audit import Actor, record
from users.audit_export import COLUMNS, PIECE, ExportFormat, export_events
from users.audit_filter import AuditFilter
from users.audit_log import BATCH
from users.csv_safety import neutralise
from users.errors import PermissionRefused
from users.models import AdminRole, AuditEvent

pytestmark = pytest.mark.django_db

EVERYTHING = AuditFilter()


def many(number: int, action: str = "a.b") -> None:
    """Write rows of one moment, as an import does."""
    at = timezone.now()
    AuditEvent.objects.bulk_create(
        AuditEvent(action=action, outcome="success", actor_label="x", at=at) for _ in range(number)
    )


def exported(wanted: AuditFilter = EVERYTHING, form: ExportFormat = ExportFormat.JSONL) -> str:
    return "".join(export_events(actor=OPERATOR, wanted=wanted, form=form))


def test_json_lines_have_every_row_once_newest_first() -> None:
    many(2 * BATCH + 7)
    record("the.newest", actor=OPERATOR, details={"list": [1, "ü"], "none": None})
    rows = [json.loads(line) for line in exported().splitlines()]
    assert len(rows) == len({row["id"] for row in rows}) == 2 * BATCH + 8
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["action"] == "the.newest" and rows[0]["details"] == {"list": [1, "ü"], "none": None}


def test_csv_is_read_back_as_it_was_written() -> None:
    record("a.b", actor=Actor(person=None, label='Ada, "the first"\nline', client_ip="203.0.113.7"), details={"ü": 1})
    heading, *rows = csv.reader(io.StringIO(exported(form=ExportFormat.CSV), newline=""))
    assert tuple(heading) == COLUMNS
    (row,) = (dict(zip(heading, row, strict=True)) for row in rows)
    assert (row["actor"], row["client_ip"], row["actor_id"]) == ('Ada, "the first"\nline', "203.0.113.7", "")
    assert json.loads(row["details"]) == {"ü": 1}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start: str) -> None:
    label = f'{start}HYPERLINK("http://evil.example")'
    assert neutralise(label) == f"'{label}"
    record("a.b", actor=Actor(person=None, label=label))
    (row,) = list(csv.reader(io.StringIO(exported(form=ExportFormat.CSV), newline="")))[1:]
    assert f"'{label}" in row


@pytest.mark.parametrize(
    ("cell", "text"), [("", ""), (None, ""), ("Ada", "Ada"), (0, "0"), ("a=b", "a=b"), (-1, "'-1")]
)
def test_other_cells_stay_as_they_are(cell: object, text: str) -> None:
    assert neutralise(cell) == text


def test_only_what_the_filter_finds_is_in_the_file() -> None:
    many(3, "idp.x"), many(3, "users.y")
    rows = [json.loads(line) for line in exported(AuditFilter(action="idp")).splitlines()]
    assert [row["action"] for row in rows] == ["idp.x"] * 3
    assert exported(AuditFilter(action="nothing")) == "" and exported(AuditFilter(action="none"), ExportFormat.CSV)


def test_the_export_is_noted_but_not_in_the_file() -> None:
    many(2)
    assert "audit.exported" not in exported(AuditFilter(outcome="success"))
    event = last_event(action="audit.exported")
    assert event.details == {"format": "jsonl", "filter": {"outcome": "success"}}
    assert exported().count("audit.exported") == 1  # the first one is in the second


def test_an_empty_log_is_an_empty_file() -> None:
    assert exported() == ""


def test_whoever_may_not_read_the_log_may_not_take_it_along() -> None:
    actor = as_person(make_administrator(AdminRole.HELP_DESK))
    refused(PermissionRefused, export_events, actor=actor, wanted=EVERYTHING, form=ExportFormat.CSV)
    assert last_event(action="audit.exported").outcome == "refused"


def test_rows_are_fetched_while_the_file_is_read_in_bounded_batches() -> None:
    many(3 * BATCH)
    told: list[int] = []
    with CaptureQueriesContext(connection) as captured:
        pieces = export_events(actor=OPERATOR, wanted=EVERYTHING, form=ExportFormat.JSONL, progress=told.append)
        assert not [
            query for query in captured.captured_queries if "LIMIT" in query["sql"] and str(BATCH) in query["sql"]
        ]
        assert next(pieces).count("\n") == PIECE
        fetched = [query["sql"] for query in captured.captured_queries if f"LIMIT {BATCH}" in query["sql"]]
        assert len(fetched) == 1  # one batch, however many rows there are
        rest = list(pieces)
        fetched = [query["sql"] for query in captured.captured_queries if f"LIMIT {BATCH}" in query["sql"]]
    assert len(fetched) == 4 and max(piece.count("\n") for piece in rest) == PIECE
    assert told == list(range(PIECE, 3 * BATCH + 1, PIECE))


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_somebody_reads_slowly() -> None:
    many(2 * BATCH)
    pieces = export_events(actor=OPERATOR, wanted=EVERYTHING, form=ExportFormat.CSV)
    next(pieces), next(pieces)
    assert not connection.in_atomic_block
    record("while.it.runs", actor=OPERATOR)  # SQLite has one writer: this would wait
    assert "while.it.runs" not in "".join(pieces)
