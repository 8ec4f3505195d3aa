"""`python -m bench.people_import`: how long a large CSV import takes, on DATABASE_URL or a SQLite file of its own.

Three files of the same people one after the other: all new, nothing changed, everybody changed; all or nothing, and
then the same as "the good ones". Meanwhile another thread writes a row every 50 ms: its longest wait is how long
somebody who signs in may have to wait. The database must hold nobody: it is filled, and left full.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management import call_command
from django.db import connection

import bench.own_process  # noqa: F401  (sets Django up, before what follows)
from users.audit import Actor, record
from users.models import ImportMode, ImportStatus, PeopleImport
from users.people_import import advance_import, confirm_import, upload_people


class Waiter:
    """Writes a little again and again, as sign-ins do, and notes how long that took at worst."""

    def __init__(self, write: Callable[[], object]) -> None:
        self.write, self.longest = write, 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Waiter":
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.05):
            begun = time.monotonic()
            self.write()
            self.longest = max(self.longest, time.monotonic() - begun)


def csv_of(people: int, department: str) -> bytes:
    """Return a file with so many people."""
    header = "company_email,user_name,display_name,given_name,family_name,title,department,phone_number,external_id\n"
    lines = [
        f"given{i}.family{i}@contoso.example,given{i}.family{i},Given{i} Family{i},Given{i},Family{i},"
        f"Engineer {i % 50},{department} {i % 100},+44 20 7946 {i % 10000:04d},object-{i}\n"
        for i in range(people)
    ]
    return (header + "".join(lines)).encode()


def measure(people: int) -> Iterator[tuple[str, tuple[float, ...], Any]]:
    """Import the files; yield a label, the seconds to check, to write, of CPU, of the longest wait, and the result."""
    actor = Actor(person=None, label="benchmark", is_operator=True)

    def drive(found: PeopleImport) -> PeopleImport:
        while found.status not in (ImportStatus.CHECKED, ImportStatus.DONE):
            found = advance_import(actor=actor, people_import=found)
        return found

    for mode in ImportMode:
        for label, content in (
            ("all new" if mode == ImportMode.ALL else "changed back", csv_of(people, "Hall")),
            ("unchanged", csv_of(people, "Hall")),
            ("all changed", csv_of(people, "Court")),
        ):
            with Waiter(lambda: record("benchmark.sign_in", actor=actor)) as waiter:
                begun, cpu = time.monotonic(), time.process_time()
                found = drive(upload_people(actor=actor, file_name="people.csv", content=content))
                checked = time.monotonic()
                found = drive(confirm_import(actor=actor, people_import=found, mode=mode))
                done, cpu = time.monotonic(), time.process_time() - cpu
            yield f"{mode.label}, {label}", (checked - begun, done - checked, cpu, waiter.longest), found
            found.delete()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.people_import", description=__doc__)
    parser.add_argument("--people", type=int, default=100_000, help="how many (100000)")
    people = parser.parse_args().people
    call_command("migrate", verbosity=0)
    print(f"{people:,} people on {connection.vendor}")  # noqa: T201
    for label, (checking, writing, cpu, wait), found in measure(people):
        counts = f"{found.added:,} new, {found.updated:,} changed, {found.unchanged:,} unchanged"
        times = f"check {checking:5.1f} s  write {writing:5.1f} s  together {checking + writing:5.1f} s"
        waits = f"CPU {cpu:5.1f} s  longest wait {wait:4.1f} s"
        print(f"{label:32} {times}  {waits}  ({counts})", flush=True)  # noqa: T201
    connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
