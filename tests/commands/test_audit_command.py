"""`manage.py audit`: listing, exporting and following the log."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import IO

import pytest
from django.db import connection
from django.utils import timezone

from tests.browsing import last_event
from tests.commands.running import ROOT, database_url, in_shell, run
from tests.factories import OPERATOR, make_administrator, make_person
from tests.users.support import as_person
from users.audit import Actor, record, record_refusal
from users.errors import SignInFailed
from users.models import AuditEvent

pytestmark = pytest.mark.django_db

MEMBERS = {
    "id",
    "at",
    "action",
    "outcome",
    "code",
    "actor",
    "actor_id",
    "target_type",
    "target_id",
    "target",
    "client_ip",
    "reference",
    "occurrences",
    "last_at",
    "details",
}


def test_it_lists_rows_newest_first_as_json() -> None:
    ada = make_person("ada@contoso.example", display_name="Ada")
    run("users", "suspend", "ada@contoso.example")
    rows = run("audit", "list", "--json").json
    assert [row["action"] for row in rows] == ["users.person.suspended", "users.person.added"]
    assert all(set(row) == MEMBERS for row in rows)
    assert (rows[0]["target_id"], rows[0]["target"], rows[0]["outcome"]) == (str(ada.pk), "Ada", "success")
    assert rows[0]["details"] == {"from": "active", "sessions_ended": 0}


def test_it_filters_by_action_person_and_reference() -> None:
    make_person("ada@contoso.example")
    make_person("grace@contoso.example")
    reference = run("users", "add", "x", "--json").error["reference"]

    def found(*arguments: str) -> int:
        return len(run("audit", "list", "--json", *arguments).json)

    assert (found(), found("--action", "users"), found("--action", "idp")) == (3, 3, 0)
    assert (found("--person", "ADA@contoso.example"), found("--reference", reference.lower())) == (1, 1)


def test_it_pages_by_id() -> None:
    for _ in range(3):
        make_person()
    first = run("audit", "list", "--limit", "2", "--json").json
    rest = run("audit", "list", "--before", str(first[-1]["id"]), "--json").json
    assert [row["id"] for row in first + rest] == sorted(AuditEvent.objects.values_list("pk", flat=True), reverse=True)
    assert len(run("audit", "list", "--before", "9" * 30, "--json").json) == 3


def test_its_table_says_when_nothing_fits() -> None:
    assert run("audit", "list").out.strip() == "No audit rows fit."
    make_person()
    heading, row = run("audit", "list").out.strip().splitlines()
    assert heading.startswith("AT") and "users.person.added" in row
    assert run("audit").status != 0


def test_a_reference_prints_its_rows_in_full() -> None:
    make_person("ada@contoso.example")
    reference = run("users", "add", "ada@contoso.example", "--json").error["reference"]
    shown = run("audit", "list", "--reference", reference).out
    lines = dict(line.split(maxsplit=1) for line in shown.strip().splitlines())
    assert (lines["code"], lines["reference"], lines["outcome"]) == ("users.email_taken", reference, "refused")
    details = run("audit", "list", "--reference", reference, "--json").json[0]["details"]
    assert {name for name in lines if name.startswith("details.")} == {f"details.{name}" for name in details}
    assert run("audit", "list", "--reference", "XXXX").out.strip() == "No audit rows fit."


# --- the filters of the page -----------------------------------------------------------------------------------------


def listed(*arguments: str) -> list[str]:
    return [row["action"] for row in run("audit", "list", "--json", *arguments).json]


def test_it_has_the_filters_of_the_page() -> None:
    boss = make_administrator()
    record("bosses.act", actor=as_person(boss, client_ip="198.51.100.7"))
    visitor = Actor(person=None, label="visitor", client_ip="203.0.113.9")
    record_refusal("refused.act", actor=visitor, error=SignInFailed())
    old = timezone.now() - timedelta(days=3)
    AuditEvent.objects.create(action="old.act", outcome="success", actor_label="x", at=old)
    assert listed("--outcome", "refused") == listed("--code", "portal.sign_in_failed") == ["refused.act"]
    assert listed("--actor", boss.company_email) == listed("--address", "198.51.100.0/24") == ["bosses.act"]
    assert listed("--address", "203.0.113.9") == ["refused.act"]
    assert listed("--until", "24h") == ["old.act"] and "old.act" not in listed("--since", "2d")
    assert listed("--since", f"{old - timedelta(hours=1):%Y-%m-%dT%H:%M}", "--until", f"{old:%Y-%m-%d}T23:59:59.9Z")
    assert listed("--action", "bosses", "--outcome", "refused") == []


@pytest.mark.parametrize(
    "further",
    [
        ("--since", "yesterday"),
        ("--since", "9999999999d"),
        ("--until", "2026-13-01"),
        ("--outcome", "maybe"),
        ("--address", "nowhere"),
        ("--address", "1.2.3.4/99"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_a_wrong_call(further: tuple[str, str]) -> None:
    ran = run("audit", "list", *further)
    assert (ran.status, ran.out) == (2, "") and further[1] in ran.err


# --- export ----------------------------------------------------------------------------------------------------------


def test_it_exports_to_standard_output() -> None:
    make_person("ada@contoso.example", display_name="=Ada")
    ran = run("audit", "export")
    heading, row = csv.reader(io.StringIO(ran.out, newline=""))
    assert (ran.status, ran.err, heading[0]) == (0, "", "id") and "'=Ada" in row
    (line,) = run("audit", "export", "--format", "jsonl", "--action", "users").out.splitlines()
    assert json.loads(line)["target"] == "=Ada"
    noted = last_event(action="audit.exported")
    assert noted.details == {"format": "jsonl", "filter": {"action": "users"}}
    assert noted.actor_label.startswith("operator (")


def test_it_exports_to_a_file_of_its_own(tmp_path: Path) -> None:
    make_person()
    path = tmp_path / "log.jsonl"
    ran = run("audit", "export", "--format", "jsonl", "--output", str(path), "--json")
    assert ran.json == {"file": str(path), "rows": 1}
    assert path.stat().st_mode & 0o777 == 0o600 and len(path.read_text().splitlines()) == 1
    refused = run("audit", "export", "--output", str(tmp_path / "none" / "log.csv"), "--json")
    assert (refused.status, refused.error["code"]) == (2, "users.file_not_written")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("command", ["audit", "users"])
@pytest.mark.parametrize("people", [1, 400])
def test_a_full_disk_is_said_in_our_own_words(command: str, people: int) -> None:
    for number in range(people):
        make_person(f"person-{number}@contoso.example", display_name="x" * 150)
    ran = in_shell(command, "export", "--output", "/dev/full", "--json")
    assert (ran.status, ran.error["code"], ran.out) == (2, "users.file_not_written", "")
    assert "/dev/full cannot be written: No space left on device." in ran.error["message"]
    for subcommand in ("export", "list"):
        with open("/dev/full", "w") as full, started(command, subcommand, "--json", stdout=full) as process:
            assert process.wait(timeout=60) == 2 and process.stderr
            said = process.stderr.read()
        assert json.loads(said)["error"]["message"] == "Standard output cannot be written: No space left on device."


@contextmanager
def started(*arguments: str, stdout: int | IO[str] = subprocess.PIPE) -> Iterator["subprocess.Popen[str]"]:
    """Start a command in a process of its own, and end it at last."""
    process = subprocess.Popen(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url(), "PYTHONUNBUFFERED": "1"},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=20)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_has_enough_ends_an_export_quietly() -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(action="a.b", outcome="success", actor_label="x", details={"filler": "x" * 400}) for _ in range(3000)
    )
    with started("audit", "export", "--format", "jsonl") as process:
        assert process.stdout and process.stderr
        assert json.loads(process.stdout.readline())["action"] == "a.b"
        process.stdout.close()
        assert (process.wait(timeout=30), process.stderr.read()) == (0, "")


# --- following -------------------------------------------------------------------------------------------------------


def first_line(process: "subprocess.Popen[str]") -> str:
    """Write rows until the command, which takes a moment to start, prints the first that it has seen come."""
    assert process.stdout
    printed = Event()

    def write_on() -> None:
        number = 0
        while not printed.wait(0.1) and number < 600:
            number += 1
            record(f"follow.n{number}", actor=OPERATOR)
        connection.close()

    writer = Thread(target=write_on)
    writer.start()
    line = process.stdout.readline()
    printed.set()
    writer.join()
    return line


@pytest.mark.django_db(transaction=True)
def test_it_follows_until_ctrl_c() -> None:
    record("follow.old", actor=OPERATOR)
    with started("audit", "follow", "--json", "--interval", "0.05", "--action", "follow") as process:
        assert process.stdout and process.stderr
        first = json.loads(first_line(process))["action"]
        record("other.action", actor=OPERATOR), record("follow.last", actor=OPERATOR)
        seen = [first]
        while seen[-1] != "follow.last":
            seen.append(json.loads(process.stdout.readline())["action"])
        process.send_signal(signal.SIGINT)
        assert (process.wait(timeout=20), process.stderr.read()) == (0, "")
    assert "follow.old" not in seen and "other.action" not in seen
    since = AuditEvent.objects.get(action=first).pk
    written = AuditEvent.objects.filter(action__startswith="follow.", pk__gte=since).order_by("pk")
    assert seen == list(written.values_list("action", flat=True))


@pytest.mark.django_db(transaction=True)
def test_it_ends_when_nobody_reads_any_more() -> None:
    with started("audit", "follow", "--interval", "0.05") as process:
        assert process.stdout and process.stderr
        assert "follow.n" in first_line(process)
        process.stdout.close()  # nothing is written any more
        assert (process.wait(timeout=30), process.stderr.read()) == (0, "")


@pytest.mark.parametrize("interval", ["0", "-1", "soon", "1e9", "nan"])
def test_an_interval_must_make_sense(interval: str) -> None:
    assert run("audit", "follow", f"--interval={interval}").status == 2


@pytest.mark.django_db(transaction=True)
def test_a_shell_may_export_as_well() -> None:
    make_person("ada@contoso.example")
    assert in_shell("audit", "export", "--format", "jsonl").json["action"] == "users.person.added"
