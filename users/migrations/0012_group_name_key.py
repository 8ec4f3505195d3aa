"""Names of groups are unique without regard to case in every script: SQLite alone knows the letters of ASCII only."""

import unicodedata
import users.name_key
from django.db import migrations, models

LONGEST = 100


def _key(text):
    """The same as users.name_key does, as it was when this was written."""
    return unicodedata.normalize('NFC', text.casefold())


def fill_keys(apps, schema_editor):
    """Give every group its key. Of several with one name the oldest keeps it; the others get a number behind it."""
    Group = apps.get_model('users', 'Group')
    groups = list(Group.objects.order_by('created_at', 'pk').values_list('pk', 'name'))
    taken = {_key(name) for _, name in groups}
    seen = set()
    for pk, name in groups:
        if _key(name) in seen:
            name, before = _free(name, taken), name
            taken.add(_key(name))
            Group.objects.filter(pk=pk).update(name=name)
            _record(apps, pk, before, name)
        seen.add(_key(name))
        Group.objects.filter(pk=pk).update(name_key=_key(name))


def _free(name, taken):
    number = 2
    while True:
        suffix = f' ({number})'
        proposed = name[: LONGEST - len(suffix)].rstrip() + suffix
        if _key(proposed) not in taken:
            return proposed
        number += 1


def _record(apps, pk, before, name):
    """Write into the audit log what became of a group: nobody asked for it."""
    apps.get_model('users', 'AuditEvent').objects.create(
        action='users.group.edited',
        outcome='success',
        actor_label='Gatehouse update',
        target_type='group',
        target_id=str(pk),
        target_label=name,
        details={'changes': {'name': {'from': before, 'to': name}}},
        about=name.lower(),
    )


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0011_audit_log'),
    ]

    operations = [
        migrations.AddField(
            model_name='group',
            name='name_key',
            field=users.name_key.CaseKeyField(default='', editable=False, max_length=300),
        ),
        migrations.RemoveConstraint(
            model_name='group',
            name='users_group_name_unique',
        ),
        migrations.RunPython(fill_keys, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='group',
            constraint=models.UniqueConstraint(fields=('name_key',), name='users_group_name_key_unique'),
        ),
    ]
