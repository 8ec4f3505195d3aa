"""`python -m bench.people_export`: how long a large CSV export takes, and that its memory does not grow with it.

Measured with a tenth of the people first, then with all of them. The database must hold nobody: it is filled, and left
full.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

from django.core.management import call_command
from django.db import connection

import bench.own_process  # noqa: F401  (sets Django up, before what follows)
from bench.running import ROOT
from users.audit import Actor
from users.people_export import export_people
from users.people_list import PeopleFilter

# So often the memory is looked at, in pieces of the file.
EVERY = 20


def memory() -> float:
    """Return how much memory the process holds of its own, in MB: without files that are mapped, as SQLite's is."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    return (resident - shared) * resource.getpagesize() / 1e6


def measure() -> tuple[float, int, float, float]:
    """Export everybody; return the seconds, the bytes, and the memory in MB after the first piece and at its most."""
    actor = Actor(person=None, label="benchmark", is_operator=True)
    begun, size, first, most = time.monotonic(), 0, 0.0, 0.0
    for number, piece in enumerate(export_people(actor=actor, wanted=PeopleFilter())):
        size += len(piece.encode())
        if number % EVERY == 1:
            most = max(most, memory())
            first = first or most
    return time.monotonic() - begun, size, first, most


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.people_export", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000, help="how many (1000000)")
    people = parser.parse_args().people
    call_command("migrate", verbosity=0)
    filled = 0
    for number in (people // 10, people):
        filling = [sys.executable, "-m", "bench.people_fill", str(number - filled), str(filled)]
        subprocess.run(filling, check=True, cwd=ROOT)  # noqa: S603  (our own interpreter and arguments)
        filled = number
        seconds, size, first, most = measure()
        held = f"memory {first:.0f} MB at its beginning, {most:.0f} MB at most"
        print(f"{connection.vendor}: {number:,} people, {size / 1e6:.0f} MB in {seconds:.1f} s, {held}", flush=True)  # noqa: T201
    connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
