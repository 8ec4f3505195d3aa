"""`make bench`: measure, print, and leave nothing behind. `--profile` shows where Gatehouse's CPU time goes instead."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench.contestants import SERVED, Contestant
from bench.measuring import SCHEMES, Plan, Samples, measure, say
from bench.people_lists import people_report
from bench.phases import PHASES
from bench.processes import report as processes_report
from bench.reporting import report, table
from bench.running import Failed, in_own_process
from bench.stage import Stage, stage

EVERYONE = (*SERVED, "irreducible")


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of every contestant (3)")
    parser.add_argument("--sign-ins", type=int, default=120, help="sign-ins in one turn, at most (120)")
    parser.add_argument("--seconds", type=float, default=1.8, help="length of one turn, at most (1.8)")
    parser.add_argument("--minutes", type=float, default=5, help="no further round begins that would end later (5)")
    parser.add_argument("--workers", type=int, default=1, help="processes of each server (1)")
    parser.add_argument("--threads", type=int, default=8, help="threads of each process (8)")
    parser.add_argument("--only", nargs="+", choices=EVERYONE, default=EVERYONE, help="these contestants only")
    parser.add_argument("--scheme", nargs="+", choices=SCHEMES, default=SCHEMES, help="how the provider is reached")
    parser.add_argument("--kind", choices=("oidc", "entra"), default="oidc", help="the provider's kind at Gatehouse")
    parser.add_argument(
        "--bundle",
        choices=("public", "own"),
        default="public",
        help="trust the public authorities too, or only our own",
    )
    keeps = "who keeps database connections as Gatehouse does; the others have Django's default (minimal)"
    parser.add_argument("--persistent", nargs="*", choices=("stock", "minimal"), default=("minimal",), help=keeps)
    parser.add_argument("--json", type=Path, help="write every sample to this file too")
    parser.add_argument("--profile", action="store_true", help="profile instead: those of --only (gatehouse, minimal)")
    parser.add_argument("--statements", action="store_true", help="list a sign-in's SQL instead, of the same ones")
    people = "the list of people is measured with a thousand and with so many (1000000); 0 leaves it out"
    parser.add_argument("--people", type=int, default=1_000_000, help=people)
    parser.add_argument("--people-only", action="store_true", help="the list of people, and no sign-ins")
    processes = "what two processes do more than one, and nothing else; without --only it comes after the sign-ins"
    parser.add_argument("--processes-only", action="store_true", help=processes)
    parser.add_argument("--lines", type=int, default=40, help="lines of each profile (40)")
    return parser.parse_args()


def job_for(made: Contestant, **more: Any) -> dict[str, Any]:
    """Return what a contestant in a process of the benchmark's has to know."""
    place = made.place
    # Browsers trust the benchmark's own authority only; the contestant has its bundle from the environment.
    own_ca = str(place.directory / "own-ca.pem")
    return {"origin": made.origin, "start": made.start, "provider_origin": place.origin, "ca_file": own_ca, **more}


def count_statements(where: Stage, plan: Plan) -> dict[str, dict[str, Any]]:
    """Return what one warm sign-in of each served contestant does to its database."""
    return {
        made.name: in_own_process("bench.counting", job_for(made), made.environment)
        for made in where.contestants
        if made.name in SERVED and made.place.scheme == plan.schemes[0]
    }


def list_statements(where: Stage, options: argparse.Namespace) -> str:
    """Return every statement of one warm sign-in, for the contestants that were asked for."""
    parts = []
    for name in chosen(options):
        made = where.add(name, options.scheme[0], options.kind)
        found = in_own_process("bench.counting", job_for(made), made.environment)
        for phase in PHASES:
            parts.append(f"\n{name}, {phase}: {found[phase]['queries']} queries\n")
            parts += [f"  {shortened(statement)}" for statement in found[phase]["statements"]]
    return "\n".join(parts)


def shortened(statement: str) -> str:
    """Return both ends of a statement."""
    return statement if len(statement) <= 180 else f"{statement[:90]} ... {statement[-85:]}"


def chosen(options: argparse.Namespace) -> tuple[str, ...]:
    """Return whom the modes that look inside look at."""
    return tuple(options.only) if options.only != EVERYONE else ("gatehouse", "minimal")


def profile(where: Stage, options: argparse.Namespace) -> str:
    """Return CPU times and profiles of the contestants that were asked for."""
    parts, rows = [], []
    for name in chosen(options):
        say(f"profiling {name}")
        made = where.add(name, options.scheme[0], options.kind)
        found = in_own_process(
            "bench.profiling", job_for(made, sign_ins=options.sign_ins, lines=options.lines), made.environment
        )
        times = [found["cpu_ms"][phase] for phase in PHASES]
        rows.append((name, *(f"{value:.2f}" for value in (*times, sum(times)))))
        for phase, by_order in found["profiles"].items():
            parts += [f"{name}, {phase}:\n\n{text}" for text in by_order.values()]
    return "\n\n".join([*parts, table(("CPU ms in process", *PHASES, "together"), rows)])


def write_samples(path: Path, plan: Plan, samples: Samples, counted: dict[str, dict[str, Any]]) -> None:
    """Write everything that was measured as JSON."""
    rows = [
        {"contestant": name, **asdict(setting), "samples": [asdict(sample) for sample in found]}
        for (name, setting), found in samples.by_key.items()
    ]
    path.write_text(json.dumps({"plan": asdict(plan), "measured": rows, "statements": counted}, indent=1))


def printed(measure_all: Callable[[], str]) -> int:
    """Measure something, print it, and return the exit status."""
    try:
        print(measure_all())  # noqa: T201
    except Failed as error:
        print(f"The benchmark broke. {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def main() -> int:
    """Run the benchmark and return the exit status: 0 whatever the figures are, 1 where something broke."""
    options = arguments()
    plan = Plan(
        rounds=options.rounds,
        sign_ins=options.sign_ins,
        seconds=options.seconds,
        workers=options.workers,
        threads=options.threads,
        kind=options.kind,
        only=tuple(options.only),
        minutes=options.minutes,
        schemes=tuple(options.scheme),
    )
    begun = time.monotonic()
    database_url = os.environ.get("DATABASE_URL", "")
    if options.processes_only:
        return printed(partial(processes_report, database_url))
    if options.people_only:
        return printed(partial(people_report, database_url, options.people))
    bundle = "bundle.pem" if options.bundle == "public" else "own-ca.pem"
    try:
        with stage(database_url, bundle, tuple(options.persistent)) as where:
            if options.profile or options.statements:
                look = profile if options.profile else list_statements
                print(look(where, options))  # noqa: T201
                return 0
            samples = measure(where, plan)
            counted = count_statements(where, plan)
    except Failed as error:
        print(f"The benchmark broke. {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)  # noqa: T201
        return 130
    print(report(plan, samples, counted))  # noqa: T201
    if options.json:
        write_samples(options.json, plan, samples, counted)
    if options.only == EVERYONE:
        status = printed(partial(processes_report, database_url))
        if status or not options.people:
            return status
        return printed(partial(people_report, database_url, options.people))
    say(f"done in {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
