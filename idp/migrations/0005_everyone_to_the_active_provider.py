"""Until now everybody was sent to the one active provider: that becomes its routing policy for everyone."""

import unicodedata

from django.db import migrations


def add_policy(apps, schema_editor):
    """Give the active provider its policy. People go on signing in as they did."""
    Policy = apps.get_model('idp', 'RoutingPolicy')
    for provider in apps.get_model('idp', 'IdentityProvider').objects.filter(status='active'):
        name = f'Everyone to {provider.name}'[:100]
        policy = Policy(name=name, provider=provider, everyone=True, position=1)
        policy.save()
        # The model of a migration does not put the key together by itself.
        Policy.objects.filter(pk=policy.pk).update(name_key=unicodedata.normalize('NFC', name.casefold()))


def remove_policies(apps, schema_editor):
    """The tables go with the migration before."""


class Migration(migrations.Migration):

    dependencies = [
        ('idp', '0004_routing_policies'),
    ]

    operations = [
        migrations.RunPython(add_policy, remove_policies),
    ]
