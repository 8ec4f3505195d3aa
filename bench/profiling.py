"""Where a contestant's CPU time goes: `python -m bench.profiling` with a job as JSON on standard input.

First plain sign-ins, for honest CPU times of each request without a server; then as many again under cProfile.
"""

import cProfile
import io
import json
import pstats
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.in_process import InProcess
from bench.people import PEOPLE
from bench.phases import PHASES

WARM_UP = 2 * len(PEOPLE)


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Return CPU milliseconds of each phase, and its profile as text."""
    browsers = InProcess(job["origin"], job["start"], job["provider_origin"], job["ca_file"])
    for _ in range(WARM_UP):
        browsers.sign_in()
    spent = dict.fromkeys(PHASES, 0.0)

    @contextmanager
    def timed(phase: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        spent[phase] += time.process_time() - begun

    for _ in range(job["sign_ins"]):
        browsers.sign_in(timed)
    profiles = {phase: cProfile.Profile() for phase in PHASES}

    @contextmanager
    def profiled(phase: str) -> Iterator[None]:
        profiles[phase].enable()
        yield
        profiles[phase].disable()

    for _ in range(job["sign_ins"]):
        browsers.sign_in(profiled)
    return {
        "cpu_ms": {phase: 1000 * seconds / job["sign_ins"] for phase, seconds in spent.items()},
        "profiles": {
            phase: {order: _lines(profile, order, job["lines"]) for order in ("cumulative", "tottime")}
            for phase, profile in profiles.items()
        },
    }


def _lines(profile: cProfile.Profile, order: str, count: int) -> str:
    text = io.StringIO()
    pstats.Stats(profile, stream=text).sort_stats(order).print_stats(count)
    lines = text.getvalue().replace(f"{sys.prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/", "")
    return lines.replace("site-packages/", "").strip()


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
