"""An import outlives the administrator who uploaded it, and knows what its file calls its columns."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def mark_commands(apps, schema_editor):
    """Until now only a command's import had no owner."""
    apps.get_model('users', 'PeopleImport').objects.filter(owner=None).update(by_command=True)


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0012_group_name_key'),
    ]

    operations = [
        migrations.AddField(
            model_name='peopleimport',
            name='by_command',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='peopleimport',
            name='headings',
            field=models.JSONField(default=dict),
        ),
        migrations.AlterField(
            model_name='peopleimport',
            name='owner',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RunPython(mark_commands, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='peopleimport',
            constraint=models.CheckConstraint(condition=models.Q(('by_command', False), ('owner', None), _connector='OR'), name='users_import_owner_or_command'),
        ),
    ]
