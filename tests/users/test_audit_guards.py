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
        values = f"{row.pk}, '2020-01-01 00:00:00', 'x', 'success', '', 'x', '', '', '', '', '{{}}', 1, '2020-01-01'"
        columns = "id, at, action, outcome, error_code, actor_label, target_type, target_id, target_label, request_id"
        table = f"users_auditevent ({columns}, details, occurrences, last_at)"
        statement = f"INSERT OR REPLACE INTO {table} VALUES ({values})"  # noqa: S608  (the key of a row of this test)
    else:
        statement = "TRUNCATE users_auditevent"
    with pytest.raises(DatabaseError, match="append-only|retention"):
        execute(statement)
    row.refresh_from_db()
    assert row.action == "a.b"


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
