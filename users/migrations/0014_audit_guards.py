"""Audit rows that one statement cannot move, empty or outwit; and saved filters as long as an address may be."""

from importlib import import_module

from django.db import migrations, models

TABLE = 'users_auditevent'
# Everything but the fold. The number is among them: on SQLite it goes by the names rowid, _rowid_ and oid as well,
# so that a trigger of named columns overlooks it, and OR REPLACE removes the row that had the new number before.
_KEPT = (
    'id at action outcome error_code actor_id actor_label target_type target_id target_label client_ip request_id '
    'details about'
).split()
_APPEND_ONLY = 'audit rows are append-only'
_RETENTION = 'audit rows are kept until the retention is over'
# The settings have the same lower limit; this one also holds where somebody got round that.
_LEAST_DAYS = 30

_former = import_module('users.migrations.0011_audit_log')
drop_guards = _former.drop_guards


def create_guards(apps, schema_editor):
    """Make the triggers that keep audit rows as they are for as long as the organization says.

    Beyond what each of them says there is nothing that turns them off.
    """
    create = _on_sqlite if schema_editor.connection.vendor == 'sqlite' else _on_postgresql
    for statement in create(schema_editor):
        schema_editor.execute(statement)


def _is_fold(same):
    """Return the condition of the one change that is allowed: one more refusal of an unknown visitor, and when.

    Args:
        same: compares two values of which either may be NULL.
    """
    kept = ' AND '.join(f'NEW.{column} {same} OLD.{column}' for column in _KEPT)
    fold = 'NEW.occurrences = OLD.occurrences + 1 AND NEW.last_at >= OLD.last_at'
    return f"({fold} AND OLD.outcome = 'refused' AND OLD.actor_id IS NULL AND OLD.client_ip IS NOT NULL AND {kept})"


def _on_sqlite(schema_editor):
    days = f'MAX(COALESCE((SELECT audit_retention_days FROM users_organization WHERE id = 1), 365), {_LEAST_DAYS})'
    return [
        f'CREATE TRIGGER users_audit_append_only BEFORE UPDATE ON {TABLE} WHEN {_is_fold("IS")} IS NOT TRUE '
        f"BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END",
        # INSERT OR REPLACE removes a row without asking the triggers of deletion.
        f'CREATE TRIGGER users_audit_no_replace BEFORE INSERT ON {TABLE} '
        f'WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id) '
        f"BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END",
        # Times are stored as text in UTC, which sorts as they do; this is the same text to the millisecond.
        f'CREATE TRIGGER users_audit_retention BEFORE DELETE ON {TABLE} '
        f"WHEN OLD.at >= strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || {days} || ' days') "
        f"BEGIN SELECT RAISE(ABORT, '{_RETENTION}'); END",
    ]


def _on_postgresql(schema_editor):
    """Name the schema of everything, and search none that the session chose: a temporary table of the same name,
    or an operator of somebody's own, would otherwise answer in the place of ours.
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            'SELECT quote_ident(nspname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace '
            'WHERE pg_class.oid = %s::regclass',
            [TABLE],
        )
        schema = cursor.fetchone()[0]
    table = f'{schema}.{TABLE}'
    days = (
        f'GREATEST(COALESCE((SELECT audit_retention_days FROM {schema}.users_organization WHERE id = 1), 365), '
        f'{_LEAST_DAYS})'
    )
    head = "RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN "
    failure = "USING ERRCODE = 'integrity_constraint_violation'; END IF;"
    return [
        f'CREATE OR REPLACE FUNCTION {schema}.users_audit_append_only() {head}'
        f"IF {_is_fold('IS NOT DISTINCT FROM')} IS NOT TRUE THEN RAISE EXCEPTION '{_APPEND_ONLY}' {failure} "
        'RETURN NEW; END $$',
        # Days of 24 hours, as the application counts them, also where the session's time zone has summer time.
        f'CREATE OR REPLACE FUNCTION {schema}.users_audit_retention() {head}'
        f"IF TG_OP = 'TRUNCATE' OR OLD.at >= now() - {days} * interval '24 hours' THEN "
        f"RAISE EXCEPTION '{_RETENTION}' {failure} RETURN OLD; END $$",
        f'CREATE TRIGGER users_audit_append_only BEFORE UPDATE ON {table} '
        f'FOR EACH ROW EXECUTE FUNCTION {schema}.users_audit_append_only()',
        f'CREATE TRIGGER users_audit_retention BEFORE DELETE ON {table} '
        f'FOR EACH ROW EXECUTE FUNCTION {schema}.users_audit_retention()',
        f'CREATE TRIGGER users_audit_no_truncate BEFORE TRUNCATE ON {table} '
        f'FOR EACH STATEMENT EXECUTE FUNCTION {schema}.users_audit_retention()',
    ]


def create_former_guards(apps, schema_editor):
    """Bring the triggers of 0011 back, and the function of 0002 to which one of them belongs."""
    if schema_editor.connection.vendor != 'sqlite':
        schema_editor.execute(
            'CREATE OR REPLACE FUNCTION users_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS '
            f"$$ BEGIN RAISE EXCEPTION '{_APPEND_ONLY}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    _former.create_guards(apps, schema_editor)


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0013_people_import_owner'),
    ]

    operations = [
        migrations.AlterField(
            model_name='savedfilter',
            name='query',
            field=models.TextField(blank=True),
        ),
        migrations.RunPython(drop_guards, create_former_guards),
        migrations.RunPython(create_guards, drop_guards),
    ]
