"""What a provider's claims change: fields, memberships, and whom they bring into being."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('idp', '0007_access_policies'),
        ('users', '0017_provided_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='ClaimGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('claim', models.CharField(max_length=200)),
                ('value', models.CharField(max_length=255)),
            ],
            options={
                'ordering': ['claim', 'value', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='ClaimMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('claim', models.CharField(max_length=200)),
                ('field', models.CharField(choices=[('given_name', 'Given name'), ('family_name', 'Family name'), ('display_name', 'Display name'), ('department', 'Department'), ('title', 'Job title'), ('locale', 'Locale')], max_length=16)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='ClaimOverage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('claim', models.CharField(max_length=200)),
                ('last_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='JitGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.AddField(
            model_name='claimgroup',
            name='group',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='claim_rules', to='users.group'),
        ),
        migrations.AddField(
            model_name='claimgroup',
            name='provider',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='claim_groups', to='idp.identityprovider'),
        ),
        migrations.AddField(
            model_name='claimmapping',
            name='provider',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='claim_mappings', to='idp.identityprovider'),
        ),
        migrations.AddField(
            model_name='claimoverage',
            name='provider',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='overages', to='idp.identityprovider'),
        ),
        migrations.AddField(
            model_name='jitgroup',
            name='group',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jit_of', to='users.group'),
        ),
        migrations.AddField(
            model_name='jitgroup',
            name='provider',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='jit_groups', to='idp.identityprovider'),
        ),
        migrations.AddConstraint(
            model_name='claimgroup',
            constraint=models.UniqueConstraint(fields=('provider', 'claim', 'value', 'group'), name='idp_claim_group_once'),
        ),
        migrations.AddConstraint(
            model_name='claimgroup',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('claim', ''), _negated=True), models.Q(('value', ''), _negated=True)), name='idp_claim_group_whole'),
        ),
        migrations.AddConstraint(
            model_name='claimmapping',
            constraint=models.UniqueConstraint(fields=('provider', 'field'), name='idp_claim_field_once'),
        ),
        migrations.AddConstraint(
            model_name='claimmapping',
            constraint=models.CheckConstraint(condition=models.Q(('field__in', ['given_name', 'family_name', 'display_name', 'department', 'title', 'locale'])), name='idp_claim_field_known'),
        ),
        migrations.AddConstraint(
            model_name='claimmapping',
            constraint=models.CheckConstraint(condition=models.Q(('claim', ''), _negated=True), name='idp_claim_named'),
        ),
        migrations.AddConstraint(
            model_name='claimoverage',
            constraint=models.UniqueConstraint(fields=('provider', 'claim'), name='idp_claim_overage_once'),
        ),
        migrations.AddConstraint(
            model_name='jitgroup',
            constraint=models.UniqueConstraint(fields=('provider', 'group'), name='idp_jit_group_once'),
        ),
        # Tables in use last: what is locked stays locked until the end of the transaction, and every sign-in asks for
        # its provider.
        migrations.AddField(
            model_name='rehearsal',
            name='changes',
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='rehearsal',
            name='sent',
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='jit_domains',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='jit_enabled',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='jit_state',
            field=models.CharField(choices=[('staged', 'Staged'), ('active', 'Active'), ('suspended', 'Suspended')], db_default='staged', default='staged', max_length=16),
        ),
        migrations.AddConstraint(
            model_name='identityprovider',
            constraint=models.CheckConstraint(condition=models.Q(('jit_state__in', ('staged', 'active'))), name='idp_jit_state_known'),
        ),
        migrations.AddConstraint(
            model_name='identityprovider',
            constraint=models.CheckConstraint(condition=models.Q(('jit_enabled', False), models.Q(('jit_domains', []), _negated=True), _connector='OR'), name='idp_jit_domains_named'),
        ),
    ]
