"""Nobody removes an audit row before its time: the database itself refuses."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests.audit_guards import lifted
from tests.factories import OPERATOR, make_administrator, make_person
from tests.users.support import as_person
from users.audit import record
from users.housekeeping import prune_audit
from users.models import AuditEvent, Organization
from users.organization import set_limits

pytestmark = pytest.mark.django_db

TRIGGERS = {
    "sqlite": {
        "users_audit_append_only",
        "users_audit_no_replace",
        "users_audit_retention",
    },
    "postgresql": {
        "users_audit_append_only",
        "users_audit_retention",
        "users_audit_no_truncate",
    },
}


def old_row(**age: float) -> AuditEvent:
    """Return a row that was written some time ago."""
    at = timezone.now() - timedelta(**age)
    return AuditEvent.objects.create(action="a.b", outcome="success", actor_label="x", at=at)


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def triggers() -> set[str]:
    statement = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'users_auditevent'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgrelid = 'users_auditevent'::regclass AND NOT tgisinternal"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {name for (name,) in cursor.fetchall()}


def test_the_triggers_are_there_after_all_migrations() -> None:
    assert triggers() == TRIGGERS[connection.vendor]


def test_the_tests_lift_them_for_a_moment_only() -> None:
    record("a.b", actor=OPERATOR)
    with lifted():
        assert triggers() == set()
        AuditEvent.objects.all().delete()
    assert triggers() == TRIGGERS[connection.vendor]


@pytest.mark.parametrize("days", [0, 1, 29, 364.9])
def test_a_row_within_retention_cannot_be_deleted(days: float) -> None:
    row = old_row(days=days)
    for delete in (row.delete, AuditEvent.objects.all().delete, AuditEvent.objects.filter(pk=row.pk)._raw_delete):
        arguments = ("default",) if "raw" in delete.__name__ else ()
        with pytest.raises(DatabaseError, match="retention"), transaction.atomic():
            delete(*arguments)
    with pytest.raises(DatabaseError, match="retention"):
        execute("DELETE FROM users_auditevent")
    assert AuditEvent.objects.filter(pk=row.pk).exists()


def test_a_young_row_protects_the_old_ones_of_the_same_statement() -> None:
    old_row(days=400), old_row(days=1)
    with pytest.raises(DatabaseError, match="retention"):
        execute("DELETE FROM users_auditevent")
    assert AuditEvent.objects.count() == 2


def test_a_row_past_retention_may_go() -> None:
    old_row(days=365, seconds=1)
    execute("DELETE FROM users_auditevent")
    assert not AuditEvent.objects.exists()


def test_another_retention_counts_at_once() -> None:
    row = old_row(days=90)
    with pytest.raises(DatabaseError, match="retention"), transaction.atomic():
        row.delete()
    Organization.objects.create(audit_retention_days=89)
    row.delete()
    Organization.objects.update(audit_retention_days=3650)
    with pytest.raises(DatabaseError, match="retention"), transaction.atomic():
        old_row(days=3649).delete()


def test_no_retention_reaches_the_rows_of_the_last_month() -> None:
    row = old_row(days=29)
    with pytest.raises(DatabaseError), transaction.atomic():
        Organization.objects.create(audit_retention_days=1)
    Organization.objects.create(audit_retention_days=30)
    with pytest.raises(DatabaseError, match="retention"), transaction.atomic():
        row.delete()


def test_a_row_is_not_replaced_and_the_table_not_emptied() -> None:
    row = old_row()
    if connection.vendor == "sqlite":
        statement = (
            "INSERT OR REPLACE INTO users_auditevent (id, at, action, outcome, error_code, actor_label, target_type, "
            "target_id, target_label, request_id, details, occurrences, last_at) "
            "SELECT id, at, 'x', outcome, '', '', '', '', '', '', '{}', 1, at FROM users_auditevent"
        )
    else:
        statement = "TRUNCATE users_auditevent"
    with pytest.raises(DatabaseError, match="append-only|retention"):
        execute(statement)
    row.refresh_from_db()
    assert row.action == "a.b"


@pytest.mark.parametrize("name", ["id", "rowid", "_rowid_", "oid"])
@pytest.mark.parametrize("conflict", ["", "OR REPLACE", "OR IGNORE"])
@pytest.mark.parametrize("number", ["(SELECT MAX(id) FROM users_auditevent)", "999999"])
def test_no_name_of_a_rows_number_moves_it_or_pushes_another_out(name: str, conflict: str, number: str) -> None:
    if connection.vendor != "sqlite":
        name, conflict = "id", ""  # the others are SQLite's own
    refusal = AuditEvent.objects.create(
        action="a.b", outcome="refused", actor_label="x", client_ip="203.0.113.9", error_code="a.b"
    )
    old_row()
    rows = list(AuditEvent.objects.order_by("pk").values())
    for fold in ("", ", occurrences = occurrences + 1"):
        change = f"{name} = {number}{fold} WHERE id = {refusal.pk}"
        with pytest.raises(DatabaseError, match="append-only"):
            execute(f"UPDATE {conflict} users_auditevent SET {change}")  # noqa: S608  (our own names)
    assert list(AuditEvent.objects.order_by("pk").values()) == rows


@pytest.mark.parametrize("name", ["id", "rowid", "_rowid_", "oid"])
def test_no_name_of_a_rows_number_replaces_it(name: str) -> None:
    row = old_row()
    others = "action, outcome, error_code, actor_label, target_type, target_id, target_label, request_id"
    verb, name = ("INSERT OR REPLACE", name) if connection.vendor == "sqlite" else ("INSERT", "id")
    columns = f"({name}, at, last_at, {others}, details, occurrences)"
    values = "id, at, at, 'x', outcome, '', '', '', '', '', '', '{}', 1"
    with pytest.raises(DatabaseError):
        execute(f"{verb} INTO users_auditevent {columns} SELECT {values} FROM users_auditevent")  # noqa: S608
    row.refresh_from_db()
    assert row.action == "a.b"


def test_a_temporary_table_does_not_answer_for_the_settings() -> None:
    row = old_row(days=1)
    with pytest.raises(DatabaseError, match="retention"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE users_organization (id int, audit_retention_days int)")
        cursor.execute("INSERT INTO users_organization VALUES (1, -1)")
        cursor.execute("DELETE FROM users_auditevent WHERE id = %s", [row.pk])
    assert AuditEvent.objects.filter(pk=row.pk).exists()


def test_a_function_of_somebodys_own_does_not_answer_for_the_clock() -> None:
    if connection.vendor == "sqlite":
        return  # it has neither schemas nor functions of a session
    row = old_row(days=1)
    with pytest.raises(DatabaseError, match="retention"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA others")
        cursor.execute(
            "CREATE FUNCTION others.now() RETURNS timestamptz LANGUAGE sql AS "
            "$$ SELECT pg_catalog.now() + interval '10 years' $$"
        )
        cursor.execute("SET LOCAL search_path = others, pg_catalog, public")
        cursor.execute("DELETE FROM users_auditevent WHERE id = %s", [row.pk])
    assert AuditEvent.objects.filter(pk=row.pk).exists()


def test_a_retention_below_the_least_counts_as_the_least() -> None:
    row, older = old_row(days=29), old_row(days=31)
    with pytest.raises(DatabaseError, match="retention"), transaction.atomic():
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA ignore_check_constraints = ON")
            else:
                cursor.execute("ALTER TABLE users_organization DROP CONSTRAINT users_organization_retention_range")
            Organization.objects.create(audit_retention_days=1)
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA ignore_check_constraints = OFF")
        older.delete()
        row.delete()


def test_pruning_goes_on_and_follows_a_lower_retention() -> None:
    for days in (10, 40, 100, 364, 366):
        old_row(days=days)
    assert prune_audit(OPERATOR) == 1
    set_limits(actor=as_person(make_administrator()), audit_retention_days=60)
    assert prune_audit(OPERATOR) == 2
    assert AuditEvent.objects.filter(action="a.b").count() == 2


def test_a_person_can_still_be_deleted() -> None:
    person = make_person()
    person.delete()
    assert AuditEvent.objects.filter(action="users.person.added").exists()
