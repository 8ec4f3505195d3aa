"""The former version works on each schema that it meets while `migrate` runs, and after it."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from tests.commands.running import ROOT
from tests.upgrades.databases import empty_database
from tests.upgrades.test_rule import NEWER


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, dict[str, Any]]]:
    """What there was to see before the newer migrations, and after each of them."""
    with empty_database(tmp_path_factory.mktemp("upgrade")) as url:
        done = subprocess.run(  # noqa: S603  (our own interpreter and arguments)
            [sys.executable, "-m", "tests.upgrades.meeting"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            timeout=300,
            check=False,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    return [(name, seen) for name, seen in json.loads(done.stdout)]


def test_each_new_migration_is_met(story: list[tuple[str, dict[str, Any]]]) -> None:
    migrations = [name for name, _ in story[1:]]
    assert {f"{migration.app_label}.{migration.name}" for migration in NEWER} <= set(migrations)


def test_all_that_the_former_version_does_works_as_before(story: list[tuple[str, dict[str, Any]]]) -> None:
    before = story[0][1]["went"]
    refused = {act: why for act, why in before.items() if why != "done"}
    # What the database keeps the audit log from. Everything else works.
    assert set(refused) == {"change users.auditevent", "delete users.auditevent"}
    assert len(before) > 100 and {act.partition(" ")[0] for act in before} == {"insert", "read", "change", "delete"}
    for name, seen in story[1:]:
        assert {act: why for act, why in seen["went"].items() if why != "done"} == refused, name


def test_the_database_fills_what_the_former_version_does_not_know(story: list[tuple[str, dict[str, Any]]]) -> None:
    assert [(name, seen["unfilled"]) for name, seen in story if seen["unfilled"]] == []


def test_no_row_and_no_trigger_is_lost(story: list[tuple[str, dict[str, Any]]]) -> None:
    before = story[0][1]
    assert all(before["contents"].values()), "a table without a row"
    for name, seen in story[1:]:
        assert seen["contents"] == before["contents"], name
        assert set(before["triggers"]) <= set(seen["triggers"]), name


def test_the_new_version_is_not_ready_until_all_is_migrated(story: list[tuple[str, dict[str, Any]]]) -> None:
    # None right after a release: then the former version has all migrations.
    assert all(seen["ready"] == [503, False] for _, seen in story[:-1])
    assert story[-1][1]["ready"] == [200, True]


@pytest.mark.django_db
def test_the_former_version_stays_ready(client: Client) -> None:
    MigrationRecorder.Migration.objects.create(app="users", name="9998_of_the_next_version")
    MigrationRecorder.Migration.objects.create(app="idp", name="9999_of_the_next_version")
    assert client.get("/readyz").status_code == 200
