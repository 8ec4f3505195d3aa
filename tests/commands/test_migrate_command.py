"""`migrate` while others work: it gives way instead of waiting in front of them, and only one runs at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.commands.running import in_shell, run
from tests.upgrades.databases import a_write_is_open, empty_database
from tests.upgrades.released import FORMER
from users.migration_locks import alone


@pytest.fixture
def former(tmp_path: Path) -> Iterator[str]:
    """A database as the former version left it."""
    with empty_database(tmp_path) as url:
        assert in_shell("migrate", "idp", FORMER["idp"], DATABASE_URL=url).status == 0
        yield url


def test_a_migration_gives_way_to_an_open_transaction(former: str) -> None:
    quick = ("--lock-timeout", "100", "--attempts", "2", "--verbosity", "0")
    with a_write_is_open(former):
        blocked = in_shell("migrate", *quick, DATABASE_URL=former)
    assert blocked.status == 3 and "[users.migration_blocked]" in blocked.err, blocked.err
    assert "attempt 1 of 2 gave way" in blocked.err and "2 times" in blocked.err and "0.1 s each" in blocked.err
    assert "Traceback" not in blocked.err
    # Nothing is half done: the same command goes on where the other one stopped.
    assert in_shell("migrate", *quick, DATABASE_URL=former).status == 0
    assert "[X] 0009_password_while_down" in in_shell("showmigrations", "idp", DATABASE_URL=former).out


@pytest.mark.django_db(transaction=True)
def test_migrate_leaves_the_connection_as_patient_as_it_was() -> None:
    question = "SHOW lock_timeout" if connection.vendor == "postgresql" else "PRAGMA busy_timeout"

    def patience() -> object:
        with connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone()[0]

    before = patience()
    assert run("migrate", "--lock-timeout", "5000").status == 0
    assert patience() == before
    with alone(connection):
        assert run("migrate", "--check").status == 0


@pytest.mark.parametrize("option", ["--lock-timeout", "--attempts"])
def test_how_long_and_how_often_are_numbers(option: str) -> None:
    assert run("migrate", option, "0").status != 0
