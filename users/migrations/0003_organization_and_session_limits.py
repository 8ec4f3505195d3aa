"""Limits of sessions and of the audit log, set for the whole company."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0002_audit_append_only'),
    ]

    operations = [
        migrations.AddField(
            model_name='usersession',
            name='last_seen_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['company_email'], name='users_email_prefix', opclasses=['varchar_pattern_ops']),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['user_name'], name='users_user_name_prefix', opclasses=['varchar_pattern_ops']),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['at'], name='users_audit_at'),
        ),
        migrations.CreateModel(
            name='Organization',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('session_idle_minutes', models.PositiveIntegerField(default=60)),
                ('session_absolute_hours', models.PositiveIntegerField(default=8)),
                ('audit_retention_days', models.PositiveIntegerField(default=365)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='users_organization_one_row'), models.CheckConstraint(condition=models.Q(('session_idle_minutes__range', (5, 10080))), name='users_organization_idle_range'), models.CheckConstraint(condition=models.Q(('session_absolute_hours__range', (1, 720))), name='users_organization_absolute_range'), models.CheckConstraint(condition=models.Q(('audit_retention_days__range', (30, 3650))), name='users_organization_retention_range')],
            },
        ),
    ]
