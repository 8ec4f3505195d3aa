"""What a provider's claims may keep of people: their locale, and memberships that they gave."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0016_break_glass'),
    ]

    operations = [
        # Not AddField alone: on SQLite that makes the table anew, and the triggers on it would be gone.
        migrations.RunSQL(
            "ALTER TABLE users_user ADD COLUMN locale varchar(35) NOT NULL DEFAULT ''",
            'ALTER TABLE users_user DROP COLUMN locale',
            state_operations=[
                migrations.AddField(
                    model_name='user',
                    name='locale',
                    field=models.CharField(blank=True, db_default='', default='', max_length=35),
                ),
            ],
        ),
        migrations.AddField(
            model_name='groupmembership',
            name='given_by',
            field=models.UUIDField(editable=False, null=True),
        ),
    ]
