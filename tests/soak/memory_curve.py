"""`python -m tests.soak.memory_curve`: what one process of one thread holds, after each thousand of sign-ins.

One sign-in after the other, with nothing done to the servers: here growth is seen that a few hundred sign-ins in eight
threads would hide. `make soak` has the other form, with many at once.
"""

import argparse
import sys
from collections.abc import Iterator

from tests.soak.load import Crowd, Load
from tests.soak.memory import megabytes
from tests.soak.stage import Stage, stage

# The first of them imports modules and fills caches; what is held after it is what the rest is compared with.
FIRST = 100
# For one sign-in: far more than any takes.
SECONDS = 5.0


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.memory_curve", description=__doc__)
    parser.add_argument("--sign-ins", type=int, default=6000, help="complete sign-ins in all (6000)")
    parser.add_argument("--every", type=int, default=1000, help="read the memory after so many (1000)")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL and Redis (SQLite)")
    return parser.parse_args()


def curve(made: Stage, sign_ins: int, every: int) -> Iterator[tuple[int, float]]:
    """Let people sign in one after the other; yield how many have, and the megabytes that are held then.

    Raises:
        SystemExit: a sign-in was not complete.
    """
    done = 0
    for until in sorted({min(FIRST, sign_ins), *range(every, sign_ins, every), sign_ins}):
        load = Load(made.port, made.provider_port, made.ports, 1 + done, until - done, 1, SECONDS * (until - done))
        result = Crowd(load, lambda count: None).run()
        if result.problems or result.refused:
            sys.exit(f"Not every sign-in was complete: {result.problems[:3] or result.codes}")
        done = until
        (held,) = megabytes(made).values()
        yield done, held


def main() -> None:
    """Print a line for each step."""
    asked = arguments()
    people = asked.sign_ins + 1
    with stage(on_postgresql=asked.postgresql, instances=1, processes=1, threads=1, people=people) as made:
        for done, held in curve(made, asked.sign_ins, asked.every):
            print(f"{done:6} sign-ins {held:7.1f} MB", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
