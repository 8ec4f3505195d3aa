"""Groups, scheduled states, and what the list of a million people needs: keys to search and sort by, and counts."""

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import users.name_key
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0004_narrower_indexes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Group',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('description', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name='GroupMembership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name='SignInDay',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('succeeded', models.PositiveIntegerField()),
                ('refused', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='PeopleCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(max_length=16)),
                ('admin_role', models.CharField(max_length=32)),
                ('linked', models.BooleanField()),
                ('signed_in', models.BooleanField()),
                ('amount', models.BigIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='user',
            name='department',
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddField(
            model_name='user',
            name='linked',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='user',
            name='name_key',
            field=users.name_key.NameKeyField(default='', editable=False, max_length=480),
        ),
        migrations.AddField(
            model_name='user',
            name='phone_number',
            field=models.CharField(blank=True, max_length=50),
        ),
        migrations.AddField(
            model_name='user',
            name='scheduled_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='scheduled_reason',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='user',
            name='scheduled_state',
            field=models.CharField(blank=True, choices=[('staged', 'Staged'), ('active', 'Active'), ('suspended', 'Suspended')], max_length=16, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='source',
            field=models.CharField(choices=[('manual', 'Added by an administrator'), ('import', 'CSV import'), ('federation', 'Identity provider')], default='manual', max_length=16),
        ),
        migrations.AddField(
            model_name='user',
            name='state_changed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='state_reason',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='user',
            name='title',
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('admin_role__isnull', False)), fields=['admin_role'], name='users_role'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['name_key', 'id'], name='users_name_key'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['last_login', 'id'], name='users_last_login'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['created_at', 'id'], name='users_created'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['state', 'name_key', 'id'], name='users_state_name_key'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['state', 'company_email', 'id'], name='users_state_email'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['state', 'last_login', 'id'], name='users_state_last_login'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['state', 'created_at', 'id'], name='users_state_created'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['linked', 'name_key', 'id'], name='users_linked_name_key'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['linked', 'company_email', 'id'], name='users_linked_email'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['linked', 'last_login', 'id'], name='users_linked_last_login'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['linked', 'created_at', 'id'], name='users_linked_created'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('scheduled_at__isnull', False)), fields=['scheduled_at'], name='users_scheduled'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('source__in', ['manual', 'import', 'federation'])), name='users_source_known'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('scheduled_at__isnull', True), ('scheduled_state__isnull', True)), models.Q(('admin_role__isnull', True), ('scheduled_at__isnull', False), ('scheduled_state__in', ('active', 'suspended'))), _connector='OR'), name='users_schedule_whole'),
        ),
        migrations.AddField(
            model_name='groupmembership',
            name='group',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='users.group'),
        ),
        migrations.AddField(
            model_name='groupmembership',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='group',
            name='people',
            field=models.ManyToManyField(related_name='groups', through='users.GroupMembership', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='groupmembership',
            constraint=models.UniqueConstraint(fields=('group', 'person'), name='users_membership_once'),
        ),
        migrations.AddConstraint(
            model_name='group',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='users_group_name_unique'),
        ),
    ]
