"""`make soak`: complete sign-ins while servers are killed, stopped and restarted, and a table of what came of it."""

import argparse
import signal
import sys

from bench.measuring import percentile
from bench.reporting import table
from bench.running import Failed
from tests.soak.soak import Plan, Report, soak


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--sign-ins", type=int, default=500, help="complete sign-ins in each phase (500)")
    parser.add_argument("--concurrency", type=int, default=32, help="browsers at once (32)")
    parser.add_argument("--minutes", type=float, default=5, help="no sign-in of a phase begins later (5)")
    parser.add_argument("--processes", type=int, default=2, help="of each of the two instances (2)")
    only = "two instances on PostgreSQL and Redis, or one instance of four processes on SQLite (both)"
    parser.add_argument("--only", choices=("postgresql", "sqlite"), help=only)
    return parser.parse_args()


def described(report: Report) -> str:
    """Return the figures as a table."""
    plan, rows = report.plan, []
    for (phase, result), memory in zip(report.phases, report.memory, strict=True):
        seconds = result.seconds or [0.0]
        codes = ", ".join(f"{code} {count}" for code, count in sorted(result.codes.items()))
        held = f"{min(memory.values()):.0f} to {max(memory.values()):.0f}" if memory else "-"
        times = [f"{percentile(seconds, share):.2f}" for share in (0.5, 0.95, 1.0)]
        rate = len(result.seconds) / result.elapsed if result.elapsed else 0.0
        counts = [str(number) for number in (len(result.seconds), result.retries, result.replays, result.elsewhere)]
        rows.append((phase.name, *counts, f"{rate:.1f}", *times, held, codes or "none"))
    heads = (
        "phase",
        "sign-ins",
        "retries",
        "replays",
        "elsewhere",
        "per s",
        "p50 s",
        "p95 s",
        "longest",
        "MB",
        "pages",
    )
    servers = "two instances on PostgreSQL and Redis" if plan.on_postgresql else "one instance on SQLite"
    title = f"{servers}, processes of each: {plan.processes}, {plan.concurrency} at once"
    verdict = "\n".join(f"WRONG: {problem}" for problem in report.problems) or "Nothing half-done, nothing missing."
    return f"{title}\n\n{table(heads, rows)}\n\n{verdict}\n{report.logs}"


def main() -> int:
    """Soak, print, and return the exit status: 1 where anything was wrong."""
    options = arguments()
    wrong = False
    for name in (options.only,) if options.only else ("postgresql", "sqlite"):
        on_postgresql = name == "postgresql"
        processes = options.processes if on_postgresql else 4
        plan = Plan(on_postgresql, options.sign_ins, options.concurrency, processes, 60 * options.minutes)
        try:
            report = soak(plan)
        except Failed as error:
            print(f"The soak could not go on. {error}", file=sys.stderr)  # noqa: T201
            return 1
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)  # noqa: T201
            return 130
        print(described(report), flush=True)  # noqa: T201
        wrong = wrong or bool(report.problems)
    return int(wrong)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
