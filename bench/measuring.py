"""The measurements: rounds in which every contestant has its turn, so that a busy machine is busy for all of them."""

import math
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.contestants import Contestant
from bench.people import PEOPLE
from bench.running import in_own_process
from bench.stage import Stage

CONCURRENCIES = (1, 16)
SCHEMES = ("http", "https")
LATENCY = 0.020


@dataclass(frozen=True)
class Plan:
    """How much is measured, and of whom."""

    rounds: int
    sign_ins: int
    seconds: float
    workers: int
    threads: int
    kind: str
    only: tuple[str, ...]
    minutes: float
    schemes: tuple[str, ...] = SCHEMES


@dataclass(frozen=True)
class Setting:
    """Under which circumstances something is measured.

    Attributes:
        latency: "none"; "answer", where every upstream answer comes 20 ms later; or "round trip", where the opening of
            a TCP connection and the TLS handshake take their 20 ms as well, as they do on a network.
    """

    scheme: str
    concurrency: int
    latency: str = "none"


@dataclass(frozen=True)
class Sample:
    """What one turn of one contestant showed; times in milliseconds, of one sign-in."""

    rate: float
    cpu: float
    p50: float
    p95: float
    requests: float
    connections: float


@dataclass
class Samples:
    """All samples, and their medians."""

    rounds: int = 0
    by_key: dict[tuple[str, Setting], list[Sample]] = field(default_factory=dict)

    def add(self, name: str, setting: Setting, sample: Sample) -> None:
        """Keep a sample."""
        self.by_key.setdefault((name, setting), []).append(sample)

    def median(self, name: str, setting: Setting, figure: str) -> float | None:
        """Return the median of a figure over the rounds, or None where it was not measured."""
        samples = self.by_key.get((name, setting))
        return statistics.median(getattr(sample, figure) for sample in samples) if samples else None

    def ratio(self, one: str, other: str, setting: Setting, figure: str) -> float | None:
        """Return the median of the rounds' ratios: within a round both had much the same machine."""
        above_all, below_all = self.by_key.get((one, setting), []), self.by_key.get((other, setting), [])
        pairs = zip(above_all, below_all, strict=False)  # one of the two may not take part
        ratios = [getattr(above, figure) / getattr(below, figure) for above, below in pairs if getattr(below, figure)]
        return statistics.median(ratios) if ratios else None


def settings(plan: Plan) -> Iterator[Setting]:
    """Return the circumstances, those without added latency first."""
    for latency in ("none", "round trip", "answer"):
        for scheme in plan.schemes:
            # Sixteen at once are held up by the processor, however the latency comes about.
            for concurrency in CONCURRENCIES if latency != "answer" else CONCURRENCIES[:1]:
                yield Setting(scheme, concurrency, latency)


def takes_part(name: str, setting: Setting) -> bool:
    """Return whether a contestant is measured under these circumstances: five minutes are not enough for all."""
    if setting.latency == "answer":
        return name in {"gatehouse", "stock"}
    return setting.latency == "none" or name != "irreducible"


def set_up(stage: Stage, plan: Plan) -> list[Contestant]:
    """Prepare, serve and warm up every contestant, for every scheme."""
    for scheme in plan.schemes:
        for name in plan.only:
            say(f"preparing {name} over {scheme}")
            made = stage.add(name, scheme, plan.kind)
            if name != "irreducible":
                made.serve(plan.workers, plan.threads)
                # All threads, all people: links, key caches and connections are there when measuring begins.
                stage.load(made, concurrency=CONCURRENCIES[-1], sign_ins=2 * len(PEOPLE), seconds=120)
    return stage.contestants


def measure(stage: Stage, plan: Plan) -> Samples:
    """Run the rounds: as many as were asked for, unless another one would not fit into the time."""
    begun = time.monotonic()
    samples, everyone = Samples(), set_up(stage, plan)
    set_up_took = time.monotonic() - begun
    for number in range(plan.rounds):
        took = time.monotonic() - begun
        if number and took + (took - set_up_took) / number > 60 * plan.minutes:
            say(f"no time for more than {number} of {plan.rounds} rounds")
            break
        for setting in settings(plan):
            say(f"round {number + 1} of {plan.rounds}: {described(setting)}")
            turns = [made for made in everyone if made.place.scheme == setting.scheme]
            turns = [made for made in turns if takes_part(made.name, setting)]
            first = number % (len(turns) or 1)
            # Nobody is always first, when the machine has just been idle.
            for made in turns[first:] + turns[:first]:
                is_served = made.name != "irreducible"
                sample = _turn(stage, plan, made, setting) if is_served else _irreducible_turn(plan, made, setting)
                samples.add(made.name, setting, sample)
        samples.rounds += 1
    return samples


def described(setting: Setting) -> str:
    """Return the circumstances in words."""
    added = "" if setting.latency == "none" else f", 20 ms per {setting.latency}"
    return f"{setting.scheme}, {setting.concurrency} at once{added}"


def _turn(stage: Stage, plan: Plan, made: Contestant, setting: Setting) -> Sample:
    result = stage.load(
        made,
        concurrency=setting.concurrency,
        sign_ins=plan.sign_ins,
        seconds=plan.seconds,
        latency=0.0 if setting.latency == "none" else LATENCY,
        per_round_trip=setting.latency == "round trip",
    )
    counts, count = stage.provider_counts(), len(result.sign_ins)
    return Sample(
        rate=count / result.elapsed,
        cpu=1000 * result.cpu / count,
        p50=1000 * statistics.median(result.sign_ins),
        p95=1000 * percentile(result.sign_ins, 0.95),
        requests=sum(counts["requests"].values()) / count,
        connections=counts["connections"].get("upstream", 0) / count,
    )


def _irreducible_turn(plan: Plan, made: Contestant, setting: Setting) -> Sample:
    job = {"provider_origin": made.place.origin, "ca_file": made.place.ca_file}
    # It is an order of magnitude faster: more of them, for as good a figure.
    job_numbers = {"concurrency": setting.concurrency, "sign_ins": 4 * plan.sign_ins}
    result: dict[str, Any] = in_own_process("bench.irreducible", job | job_numbers, made.environment)
    times = result["sign_ins"]
    return Sample(
        rate=len(times) / result["elapsed"],
        cpu=1000 * result["cpu"] / len(times),
        p50=1000 * statistics.median(times),
        p95=1000 * percentile(times, 0.95),
        requests=1.0,
        connections=0.0,
    )


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that so large a share of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def say(text: str) -> None:
    """Tell on standard error what is going on; the results alone are on standard output."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()
