"""`manage.py users import` and `export`."""

import csv
import io
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db.models.signals import post_save
from django.utils import timezone

from tests.commands.running import in_shell, run
from tests.factories import make_person
from users import import_steps, import_store, people_csv
from users.management.people_files import ProgressBar
from users.models import AuditEvent, PeopleImport, State, User, imports

pytestmark = pytest.mark.django_db
GOOD = "email;first name;state\nada@contoso.example;Ada;active\ngrace@contoso.example;Grace;\n"
BAD = f"{GOOD}nobody;Nobody;\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_file_is_imported_and_leaves_nothing_behind(file: Path) -> None:
    ran = run("users", "import", str(file), "--json")
    assert ran.status == 0
    assert ran.json == {
        "rows": 2, "added": 2, "updated": 0, "unchanged": 0, "problems": 0, "sessions_ended": 0,
        "columns_ignored": [], "dry_run": False, "problem_rows": [],
    }  # fmt: skip
    assert User.objects.get(given_name="Ada").state == State.ACTIVE
    assert not PeopleImport.objects.exists()


def test_a_dry_run_changes_nothing(file: Path) -> None:
    ran = run("users", "import", str(file), "--dry-run")
    assert (ran.status, ran.err) == (0, "")
    assert "added            2" in ran.out
    assert not User.objects.exists()
    assert not PeopleImport.objects.exists()


def test_all_or_nothing_prints_the_problems_and_ends_with_their_status(file: Path) -> None:
    file.write_text(BAD)
    ran = run("users", "import", str(file))
    assert ran.status == 3
    assert "line 4: nobody: This is not a company email address." in ran.err
    assert "[users.import_has_problems]" in ran.err
    assert not User.objects.exists()
    assert run("users", "import", str(file), "--dry-run").status == 3


def test_the_good_ones(file: Path) -> None:
    file.write_text(BAD)
    ran = run("users", "import", str(file), "--good-ones", "--json")
    assert ran.status == 0
    assert (ran.json["added"], ran.json["problems"]) == (2, 1)
    assert ran.json["problem_rows"][0]["line"] == 4
    assert ran.json["problem_rows"][0]["code"] == "users.email_invalid"


def test_a_machine_reads_the_refusal(file: Path) -> None:
    file.write_text(BAD)
    ran = run("users", "import", str(file), "--json")
    assert ran.error["code"] == "users.import_has_problems"
    assert ran.json["problems"] == 1


def test_standard_input() -> None:
    assert run("users", "import", "-", stdin=GOOD).status == 0
    assert User.objects.count() == 2


def test_what_cannot_be_read(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run("users", "import", str(tmp_path / "missing.csv"), "--json")
    assert (ran.status, ran.error["code"]) == (4, "users.import_file_unreadable")
    assert run("users", "import", str(tmp_path), "--json").error["code"] == "users.import_file_unreadable"
    file.write_bytes(GOOD.encode("utf-16"))
    assert run("users", "import", str(file), "--json").error["code"] == "users.import_encoding_wrong"
    monkeypatch.setattr("users.management.people_files.MAX_BYTES", 5)
    monkeypatch.setattr(people_csv, "MAX_BYTES", 5)
    for source in (str(file), "-"):
        assert run("users", "import", source, "--json", stdin=GOOD).error["code"] == "users.import_file_too_large"


class Terminal(io.StringIO):
    """A screen that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_it_is() -> None:
    screen, file = Terminal(), io.StringIO()
    for stream in (screen, file):
        bar = ProgressBar(stream, 2000, "Importing")
        bar.show(1000)
        bar.show(2000)
        bar.end()
    assert "\rImporting [###############...............] 1,000 of 2,000 rows" in screen.getvalue()
    assert screen.getvalue().endswith("/s \n")
    assert file.getvalue() == ""


def test_an_export_is_imported_as_nothing_changed(tmp_path: Path) -> None:
    make_person("ada@contoso.example", display_name="=Ada")
    make_person("grace@contoso.example", state=State.SUSPENDED)
    target = tmp_path / "out.csv"
    assert run("users", "export", "--output", str(target)).status == 0
    assert target.stat().st_mode & 0o077 == 0
    assert run("users", "import", str(target), "--json").json["unchanged"] == 2
    printed = run("users", "export", "--state", "suspended")
    rows = list(csv.reader(io.StringIO(printed.out.removeprefix("\ufeff"))))
    assert [row[0] for row in rows] == ["company_email", "grace@contoso.example"]
    assert run("users", "export", "--output", str(tmp_path), "--json").error["code"] == "users.file_not_written"


@pytest.mark.django_db(transaction=True)
def test_bytes_come_through_a_pipe() -> None:
    done = in_shell("users", "import", "-", "--json", stdin="\ufeffemail,name\r\nzoe@contoso.example,Zoë\r\n".encode())
    assert done.status == 0, done.err
    assert User.objects.get().display_name == "Zoë"
    refused = in_shell("users", "import", "-", "--json", stdin="email,name\nz@contoso.example,Zoë\n".encode("latin-1"))
    assert refused.error["code"] == "users.import_encoding_wrong"


# --- broken off -------------------------------------------------------------------------------------------------------

FIVE = "email,state\n" + "".join(f"p{number}@contoso.example,active\n" for number in range(5))
Moment = Callable[[PeopleImport], bool]


@pytest.fixture
def in_chunks(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of five people that is written two at a time."""
    for module in (imports, import_store, import_steps):
        monkeypatch.setattr(module, "ROWS_IN_CHUNK", 2)
    monkeypatch.setattr(import_steps, "ROWS_AT_ONCE", 1)
    file.write_text(FIVE)
    return file


@contextmanager
def interrupted(number: signal.Signals, *moments: Moment) -> Iterator[None]:
    """Send a signal to this process at each moment that the import comes to, one after the other."""
    left = list(moments)

    def look(instance: PeopleImport, **details: Any) -> None:
        if left and left[0](instance):
            left.pop(0)
            signal.raise_signal(number)

    post_save.connect(look, sender=PeopleImport)
    try:
        yield
    finally:
        post_save.disconnect(look, sender=PeopleImport)
    assert not left


def at(status: str, chunk: int = 0) -> Moment:
    return lambda found: found.status == status and found.next_chunk == chunk


def keep_house_later() -> dict[str, int]:
    """Keep house two hours later, and return what became of imports."""
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        tasks = {task["task"]: task["counts"] for task in run("housekeeping", "--json").json["tasks"]}
    return dict(tasks["people imports"])


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", [at("checking", 1), at("verify"), at("writing")])
def test_an_import_that_is_aborted_before_it_writes_is_never_carried_out(
    in_chunks: Path, number: signal.Signals, status: int, moment: Moment
) -> None:
    with interrupted(number, moment):
        ran = run("users", "import", str(in_chunks))
    assert (ran.status, ran.out) == (status, "")
    assert ran.err == "Aborted: nothing is imported, and the file is forgotten.\n"
    assert not PeopleImport.objects.exists()
    assert keep_house_later() == {"finished": 0, "removed": 0}
    assert not User.objects.exists()
    assert AuditEvent.objects.get(action="users.people_import.aborted").details["how"] == "forgotten"


def test_all_or_nothing_that_is_aborted_while_it_writes_is_undone(in_chunks: Path) -> None:
    with interrupted(signal.SIGINT, at("writing", 2)):
        ran = run("users", "import", str(in_chunks), "--json")
    assert (ran.status, ran.json) == (130, {"aborted": "undone", "added": 0, "updated": 0})
    assert "what was written is undone" in ran.err
    assert AuditEvent.objects.filter(action="users.person.added").count() == 4
    assert not User.objects.exists()
    assert not PeopleImport.objects.exists()


def test_what_is_aborted_while_it_is_undone_is_undone_by_housekeeping(in_chunks: Path) -> None:
    with interrupted(signal.SIGINT, at("writing", 2), at("undoing", 1)):
        ran = run("users", "import", str(in_chunks))
    assert ran.status == 130
    assert "`manage.py housekeeping` undoes the rest" in ran.err
    assert User.objects.exists()
    assert keep_house_later()["finished"] == 1
    assert not User.objects.exists()


def test_the_good_ones_stop_where_they_are_aborted(in_chunks: Path) -> None:
    with interrupted(signal.SIGINT, at("writing", 1)):
        ran = run("users", "import", str(in_chunks), "--good-ones")
    assert ran.status == 130
    assert "2 people were added and 0 changed; the rest of the file is left out." in ran.err
    assert keep_house_later() == {"finished": 0, "removed": 0}
    assert User.objects.count() == 2


def test_an_interruption_that_comes_too_late_says_so(in_chunks: Path) -> None:
    with interrupted(signal.SIGINT, at("done", 3)):
        ran = run("users", "import", str(in_chunks), "--json")
    assert (ran.status, ran.json) == (130, {"aborted": "complete", "added": 5, "updated": 0})
    assert User.objects.count() == 5
