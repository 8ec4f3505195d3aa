"""How much more two processes do than one: sign-ins, portal home and the list of users, and what keeps them from more.

`python -m bench.processes`, or at the end of `make bench`. DATABASE_URL of a PostgreSQL server, or SQLite.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bench.contestants import Contestant
from bench.load import Job
from bench.measuring import percentile, say
from bench.meters import Readings
from bench.process_load import KINDS
from bench.reporting import table
from bench.running import ROOT, Failed, clean_environment, in_own_process
from bench.stage import Stage, stage

COUNTS = (1, 2)
CONCURRENCY = 16
THREADS = 8
PEOPLE = 1_000
# A core that is so busy has no room: between two requests every process has to wait for its next one.
FULL = 0.85


def limit(found: Readings, processes: int) -> str:
    """Return in words what kept more from being done."""
    if found.idle < (1 - FULL) * found.cores:
        parts = {"processes": found.server, "PostgreSQL": found.database, "browsers": found.browsers}
        parts |= {"provider": found.provider, "others": found.others}
        shares = ", ".join(f"{name} {share:.1f}" for name, share in parts.items() if share >= 0.05)
        return f"all {found.cores:g} cores: {shares}"
    if found.server >= FULL * processes:
        return "a core for each process" if processes > 1 else "one core: the process's"
    if found.waiting is not None and found.waiting >= 1:
        return f"the database: {found.waiting:.1f} wait for it"
    return f"none of ours is full ({found.idle:.1f} cores idle)"


def report(database_url: str, *, rounds: int = 3, seconds: float = 5) -> str:
    """Measure everything, and return the table."""
    with stage(database_url, "own-ca.pem", ()) as where:
        say("processes: preparing")
        made = where.add("gatehouse", "http", "oidc")
        _fill(made)
        samples: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for number in range(rounds):
            for count in COUNTS:
                server = made.serve(count, THREADS)
                for kind in KINDS:
                    say(f"round {number + 1} of {rounds}: {kind}, processes: {count}")
                    samples.setdefault((kind, count), []).append(_turn(where, made, kind, seconds))
                server.stop()
    rows = [_row(kind, count, samples[kind, count]) for kind in KINDS for count in COUNTS]
    database = "PostgreSQL" if database_url else "SQLite"
    title = f"{CONCURRENCY} at once on {database}, {PEOPLE:,} people, medians of {rounds} rounds of {seconds:g} s"
    heads = ("", "processes", "per second", "requests/s", "p50 ms", "p95 ms", "server", "database", "idle", "waiting")
    return f"{title}; server, database and idle in cores\n\n{table((*heads, 'limit'), rows)}"


def _fill(made: Contestant) -> None:
    command = [sys.executable, "-m", "bench.people_fill", str(PEOPLE), "1"]
    done = subprocess.run(command, env=made.environment, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise Failed(f"no people were added:\n{done.stderr[-4000:]}")


def _turn(where: Stage, made: Contestant, kind: str, seconds: float) -> dict[str, Any]:
    assert made.server is not None and where.provider is not None  # noqa: S101  (for the type checker)
    load = Job(
        origin=made.origin,
        start=made.start,
        provider_origin=made.place.origin,
        ca_file="",
        concurrency=CONCURRENCY,
        sign_ins=0,
        seconds=seconds,
        server_pid=made.server.process.pid,
        reset="",
    )
    url = made.environment["DATABASE_URL"] if where.database_url else ""
    job = {"kind": kind, "load": asdict(load), "provider_pid": where.provider.process.pid, "database_url": url}
    result = in_own_process("bench.process_load", job, clean_environment())
    if result["failure"] or not result["visits"]:
        raise Failed(f"{kind}: {result['failure'] or 'none was complete in time'}\n{made.server.log_tail()}")
    return result


def _row(kind: str, count: int, results: list[dict[str, Any]]) -> tuple[str, ...]:
    def median(figure: Any) -> float:
        return float(statistics.median(figure(result) for result in results))

    rate = median(lambda result: len(result["visits"]) / result["elapsed"])
    times = [1000 * median(lambda result, share=share: percentile(result["visits"], share)) for share in (0.5, 0.95)]
    found = Readings(**_medians([result["readings"] for result in results]))
    waiting = "-" if found.waiting is None else f"{found.waiting:.1f}"
    shares = [f"{share:.2f}" for share in (found.server, found.database, found.idle)]
    numbers = [f"{value:.1f}" for value in (rate, KINDS[kind] * rate, *times)]
    return (kind, str(count), *numbers, *shares, waiting, limit(found, count))


def _medians(readings: list[dict[str, Any]]) -> dict[str, Any]:
    def values(name: str) -> Iterator[float]:
        return (reading[name] for reading in readings if reading[name] is not None)

    found: dict[str, Any] = {name: statistics.median(list(values(name)) or [0.0]) for name in readings[0]}
    if all(reading["waiting"] is None for reading in readings):
        found["waiting"] = None
    return found


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.processes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--seconds", type=float, default=5, help="length of one measurement (5)")
    options = parser.parse_args()
    try:
        print(report(os.environ.get("DATABASE_URL", ""), rounds=options.rounds, seconds=options.seconds))  # noqa: T201
    except Failed as error:
        print(f"The benchmark broke. {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
