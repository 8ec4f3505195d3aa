"""Backups while people work: one moment is seen, and nobody waits for it."""

import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from portal.backup.snapshot import snapshot
from tests.browsing import Browser
from tests.commands.running import in_shell
from tests.factories import OPERATOR, PASSWORD, make_person
from tests.portal.backup.support import PASSPHRASE, back_up, lines_of, replace
from users.groups import add_group, add_members
from users.models import AuditEvent, Group, User

pytestmark = pytest.mark.django_db(transaction=True)


def rows_of(lines: list[object], table: str) -> list[dict[str, object]]:
    """Return the rows of a table in a backup, by column."""
    head: dict[str, list[dict[str, object]]] = lines[0]  # type: ignore[assignment]
    columns = next(each["columns"] for each in head["tables"] if each["name"] == table)
    at = lines.index({"table": table}) + 1
    rows = []
    while isinstance(lines[at], list):
        rows.append(dict(zip((name for name, _ in columns), lines[at], strict=True)))  # type: ignore[misc,call-overload]
        at += 1
    return rows


def test_what_comes_during_a_snapshot_is_not_in_it_and_does_not_wait() -> None:
    person = make_person(password=PASSWORD)
    browser = Browser()

    def work() -> None:
        with closing(connections["default"]):
            make_person("later@contoso.example")
            browser.sign_in_with_password(person)

    with snapshot():
        before = User.objects.count(), AuditEvent.objects.count()
        worker = threading.Thread(target=work)
        worker.start()
        worker.join(timeout=60)
        assert (User.objects.count(), AuditEvent.objects.count()) == before
    assert User.objects.filter(company_email="later@contoso.example").exists()
    assert browser.is_signed_in


def test_nothing_can_be_written_within_a_snapshot() -> None:
    with pytest.raises(Exception, match="read-?only"), snapshot():
        make_person()
    make_person()


def test_backups_while_people_are_added_hold_together(tmp_path: Path) -> None:
    """Each person comes in one transaction with a membership and two audit rows: a backup has all of them or none."""
    group = add_group(actor=OPERATOR, name="Everybody")
    is_over = threading.Event()
    failures: list[BaseException] = []

    def work(name: str) -> None:
        number = 0
        with closing(connections["default"]):
            try:
                while not is_over.is_set():
                    add_whole(group, f"{name}-{number}@contoso.example")
                    number += 1
            except BaseException as error:  # noqa: BLE001  (shown by the test's own thread)
                failures.append(error)

    workers = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for worker in workers:
        worker.start()
    try:
        counts = [len(rows_of(checked(tmp_path / f"{number}.age"), "users_user")) for number in range(3)]
    finally:
        is_over.set()
        for worker in workers:
            worker.join(timeout=60)
    assert not failures
    there = f"sqlite:///{tmp_path}/there.sqlite3"
    done = in_shell("restore", str(tmp_path / "2.age"), "--json", stdin=PASSPHRASE.encode(), DATABASE_URL=there)
    assert done.status == 0 and done.json["tables"]["users_user"] == counts[2], done.err
    assert counts == sorted(counts) and counts[-1] <= User.objects.count()
    assert User.objects.count() > counts[0]  # others wrote while the backups were made


def add_whole(group: Group, email: str) -> None:
    with transaction.atomic():
        person = make_person(email)
        add_members(actor=OPERATOR, group=group, people=[person.pk])


def checked(path: Path) -> list[object]:
    """Make a backup, and see that its tables fit each other and that it can be restored elsewhere."""
    back_up(path)
    lines = lines_of(path)
    people = {row["id"] for row in rows_of(lines, "users_user")}
    assert {row["person_id"] for row in rows_of(lines, "users_groupmembership")} == people
    added = [row for row in rows_of(lines, "users_auditevent") if row["action"] == "users.person.added"]
    assert len(added) == len(people)
    return lines


def restore_is_under_way() -> bool:
    """Return whether a restore is past the point where it looked at the database to ask the operator."""
    if connection.vendor == "sqlite":
        return Path(f"{connection.settings_dict['NAME']}.restoring").exists()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND "
            "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(cursor.fetchone()[0])


def test_no_number_of_a_row_that_came_during_a_restore_is_given_again(tmp_path: Path) -> None:
    make_person()
    back_up(tmp_path / "a.age")
    numbers: list[int] = []
    is_writing = threading.Event()

    def work() -> None:
        with closing(connections["default"]), transaction.atomic():
            make_person("later@contoso.example")
            numbers.append(AuditEvent.objects.latest("id").pk)
            is_writing.set()
            ends_at = time.monotonic() + 60
            while not restore_is_under_way():
                assert time.monotonic() < ends_at

    worker = threading.Thread(target=work)
    worker.start()
    assert is_writing.wait(timeout=60)
    assert replace(tmp_path / "a.age").status == 0
    worker.join(timeout=60)
    assert AuditEvent.objects.latest("id").pk > numbers[0]


def test_rows_that_come_at_the_very_end_stop_a_restore_rather_than_share_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "sqlite":
        return  # there nobody writes while a restore is under way
    make_person()
    back_up(tmp_path / "a.age")
    before = AuditEvent.objects.latest("id").pk
    with monkeypatch.context() as patched:
        patched.setattr("portal.backup.on_sqlite._NUMBERS_BETWEEN", -before)
        refused = replace(tmp_path / "a.age")
    assert refused.status == 3 and refused.error["code"] == "portal.backup.database_busy"
    make_person("later@contoso.example")
    assert replace(tmp_path / "a.age").status == 0
