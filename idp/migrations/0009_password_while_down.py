from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('idp', '0008_claims'),
    ]

    operations = [
        migrations.AddField(
            model_name='routingpolicy',
            name='password_while_down',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
