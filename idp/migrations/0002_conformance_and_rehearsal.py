"""Second credentials, pending links, rehearsals, refresh tokens and expiry notices."""

import django.db.models.deletion
import django.utils.timezone
import idp.fields
import uuid
from django.conf import settings
from django.db import migrations, models


def create_trigger(apps, schema_editor):
    """A session that ends, whoever ends it, takes its refresh token along."""
    remove = "DELETE FROM idp_upstreamgrant WHERE session_id = OLD.session_key;"
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            f"CREATE TRIGGER idp_grant_ends_with_session AFTER DELETE ON users_usersession BEGIN {remove} END"
        )
        return
    schema_editor.execute(
        "CREATE OR REPLACE FUNCTION idp_grant_ends_with_session() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {remove} RETURN OLD; END $$"
    )
    schema_editor.execute(
        "CREATE TRIGGER idp_grant_ends_with_session AFTER DELETE ON users_usersession "
        "FOR EACH ROW EXECUTE FUNCTION idp_grant_ends_with_session()"
    )


def drop_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER IF EXISTS idp_grant_ends_with_session")
        return
    schema_editor.execute("DROP TRIGGER IF EXISTS idp_grant_ends_with_session ON users_usersession")
    schema_editor.execute("DROP FUNCTION IF EXISTS idp_grant_ends_with_session()")


def create_link_trigger(apps, schema_editor):
    """An account that is linked, in whatever way, is not pending any more."""
    remove = "DELETE FROM idp_pendinglink WHERE issuer = NEW.issuer AND subject = NEW.subject;"
    if schema_editor.connection.vendor == "sqlite":
        for name, event in (("made", "INSERT"), ("moved", "UPDATE OF issuer, subject")):
            schema_editor.execute(
                f"CREATE TRIGGER idp_link_{name}_ends_pending AFTER {event} ON idp_federatedidentity BEGIN {remove} END"
            )
        return
    schema_editor.execute(
        "CREATE OR REPLACE FUNCTION idp_link_ends_pending() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {remove} RETURN NEW; END $$"
    )
    schema_editor.execute(
        "CREATE TRIGGER idp_link_ends_pending AFTER INSERT OR UPDATE OF issuer, subject ON idp_federatedidentity "
        "FOR EACH ROW EXECUTE FUNCTION idp_link_ends_pending()"
    )


def drop_link_trigger(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for name in ("made", "moved"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS idp_link_{name}_ends_pending")
        return
    schema_editor.execute("DROP TRIGGER IF EXISTS idp_link_ends_pending ON idp_federatedidentity")
    schema_editor.execute("DROP FUNCTION IF EXISTS idp_link_ends_pending()")


class Migration(migrations.Migration):

    dependencies = [
        ('idp', '0001_initial'),
        ('users', '0003_organization_and_session_limits'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ClientCertificate',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('slot', models.CharField(choices=[('current', 'In use'), ('next', 'Next')], default='next', max_length=8)),
                ('private_key', idp.fields.EncryptedTextField()),
                ('certificate', models.TextField()),
                ('thumbprint', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('expires_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ExpiryNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject_key', models.CharField(max_length=100)),
                ('threshold', models.PositiveSmallIntegerField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('sent_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='PendingLink',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('issuer', models.CharField(max_length=500)),
                ('subject', models.CharField(max_length=255)),
                ('object_id', models.CharField(blank=True, max_length=64)),
                ('email', models.CharField(blank=True, max_length=255)),
                ('display_name', models.CharField(blank=True, max_length=255)),
                ('reason', models.CharField(max_length=64)),
                ('facts', models.JSONField(default=dict)),
                ('attempts', models.PositiveIntegerField(default=1)),
                ('first_seen_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('dismissed_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-last_seen_at'],
            },
        ),
        migrations.CreateModel(
            name='Rehearsal',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('provider_version', models.PositiveIntegerField()),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('finished_at', models.DateTimeField(null=True)),
                ('succeeded', models.BooleanField(default=False)),
                ('steps', models.JSONField(default=list)),
                ('claims', models.JSONField(default=dict)),
                ('verdict', models.JSONField(default=dict)),
            ],
            options={
                'ordering': ['-started_at'],
            },
        ),
        migrations.CreateModel(
            name='UpstreamGrant',
            fields=[
                ('session', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='upstream_grant', serialize=False, to='users.usersession')),
                ('original', models.JSONField()),
                ('refresh_token', idp.fields.EncryptedTextField()),
                ('next_check_at', models.DateTimeField()),
                ('last_checked_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='credential',
            field=models.CharField(choices=[('secret', 'Client secret'), ('certificate', 'Certificate')], default='secret', max_length=12),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='down_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='health',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='health_checked_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='next_client_secret',
            field=idp.fields.EncryptedTextField(null=True),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='next_client_secret_expires_on',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='next_client_secret_set_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='recheck_minutes',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='revision',
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddIndex(
            model_name='federatedidentity',
            index=models.Index(fields=['provider', '-last_sign_in_at', '-id'], name='idp_identity_last_sign_in'),
        ),
        migrations.AddField(
            model_name='federatedidentity',
            name='rule',
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddIndex(
            model_name='federatedidentity',
            index=models.Index(fields=['provider', '-created_at', '-id'], name='idp_identity_created'),
        ),
        migrations.AddIndex(
            model_name='federatedidentity',
            index=models.Index(fields=['subject'], name='idp_identity_subject_prefix', opclasses=['varchar_pattern_ops']),
        ),
        migrations.AddConstraint(
            model_name='identityprovider',
            constraint=models.CheckConstraint(condition=models.Q(('credential__in', ['secret', 'certificate'])), name='idp_credential_known'),
        ),
        migrations.AddField(
            model_name='clientcertificate',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='certificates', to='idp.identityprovider'),
        ),
        migrations.AddField(
            model_name='expirynotice',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='expiry_notices', to='idp.identityprovider'),
        ),
        migrations.AddField(
            model_name='pendinglink',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pending_links', to='idp.identityprovider'),
        ),
        migrations.AddField(
            model_name='rehearsal',
            name='administrator',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rehearsals', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='rehearsal',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rehearsals', to='idp.identityprovider'),
        ),
        migrations.AddField(
            model_name='upstreamgrant',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='idp.identityprovider'),
        ),
        migrations.AddConstraint(
            model_name='clientcertificate',
            constraint=models.UniqueConstraint(fields=('provider', 'slot'), name='idp_certificate_slot'),
        ),
        migrations.AddConstraint(
            model_name='clientcertificate',
            constraint=models.CheckConstraint(condition=models.Q(('slot__in', ['current', 'next'])), name='idp_certificate_slot_known'),
        ),
        migrations.AddConstraint(
            model_name='expirynotice',
            constraint=models.UniqueConstraint(fields=('provider', 'subject_key', 'threshold'), name='idp_expiry_notice_once'),
        ),
        migrations.AddIndex(
            model_name='pendinglink',
            index=models.Index(fields=['provider', 'dismissed_at', '-last_seen_at'], name='idp_pending_open'),
        ),
        migrations.AddConstraint(
            model_name='pendinglink',
            constraint=models.UniqueConstraint(fields=('issuer', 'subject'), name='idp_pending_issuer_subject'),
        ),
        migrations.AddIndex(
            model_name='rehearsal',
            index=models.Index(fields=['provider', 'administrator', '-started_at'], name='idp_rehearsal_newest'),
        ),
        migrations.RunPython(create_trigger, drop_trigger),
        migrations.RunPython(create_link_trigger, drop_link_trigger),
    ]
