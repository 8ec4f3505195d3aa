"""Migrations since the last release keep the rule that lets the former version serve meanwhile."""

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import models
from django.db.migrations import Migration
from django.db.migrations import operations as of
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from tests.upgrades.released import FORMER, LIVED_WITH, former_targets
from tests.upgrades.rule import ADVICE, broken_by, name_of

LOADER = MigrationLoader(None)
FORMER_STATE = LOADER.project_state(former_targets(LOADER))


def newer() -> list[Migration]:
    """Return our migrations that the former version does not know, in their order."""
    known = {node for target in FORMER.items() for node in LOADER.graph.forwards_plan(target)}
    plan = [node for leaf in LOADER.graph.leaf_nodes() for node in LOADER.graph.forwards_plan(leaf)]
    return [LOADER.graph.nodes[node] for node in dict.fromkeys(plan) if node[0] in FORMER and node not in known]


def newest(app: str, count: int) -> list[Migration]:
    """Return the last migrations of an app, whether the former version knows them or not."""
    (leaf,) = LOADER.graph.leaf_nodes(app)
    return [LOADER.graph.nodes[node] for node in LOADER.graph.forwards_plan(leaf) if node[0] == app][-count:]


NEWER = newer()
# Right after a release nothing is newer, and the rule would be asked of nothing.
LOOKED_AT = list(dict.fromkeys([*NEWER, *(each for app in FORMER for each in newest(app, 2))]))


def refused(migration: Migration) -> list[str]:
    state = LOADER.project_state([(migration.app_label, migration.name)], at_end=False)
    # What the former version knows was new to the version before that one.
    former = FORMER_STATE if migration in NEWER else state.clone()
    found = []
    for operation in migration.operations:
        if (migration.app_label, migration.name, name_of(operation)) not in LIVED_WITH:
            found += broken_by(operation, migration.app_label, before=state, former=former)
        operation.state_forwards(migration.app_label, state)
    return found


def test_the_latest_two_migrations_of_each_app_are_looked_at_and_all_that_are_newer() -> None:
    for app, former in FORMER.items():
        names = [migration.name for migration in LOOKED_AT if migration.app_label == app]
        every = sorted(name for label, name in LOADER.disk_migrations if label == app)
        assert sorted(names) == every[min(every.index(former) + 1, len(every) - 2) :]


@pytest.mark.parametrize("migration", LOOKED_AT, ids=str)
def test_the_former_version_lives_with_it(migration: Migration) -> None:
    assert refused(migration) == [], ADVICE


def test_every_exception_is_of_an_operation_that_is_looked_at_and_says_why() -> None:
    operations = {(each.app_label, each.name, name_of(one)) for each in LOOKED_AT for one in each.operations}
    assert sorted(LIVED_WITH.keys() - operations) == []
    assert all(len(why.split()) > 5 for why in LIVED_WITH.values())


USER, GROUP = {"model_name": "user"}, {"model_name": "group"}
FINE = [
    of.CreateModel("Device", [("id", models.BigAutoField(primary_key=True))]),
    of.AddField(**USER, name="shoe", field=models.CharField(max_length=9, null=True)),
    of.AddField(**USER, name="shoe", field=models.CharField(max_length=9, default="", db_default="")),
    of.AddField(model_name="device", name="shoe", field=models.CharField(max_length=9)),
    of.AlterField(**USER, name="department", field=models.CharField(max_length=300, blank=True)),
    of.AlterField(**USER, name="department", field=models.CharField(max_length=150, help_text="Where", null=True)),
    of.RemoveConstraint(**USER, name="users_state_known"),
    AddIndexConcurrently(**USER, index=models.Index(fields=["department"], name="by_department")),
    of.SeparateDatabaseAndState(state_operations=[of.DeleteModel("Group")]),
]
NOT_FINE = [
    (of.DeleteModel("Group"), "DeleteModel Group: the former version uses"),
    (of.RenameModel("Group", "Team"), "the former version uses"),
    (of.RemoveField(**USER, name="department"), "RemoveField user department: the former version uses"),
    (of.RenameField(**USER, old_name="department", new_name="unit"), "the former version uses"),
    (of.AddField(**USER, name="shoe", field=models.CharField(max_length=9, default="")), "db_default"),
    (of.AddField(**USER, name="shoe", field=models.CharField(max_length=9, null=True, unique=True)), "null=True"),
    (of.AlterField(**USER, name="department", field=models.CharField(max_length=50)), "max_length"),
    (of.AlterField(**USER, name="scheduled_at", field=models.DateTimeField()), "null of a column in use"),
    (of.AlterField(**GROUP, name="name", field=models.TextField()), "path"),
    (of.AddIndex(**USER, index=models.Index(fields=["department"], name="x")), "AddIndexConcurrently"),
    (of.AddConstraint(**USER, constraint=models.UniqueConstraint(fields=["department"], name="x")), "may break it"),
    (of.AlterUniqueTogether("group", {("name", "description")}), "the former version uses"),
    (of.RunSQL("UPDATE users_user SET department = ''"), "nobody but a reader"),
    (of.RunPython(of.RunPython.noop), "nobody but a reader"),
    (of.SeparateDatabaseAndState(database_operations=[of.RunSQL("SELECT 1")]), "nobody but a reader"),
]  # fmt: skip


def asked(operation: Operation) -> list[str]:
    before: ProjectState = FORMER_STATE.clone()
    return list(broken_by(operation, "users", before=before, former=FORMER_STATE))


@pytest.mark.parametrize("operation", FINE, ids=name_of)
def test_the_rule_lets_pass_what_only_adds(operation: Operation) -> None:
    assert asked(operation) == []


@pytest.mark.parametrize(("operation", "said"), NOT_FINE, ids=lambda each: "" if isinstance(each, str) else None)
def test_the_rule_refuses_what_old_code_would_meet(operation: Operation, said: str) -> None:
    found = asked(operation)
    assert len(found) == 1 and said in found[0]
