"""Fewer and narrower indexes on sessions and the audit log: every sign-in writes them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Dropped by name. SQLite would rebuild the table to drop a field's index, and forget the triggers on it.
FIELD_INDEXES = {
    'users_usersession_person_id_b3b31873': 'person_id',
    'users_usersession_provider_id_d9a21d38': 'provider_id',
    'users_usersession_upstream_sid_9339a0b1': 'upstream_sid',
}
# PostgreSQL's second indexes of text columns, for prefixes that nobody searches for.
FOR_LIKE = ['users_usersession_upstream_sid_9339a0b1_like', 'users_usersession_session_key_bf25c8b1_like']


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0003_organization_and_session_limits'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='auditevent',
            name='users_audit_fold',
        ),
        migrations.RemoveIndex(
            model_name='usersession',
            name='users_session_person_realm',
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='usersession',
                    name='person',
                    field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='usersession',
                    name='provider_id',
                    field=models.UUIDField(null=True),
                ),
                migrations.AlterField(
                    model_name='usersession',
                    name='upstream_sid',
                    field=models.CharField(blank=True, max_length=255),
                ),
            ],
            database_operations=[
                *(migrations.RunSQL(
                    f'DROP INDEX {name}', f'CREATE INDEX {name} ON users_usersession ({column})',
                ) for name, column in FIELD_INDEXES.items()),
                *(migrations.RunSQL(f'DROP INDEX IF EXISTS {name}', migrations.RunSQL.noop) for name in FOR_LIKE),
            ],
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(condition=models.Q(('actor_id__isnull', True)), fields=['client_ip', 'action', 'error_code', '-at'], name='users_audit_fold'),
        ),
        migrations.AddIndex(
            model_name='usersession',
            index=models.Index(condition=models.Q(('person__isnull', False)), fields=['person', 'realm'], name='users_session_of_person'),
        ),
        migrations.AddIndex(
            model_name='usersession',
            index=models.Index(condition=models.Q(('provider_id__isnull', False)), fields=['provider_id', 'upstream_sid'], name='users_session_of_provider'),
        ),
    ]
