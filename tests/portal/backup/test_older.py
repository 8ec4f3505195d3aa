"""A backup of an older version is brought back as it was, and migrated from there, in one step."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.browsing import last_event
from tests.commands.running import ROOT, in_shell
from tests.factories import make_person
from tests.portal.backup.support import PASSPHRASE, replace
from users.counts import fold_counts
from users.models import AuditEvent, Group, PeopleCount, User
from users.people_list import PeopleFilter, find_people

pytestmark = pytest.mark.django_db(transaction=True)

# Before groups had keys of their names, audit rows their present guards, and providers routing policies.
OLD = (("users", "0011_audit_log"), ("idp", "0003_linked_people"))
# What somebody did with the version of that time, in its own tables.
THEN = """
import uuid, datetime
from django.db import connection
from django.db.migrations.loader import MigrationLoader
apps = MigrationLoader(connection).project_state([("users", "0011_audit_log"), ("idp", "0003_linked_people")]).apps
now = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)
User, Group = apps.get_model("users", "User"), apps.get_model("users", "Group")
ada = User.objects.create(user_name="ada", company_email="ada@contoso.example", display_name="Ada", state="active",
                          name_key="  ada", last_login=now)
for name in NAMES:
    group = Group.objects.create(name=name)
    apps.get_model("users", "GroupMembership").objects.create(group=group, person=ada)
apps.get_model("users", "AuditEvent").objects.create(action="users.person.added", outcome="success", actor_label="x")
Provider = apps.get_model("idp", "IdentityProvider")
entra = Provider.objects.create(kind="entra", slug="entra", name="Entra", url="https://login.example/", status="active",
    issuer="https://login.example/v2.0", client_id="c", metadata={}, activated_at=now)
apps.get_model("idp", "FederatedIdentity").objects.create(person=ada, provider=entra, issuer=entra.issuer, subject="s")
"""


def names() -> list[str]:
    """Return names of groups: on SQLite two that were different then, and are the same now. PostgreSQL knew better."""
    return ["\u00d6konomie", "\u00f6konomie"] if connection.vendor == "sqlite" else ["\u00d6konomie"]


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A backup of a database that waits for its migrations, as somebody makes it before an upgrade."""
    there = {"DATABASE_URL": f"sqlite:///{tmp_path}/then.sqlite3"}
    for target in OLD:
        done = in_shell("migrate", *target, "--verbosity", "0", **there)
        assert done.status == 0, done.err
    then = f"NAMES = {names()!a}\n{THEN}"
    subprocess.run([sys.executable, "manage.py", "shell", "--no-imports", "-c", then],  # noqa: S603
                   cwd=ROOT, env={**os.environ, **there}, check=True)  # fmt: skip
    path = tmp_path / "then.age"
    made = in_shell("backup", str(path), "--json", stdin=PASSPHRASE.encode(), **there)
    assert made.status == 0 and made.json["migrations"]["users"] == "0011_audit_log", made.err
    return path


def test_an_older_backup_is_migrated_on_its_way(older: Path) -> None:
    make_person("later@contoso.example")
    done = replace(older)
    assert done.status == 0 and not done.json["is_current"], done.err
    assert [person.user_name for person in User.objects.all()] == ["ada"]
    # What the migrations since then do with rows, they did with these.
    renamed = AuditEvent.objects.filter(action="users.group.edited", actor_label="Gatehouse update")
    assert [event.target_label for event in renamed] == [f"{name} (2)" for name in names()[1:]]
    assert Group.objects.count() == len(names())
    assert User.objects.get().linked and User.objects.get().locale == ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM idp_routingpolicy")
        assert cursor.fetchall() == [("Everyone to Entra",)]
    fold_counts()
    assert list(PeopleCount.objects.values_list("linked", "signed_in", "amount")) == [(True, True, 1)]
    assert len(find_people(PeopleFilter(search="ada")).rows) == 1
    assert last_event().action == "backup.restored"
    with pytest.raises(Exception, match="retention"):
        AuditEvent.objects.all().delete()
