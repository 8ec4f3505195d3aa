"""`manage.py restore`: what comes back, what does not, and what is refused before anything is touched."""

import gzip
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.db import connection

from idp.models import IdentityProvider
from portal.backup import on_sqlite
from tests.browsing import Browser, last_event
from tests.commands.running import database_url, in_shell, run
from tests.entra_tenant import PracticeTenant
from tests.factories import make_person
from tests.portal.backup.installation import install
from tests.portal.backup.support import (
    PASSPHRASE,
    back_up,
    everything,
    lines_of,
    replace,
    restore,
    write_content,
    write_lines,
)
from users.counts import fold_counts
from users.models import ActionLink, AuditEvent, PeopleCount, User, UserSession
from users.people_list import PeopleFilter, find_people

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of a directory with two people; a third came later."""
    make_person("ada@contoso.example", display_name="Ada Lovelace")
    make_person("grace@contoso.example", display_name="Grace Hopper")
    path = tmp_path / "a.age"
    back_up(path)
    make_person("later@contoso.example", display_name="Lena Later")
    return path


def emails() -> set[str]:
    return {str(email) for email in User.objects.values_list("company_email", flat=True)}


ALL_THREE = {"ada@contoso.example", "grace@contoso.example", "later@contoso.example"}


# --- what comes back -------------------------------------------------------------------------------------------------


def test_everything_comes_back_and_nobody_is_signed_in(tmp_path: Path, tenant: PracticeTenant) -> None:
    there = install(tenant)
    path = tmp_path / "a.age"
    before = everything()
    made = back_up(path).json
    User.objects.filter(pk=there.local.pk).delete()
    IdentityProvider.objects.update(name="Changed since")
    later = make_person("later@contoso.example")
    assert there.browser.is_signed_in
    highest = AuditEvent.objects.latest("id").pk

    done = replace(path)
    assert done.status == 0, done.err
    assert done.json["tables"] == made["tables"] and done.json["replaces"]["people"] == User.objects.count()
    after = everything()
    restored = AuditEvent.objects.latest("id")
    for name, rows in before.items():
        if name == "users_auditevent":
            assert set(rows) < set(after[name]) and len(after[name]) == len(rows) + 1
        elif name != "users_actionlink":
            assert after[name] == rows, name
    assert restored.action == "backup.restored" and restored.pk > highest  # no number is given twice
    facts = restored.details
    assert (facts["as_of"], facts["rows"], facts["links_voided"]) == (made["made_at"], made["rows"], 1)
    assert facts["replaced"]["people"] == done.json["replaces"]["people"] and facts["unreadable_secrets"] == 0
    assert not User.objects.filter(pk=later.pk).exists()
    assert not UserSession.objects.exists() and not there.browser.is_signed_in
    assert Browser().federated_sign_in()["Location"] == "/"


def test_open_one_time_links_are_void_and_can_be_sent_again(tmp_path: Path, tenant: PracticeTenant) -> None:
    there = install(tenant)
    path = tmp_path / "a.age"
    back_up(path)
    assert Browser().get(there.invitation).status_code == 200
    assert replace(path).status == 0
    assert Browser().get(there.invitation).status_code >= 400
    assert ActionLink.objects.count() == 1  # still listed
    assert run("users", "invite", "new@contoso.example").status == 0


def test_counts_search_and_numbers_go_on(backup: Path) -> None:
    assert replace(backup).status == 0
    fold_counts()
    assert sum(PeopleCount.objects.values_list("amount", flat=True)) == 2
    assert [person.company_email for person in find_people(PeopleFilter(search="lovel")).rows] == [
        "ada@contoso.example"
    ]
    assert not find_people(PeopleFilter(search="later")).rows
    run("groups", "add", "Sales")
    assert run("groups", "add-members", "Sales", "ada@contoso.example").status == 0
    make_person("new@contoso.example", display_name="Nina New")
    assert len(find_people(PeopleFilter(search="nina")).rows) == 1
    numbers = list(AuditEvent.objects.order_by("at").values_list("pk", flat=True))
    assert numbers == sorted(set(numbers))
    with pytest.raises(Exception, match="append-only|retention"):
        AuditEvent.objects.all().delete()


def test_another_kind_of_database_and_back(tmp_path: Path, tenant: PracticeTenant) -> None:
    """To a file of SQLite, whatever this one is; and from there to here."""
    install(tenant)
    path, again = tmp_path / "a.age", tmp_path / "b.age"
    back_up(path)
    before = everything()
    there = f"sqlite:///{tmp_path}/there.sqlite3"
    gone = in_shell("restore", str(path), "--json", stdin=PASSPHRASE.encode(), DATABASE_URL=there)
    assert gone.status == 0 and gone.json["replaces"]["people"] == 0, gone.err
    assert sorted(entry.name for entry in tmp_path.iterdir() if "there" in entry.name)[0] == "there.sqlite3"
    assert not (tmp_path / "there.sqlite3.restoring").exists()
    back = in_shell("backup", str(again), stdin=PASSPHRASE.encode(), DATABASE_URL=there)
    assert back.status == 0, back.err
    make_person("later@contoso.example")
    assert replace(again).status == 0
    after = everything()
    for name, rows in before.items():
        if name not in ("users_auditevent", "users_actionlink"):
            # jsonb of PostgreSQL writes the same values with other spaces.
            assert comparable(after[name]) == comparable(rows), name


def comparable(rows: list[tuple[Any, ...]]) -> list[str]:
    def plain(value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
        except ValueError:
            return value

    return sorted(repr([plain(value) for value in row]) for row in rows)


# --- before anything is touched --------------------------------------------------------------------------------------


def test_a_dry_run_verifies_and_changes_nothing(backup: Path) -> None:
    rows = AuditEvent.objects.count()
    done = restore(backup, "--dry-run")
    assert done.status == 0 and done.json["dry_run"] and done.json["replaces"]["people"] == 3
    assert done.json["replaces"]["events_since"] == 2  # the backup itself, and the one who came later
    assert "The backup is whole" in run("restore", str(backup), "--dry-run", stdin=PASSPHRASE).out
    assert (emails(), AuditEvent.objects.count()) == (ALL_THREE, rows)


def test_a_database_in_use_is_not_replaced_unless_that_is_said_twice(backup: Path) -> None:
    refused = restore(backup)
    assert (refused.status, refused.error["code"]) == (3, "portal.backup.database_in_use")
    assert "3 people" in refused.error["message"] and "2 of the audit events are newer" in refused.error["message"]
    half = restore(backup, "--replace")
    assert (half.status, half.error["code"]) == (2, "idp.impact_not_confirmed")
    assert emails() == ALL_THREE
    assert last_event().action == "operator.command.refused"


def test_a_wrong_passphrase_is_said_to_be_one(backup: Path) -> None:
    refused = restore(backup, "--dry-run", passphrase=PASSPHRASE[:-1])
    assert (refused.status, refused.error["code"]) == (3, "portal.backup.passphrase_wrong")


def test_a_damaged_file_touches_nothing(backup: Path, tmp_path: Path) -> None:
    file = backup.read_bytes()
    for name, changed in {
        "cut": file[:-20],
        "longer": file + b"\n",
        "flipped": file[:1000] + bytes([file[1000] ^ 4]) + file[1001:],
        "head": file[:100] + bytes([file[100] ^ 1]) + file[101:],
        "other": os.urandom(5000),
    }.items():
        path = tmp_path / name
        path.write_bytes(changed)
        refused = restore(path, "--replace", "--i-understand-the-impacts")
        assert refused.status in (2, 3), name
        assert refused.error["code"] in {
            "portal.backup.damaged", "portal.backup.not_a_backup", "portal.backup.passphrase_wrong"
        }  # fmt: skip
        assert emails() == ALL_THREE


@pytest.mark.parametrize("name", ["none.age", "a\0b"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    refused = restore(tmp_path / name)
    assert (refused.status, refused.error["code"]) == (4, "users.file_unreadable")


def test_a_pipe_cannot_be_read_twice() -> None:
    refused = in_shell("restore", "/dev/stdin", "--json", stdin=b"x")
    assert (refused.status, refused.error["code"]) == (4, "users.file_unreadable")


def test_a_newer_format_is_refused_whatever_else_it_has(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.age", [{"magic": "gatehouse-backup", "format": 2, "everything": "different"}])
    refused = restore(path)
    assert (refused.status, refused.error["code"]) == (3, "portal.backup.format_too_new")


def test_migrations_that_are_not_known_need_an_upgrade_first(backup: Path) -> None:
    head, *rest = lines_of(backup)
    head["migrations"].append(["users", "9999_later"])
    write_lines(backup, [{**head, "gatehouse": "99.1"}, *rest])
    refused = replace(backup)
    assert (refused.status, refused.error["code"]) == (3, "portal.backup.from_newer")
    assert "users.9999_later" in refused.error["message"] and "99.1" in refused.error["hint"]
    assert emails() == ALL_THREE


def changes(lines: list[Any]) -> dict[str, list[Any]]:
    """Return what somebody who knows the passphrase, or a defect, could have made of a backup."""
    people = lines.index({"table": "users_user"})
    row, end = lines[people + 1], lines[people + 3]
    head = {**lines[0], "tables": lines[0]["tables"][1:]}
    return {
        "a row is missing": lines[: people + 1] + lines[people + 2 :],
        "a row is there twice": lines[: people + 1] + [row] + lines[people + 1 :],
        "a value was changed": [*lines[: people + 1], ["other", *row[1:]], *lines[people + 2 :]],
        "a value is missing": [*lines[: people + 1], row[1:], *lines[people + 2 :]],
        "another digest": [*lines[: people + 3], {**end, "sha256": "0" * 64}, *lines[people + 4 :]],
        "a table is missing": lines[:people] + lines[people + 4 :],
        "a table is not in the head": [head, *lines[1:]],
        "the end is missing": lines[:-1],
        "the end is another": [*lines[:-1], {**lines[-1], "rows": 1}],
        "something follows": [*lines, {"more": 1}],
        "no lines at all": [[]],
        "a moment that is none": [{**lines[0], "made_at": "yesterday"}, *lines[1:]],
        "a moment before all": [{**lines[0], "made_at": "0001-01-01T00:00:00+14:00"}, *lines[1:]],
        "half a head": [{"magic": "gatehouse-backup", "format": 1}],
    }


def test_what_the_cipher_cannot_see_is_seen_all_the_same(backup: Path) -> None:
    lines = lines_of(backup)
    for what, changed in changes(lines).items():
        refused = replace(write_lines(backup, changed))
        assert (refused.status, refused.error["code"]) == (3, "portal.backup.damaged"), what
    for content in (b"", b"not compressed", gzip.compress(b""), gzip.compress(b"{}\n"), gzip.compress(b"{]\n")):
        refused = replace(write_content(backup, content))
        assert refused.error["code"] in {"portal.backup.damaged", "portal.backup.not_a_backup"}, content
    deep = b"[" * 100_000 + b"]" * 100_000 + b"\n"
    for content in (
        gzip.compress(deep),
        gzip.compress(b"x")[:-3],
        gzip.compress(b'{"a": 1}'),
        gzip.compress(b"[]\n") * 2,
    ):
        assert replace(write_content(backup, content)).error["code"] == "portal.backup.damaged"
    assert emails() == ALL_THREE


# --- all or nothing --------------------------------------------------------------------------------------------------


def with_row(lines: list[Any], table: str, change: Any) -> list[Any]:
    """Return the lines of a backup whose first row of a table is another, with sums that fit."""
    at = lines.index({"table": table}) + 1
    count = next(number for number, line in enumerate(lines[at:]) if isinstance(line, dict))
    rows = [change(lines[at]), *lines[at + 1 : at + count]]
    return [*lines[:at], *rows, _sum(rows), *lines[at + count + 1 :]]


def _sum(rows: list[Any]) -> dict[str, Any]:
    text = b"".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for row in rows)
    return {"rows": len(rows), "sha256": hashlib.sha256(text).hexdigest()}


def write_compact(path: Path, lines: list[Any]) -> Path:
    text = b"".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for line in lines)
    return write_content(path, gzip.compress(text))


def test_what_the_database_does_not_take_changes_nothing(backup: Path) -> None:
    lines = lines_of(backup)
    columns = [name for name, _ in next(each for each in lines[0]["tables"] if each["name"] == "users_user")["columns"]]
    state, created = columns.index("state"), columns.index("created_at")
    events = [name for name, _ in next(t for t in lines[0]["tables"] if t["name"] == "users_auditevent")["columns"]]
    assert events[0] == "id"

    def other(place: int, value: Any) -> Any:
        return lambda row: [*row[:place], value, *row[place + 1 :]]

    for change in (other(state, "dreaming"), other(created, "yesterday"), other(created, None)):
        refused = replace(write_compact(backup, with_row(lines, "users_user", change)))
        assert refused.error["code"] in {"portal.backup.not_restorable", "portal.backup.damaged"}
        assert refused.status == 3 and emails() == ALL_THREE
    assert replace(write_compact(backup, with_row(lines, "users_user", lambda row: row))).status == 0


def test_a_second_restore_is_refused_while_one_is_under_way(backup: Path) -> None:
    if connection.vendor != "sqlite":
        return  # there the second one waits for the locks of the first
    options = ("--json", "--replace", "--i-understand-the-impacts")
    url = database_url()
    with pytest.raises(KeyError), on_sqlite.fresh_database():
        refused = in_shell("restore", str(backup), *options, stdin=PASSPHRASE.encode(), DATABASE_URL=url)
        assert (refused.status, refused.error["code"]) == (3, "portal.backup.restore_under_way")
        raise KeyError("the first one fails")
    assert emails() == ALL_THREE and not Path(f"{connection.settings_dict['NAME']}.restoring").exists()


# --- keys ------------------------------------------------------------------------------------------------------------


def test_secrets_of_keys_that_are_not_here_are_counted_before_anything_happens(
    tmp_path: Path, tenant: PracticeTenant, settings: LazySettings
) -> None:
    install(tenant)
    path = tmp_path / "a.age"
    made = back_up(path).json
    keys = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert restore(path, "--dry-run").json["unreadable_secrets"] == 4
    refused = replace(path)
    assert (refused.status, refused.error["code"]) == (3, "portal.backup.secrets_unreadable")
    assert "4 secrets" in refused.error["message"] and "1 in users_authenticatorapp.seed" in refused.error["message"]
    assert made["keys"][0] in refused.error["hint"]
    assert replace(path, "--without-keys").status == 0
    assert last_event(action="backup.restored").details["unreadable_secrets"] == 4
    assert run("idp", "show", "entra").status == 0
    settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, *keys]
    assert restore(path, "--dry-run").json["unreadable_secrets"] == 0
