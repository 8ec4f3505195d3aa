"""The audit log for a million rows: an index for every filter, deletion by retention only; and saved filters."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

TABLE = 'users_auditevent'
_KEPT = (
    'id at action outcome error_code actor_id actor_label target_type target_id target_label client_ip request_id '
    'details about'
).split()
_APPEND_ONLY = 'audit rows are append-only'
_RETENTION = 'audit rows are kept until the retention is over'
_DAYS = 'COALESCE((SELECT audit_retention_days FROM users_organization WHERE id = 1), 365)'


def fill_about(apps, schema_editor):
    """Give older rows what a search finds them by, as users.audit does for new ones."""
    connection = schema_editor.connection
    if connection.vendor == 'sqlite':
        # SQLite's own lower() knows ASCII only.
        connection.connection.create_function('gatehouse_lower', 1, lambda text: str(text).strip().lower()[:255])
        email = "COALESCE(json_extract(details, '$.email'), json_extract(details, '$.person'))"
        lower, same = 'gatehouse_lower({})', "replace(target_id, '-', '') = actor_id"
    else:
        email = "COALESCE(details->>'email', details->>'person')"
        lower, same = 'left(lower(btrim({})), 255)', 'target_id = actor_id::text'
    text = f"COALESCE(NULLIF({email}, ''), CASE WHEN {same} THEN NULL ELSE NULLIF(target_label, '') END)"
    schema_editor.execute(f'UPDATE {TABLE} SET about = {lower.format(text)} WHERE {text} IS NOT NULL')


def create_guards(apps, schema_editor):
    """Make the triggers that keep audit rows as they are for as long as the organization says.

    Beyond what each of them says there is nothing that turns them off.
    """
    if schema_editor.connection.vendor == 'sqlite':
        columns = ', '.join(_KEPT)
        schema_editor.execute(
            f'CREATE TRIGGER users_audit_append_only BEFORE UPDATE OF {columns} ON {TABLE} '
            f"BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"
        )
        # INSERT OR REPLACE removes a row without asking the triggers of deletion.
        schema_editor.execute(
            f'CREATE TRIGGER users_audit_no_replace BEFORE INSERT ON {TABLE} '
            f'WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id) '
            f"BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"
        )
        # Times are stored as text in UTC, which sorts as they do; this is the same text to the millisecond.
        schema_editor.execute(
            f'CREATE TRIGGER users_audit_retention BEFORE DELETE ON {TABLE} '
            f"WHEN OLD.at >= strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || {_DAYS} || ' days') "
            f"BEGIN SELECT RAISE(ABORT, '{_RETENTION}'); END"
        )
        return
    columns = ', '.join(f'"{column}"' for column in _KEPT)
    schema_editor.execute(
        f'CREATE TRIGGER users_audit_append_only BEFORE UPDATE OF {columns} ON {TABLE} '
        'FOR EACH ROW EXECUTE FUNCTION users_audit_append_only()'
    )
    # Days of 24 hours, as the application counts them, also where the session's time zone has summer time.
    schema_editor.execute(
        'CREATE OR REPLACE FUNCTION users_audit_retention() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
        f"IF TG_OP = 'TRUNCATE' OR OLD.at >= now() - {_DAYS} * interval '24 hours' THEN "
        f"RAISE EXCEPTION '{_RETENTION}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$"
    )
    schema_editor.execute(
        f'CREATE TRIGGER users_audit_retention BEFORE DELETE ON {TABLE} '
        'FOR EACH ROW EXECUTE FUNCTION users_audit_retention()'
    )
    schema_editor.execute(
        f'CREATE TRIGGER users_audit_no_truncate BEFORE TRUNCATE ON {TABLE} '
        'FOR EACH STATEMENT EXECUTE FUNCTION users_audit_retention()'
    )


def drop_guards(apps, schema_editor):
    """Remove these triggers."""
    for name in ('append_only', 'no_replace', 'retention', 'no_truncate'):
        on_table = '' if schema_editor.connection.vendor == 'sqlite' else f' ON {TABLE}'
        schema_editor.execute(f'DROP TRIGGER IF EXISTS users_audit_{name}{on_table}')


def create_former_guard(apps, schema_editor):
    """Bring the trigger of 0002 back."""
    columns = ', '.join(f'"{column}"' for column in _KEPT if column not in {'id', 'about'})
    head = f'CREATE TRIGGER users_audit_append_only BEFORE UPDATE OF {columns} ON {TABLE} '
    if schema_editor.connection.vendor == 'sqlite':
        schema_editor.execute(f"{head} BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END")
    else:
        schema_editor.execute(f'{head} FOR EACH ROW EXECUTE FUNCTION users_audit_append_only()')
        schema_editor.execute('DROP FUNCTION users_audit_retention()')


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0010_organization_profile'),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedFilter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('query', models.CharField(blank=True, max_length=2000)),
                ('is_shared', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_filters', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.F('owner'), django.db.models.functions.text.Lower('name'), name='users_saved_filter_name_unique')],
                'indexes': [models.Index(condition=models.Q(('is_shared', True)), fields=['created_at'], name='users_saved_filter_shared')],
            },
        ),
        *(migrations.RemoveIndex(model_name='auditevent', name=f'users_audit_{name}') for name in ('action', 'actor', 'target', 'at')),
        # A plain ALTER TABLE, also on SQLite: a table that is built anew loses its triggers.
        migrations.AddField(
            model_name='auditevent',
            name='about',
            field=models.CharField(max_length=255, null=True),
        ),
        migrations.RunPython(fill_about, migrations.RunPython.noop),
        migrations.RunPython(drop_guards, create_former_guard),
        migrations.RunPython(create_guards, drop_guards),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['at', 'id'], name='users_audit_at'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['action', 'at', 'id'], name='users_audit_action'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['target_id', 'at', 'id'], name='users_audit_target'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(condition=models.Q(('actor_id__isnull', False)), fields=['actor_id', 'at', 'id'], name='users_audit_actor'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(condition=models.Q(('client_ip__isnull', False)), fields=['client_ip', 'at', 'id'], name='users_audit_address'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(condition=models.Q(('actor_id__isnull', True)), fields=['actor_label', 'at', 'id'], name='users_audit_actor_label'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(condition=models.Q(('about__isnull', False)), fields=['about', 'at', 'id'], name='users_audit_about'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(condition=models.Q(('outcome', 'refused')), fields=['error_code', 'at', 'id'], name='users_audit_code'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(condition=models.Q(('outcome', 'refused')), fields=['at', 'id'], name='users_audit_refused'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['display_name'], name='users_display_name'),
        ),
        migrations.AddIndex(
            model_name='usersession',
            index=models.Index(condition=models.Q(('person__isnull', False)), fields=['signed_in_at'], name='users_session_newest'),
        ),
    ]
