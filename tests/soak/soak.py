"""One soak: the phases one after the other, and the verdict."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.running import in_own_process
from tests.soak.load import Crowd, Load, Result
from tests.soak.memory import megabytes
from tests.soak.phases import FOUR_PROCESSES, TWO_INSTANCES, Phase
from tests.soak.stage import Stage, stage

# What a process may hold more at the end than after the first phase, in which it has done everything once.
GROWTH = 24.0


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Attributes:
        on_postgresql: two instances, with Redis; else one instance on SQLite.
        processes: of each instance.
        seconds: for one phase, at most.
    """

    on_postgresql: bool
    sign_ins: int
    concurrency: int
    processes: int
    seconds: float

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What is done to the servers."""
        return TWO_INSTANCES if self.on_postgresql else FOUR_PROCESSES


@dataclass
class Report:
    """What came of it: a result and the memory of each process for every phase, and everything that was wrong."""

    plan: Plan
    phases: list[tuple[Phase, Result]] = field(default_factory=list)
    memory: list[dict[int, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    logs: str = ""


def soak(plan: Plan) -> Report:
    """Do all of it, and return what came of it."""
    report = Report(plan)
    each = (plan.sign_ins + 1) // 2
    with stage(
        on_postgresql=plan.on_postgresql,
        instances=2 if plan.on_postgresql else 1,
        processes=plan.processes,
        people=each * len(plan.phases),
    ) as made:
        for number, phase in enumerate(plan.phases):
            result = _run(made, plan, phase, first=1 + number * each)
            report.phases.append((phase, result))
            report.memory.append(megabytes(made))
            report.problems += [
                f"{phase.name}: {problem}" for problem in (*result.problems, *_odd(made, phase, result))
            ]
        report.problems += _verdict(made, report) + _growth(report.memory)
        report.logs = made.logs() if report.problems else ""
    return report


def _run(made: Stage, plan: Plan, phase: Phase, *, first: int) -> Result:
    """Let people sign in while this is done to the servers."""
    progress, complete = threading.Condition(), 0

    def after(count: int) -> None:
        nonlocal complete
        with progress:
            complete = max(complete, count)
            progress.notify_all()

    load = Load(
        made.port, made.provider_port, made.ports, first, plan.sign_ins, plan.concurrency, plan.seconds, phase.replays
    )
    crowd = Crowd(load, after)
    runner = threading.Thread(target=crowd.run)
    runner.start()
    ends_at = time.monotonic() + plan.seconds
    for share, act in phase.acts:
        with progress:
            progress.wait_for(lambda: complete >= share * plan.sign_ins, timeout=ends_at - time.monotonic())  # noqa: B023
        act(made)
    runner.join()
    made.tell_provider("work")
    return crowd.result


def _odd(made: Stage, phase: Phase, result: Result) -> Iterator[str]:
    """Return what nobody may see in this phase: other error pages, or in calm a way that leads to one instance only."""
    for code, count in result.codes.items():
        if not code.startswith(phase.pages):
            yield f"{count} times the page {code}"
    if phase.replays and len(made.instances) > 1 and result.elsewhere != result.traced:
        yield f"{result.elsewhere} of {result.traced} sign-ins came back to the other instance"


def _verdict(made: Stage, report: Report) -> list[str]:
    """Return what the database says of what the browsers saw."""
    results = [result for _, result in report.phases]
    seen = {
        "signed_in": [each for result in results for each in result.signed_in],
        "refused": [each for result in results for each in result.refused],
        "people": list(range(1, made.people + 1)),
    }
    return [*in_own_process("tests.soak.verdict", seen, made.environment), *_counted_elsewhere(made)]


def _counted_elsewhere(made: Stage) -> list[str]:
    """Return the instances that did not count into their own folder: they counted into an installation's."""
    return [
        f"{instance.name} counted nothing in its own METRICS_DIR"
        for instance in made.instances
        if not any(Path(instance.environment["METRICS_DIR"]).glob("*"))
    ]


def _growth(memory: list[dict[int, float]]) -> list[str]:
    """Return which processes hold much more at the end than after the first whole phase that they were there for."""
    warm: dict[int, float] = {}
    for before, sample in zip([{}, *memory], memory, strict=False):
        # The first phase of all is whole for everybody.
        warm |= {pid: held for pid, held in sample.items() if pid not in warm and (pid in before or not before)}
    return [
        f"process {pid} grew from {warm[pid]:.1f} to {held:.1f} MB"
        for pid, held in memory[-1].items()
        if pid in warm and held - warm[pid] > GROWTH
    ]
