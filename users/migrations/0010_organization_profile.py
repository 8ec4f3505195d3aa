"""The company as people see it: name, logo, whom to ask for help, and the state in which new people begin."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0009_people_import'),
    ]

    operations = [
        migrations.CreateModel(
            name='OrganizationLogo',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('data', models.BinaryField()),
                ('sha256', models.CharField(max_length=64)),
                ('width', models.PositiveSmallIntegerField()),
                ('height', models.PositiveSmallIntegerField()),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.AddField(
            model_name='organization',
            name='default_state_import',
            field=models.CharField(choices=[('staged', 'Staged'), ('active', 'Active'), ('suspended', 'Suspended')], default='staged', max_length=16),
        ),
        migrations.AddField(
            model_name='organization',
            name='default_state_manual',
            field=models.CharField(choices=[('staged', 'Staged'), ('active', 'Active'), ('suspended', 'Suspended')], default='staged', max_length=16),
        ),
        migrations.AddField(
            model_name='organization',
            name='name',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='organization',
            name='support_email',
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name='organization',
            name='support_note',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='organization',
            name='support_phone',
            field=models.CharField(blank=True, max_length=50),
        ),
        migrations.AddField(
            model_name='organization',
            name='support_url',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddConstraint(
            model_name='organization',
            constraint=models.CheckConstraint(condition=models.Q(('default_state_import__in', ('staged', 'active')), ('default_state_manual__in', ('staged', 'active'))), name='users_organization_default_states'),
        ),
        migrations.AddConstraint(
            model_name='organization',
            constraint=models.CheckConstraint(condition=models.Q(('support_url', ''), ('support_url__startswith', 'https://'), _connector='OR'), name='users_organization_support_https'),
        ),
        migrations.AddConstraint(
            model_name='organizationlogo',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='users_logo_one_row'),
        ),
    ]
