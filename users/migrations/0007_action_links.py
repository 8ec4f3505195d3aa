"""One-time links that are mailed to people, and from where resets were asked for."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0006_people_counts_and_search'),
    ]

    operations = [
        migrations.CreateModel(
            name='ResetRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['address', 'at'], name='users_reset_request_address'), models.Index(fields=['at'], name='users_reset_request_at')],
            },
        ),
        migrations.CreateModel(
            name='ActionLink',
            fields=[
                ('token_hash', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('purpose', models.CharField(choices=[('administrator_invitation', 'Invitation of an administrator'), ('invitation', 'Invitation'), ('password_reset', 'Password reset')], max_length=32)),
                ('role', models.CharField(blank=True, choices=[('administrator_with_billing', 'Administrator With Billing'), ('administrator', 'Administrator'), ('help_desk', 'Help Desk'), ('read_only', 'Read Only')], max_length=32)),
                ('activates', models.BooleanField(default=False)),
                ('seal', models.CharField(max_length=64)),
                ('made_at', models.DateTimeField()),
                ('mailed_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('used_at', models.DateTimeField(null=True)),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='action_links', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('person', 'purpose'), name='users_action_link_newest'), models.CheckConstraint(condition=models.Q(('purpose__in', ['administrator_invitation', 'invitation', 'password_reset'])), name='users_action_link_purpose_known'), models.CheckConstraint(condition=models.Q(models.Q(('purpose', 'administrator_invitation'), ('role__in', ['administrator_with_billing', 'administrator', 'help_desk', 'read_only'])), models.Q(models.Q(('purpose', 'administrator_invitation'), _negated=True), ('role', '')), _connector='OR'), name='users_action_link_role')],
            },
        ),
    ]
