"""Makes audit rows append-only in the database itself: only the fold of repeated refusals may change."""

from django.db import migrations

_KEPT = (
    "at action outcome error_code actor_id actor_label target_type target_id target_label client_ip request_id details"
).split()
_MESSAGE = "audit rows are append-only"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        columns = ", ".join(_KEPT)
        schema_editor.execute(
            f"CREATE TRIGGER users_audit_append_only BEFORE UPDATE OF {columns} ON users_auditevent "
            f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
        )
        return
    schema_editor.execute(
        "CREATE OR REPLACE FUNCTION users_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    columns = ", ".join(f'"{column}"' for column in _KEPT)
    schema_editor.execute(
        f"CREATE TRIGGER users_audit_append_only BEFORE UPDATE OF {columns} ON users_auditevent "
        "FOR EACH ROW EXECUTE FUNCTION users_audit_append_only()"
    )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER IF EXISTS users_audit_append_only")
        return
    schema_editor.execute("DROP TRIGGER IF EXISTS users_audit_append_only ON users_auditevent")
    schema_editor.execute("DROP FUNCTION IF EXISTS users_audit_append_only()")


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
