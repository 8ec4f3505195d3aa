"""The results as tables, and beside each aim whether it was met. Nothing here decides how the benchmark ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.measuring import CONCURRENCIES, Plan, Samples, Setting, described, settings
from bench.phases import PHASES

NAMES = ("gatehouse", "stock", "minimal", "irreducible")


@dataclass(frozen=True)
class Aim:
    """A figure that was aimed at."""

    text: str
    value: float | None
    limit: float
    at_least: bool = False

    def line(self) -> tuple[str, ...]:
        """Return the row of the table."""
        if self.value is None:
            return (self.text, "-", self._limit(), "not measured")
        met = self.value >= self.limit if self.at_least else self.value <= self.limit
        return (self.text, f"{self.value:.2f}", self._limit(), "pass" if met else "MISS")

    def _limit(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, with columns that line up in a terminal as well."""
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]

    def row(line: Sequence[str]) -> str:
        cells = [
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rule = "|".join("-" * (width + 1) + ("-" if column == 0 else ":") for column, width in enumerate(widths))
    return "\n".join([row(lines[0]), f"|{rule}|", *(row(line) for line in lines[1:])])


def report(plan: Plan, samples: Samples, counted: dict[str, dict[str, Any]]) -> str:
    """Return everything that was measured, as Markdown."""
    parts = [
        f"Complete sign-ins, medians of {samples.rounds} rounds of {plan.sign_ins} sign-ins or {plan.seconds:g} s; "
        f"gunicorn, processes: {plan.workers}, threads of each: {plan.threads}, provider kind {plan.kind}",
        _throughput(plan, samples),
        _latency(plan, samples),
        _statements(counted),
        _aims(plan, samples, counted),
    ]
    return "\n\n".join(part for part in parts if part)


def _throughput(plan: Plan, samples: Samples) -> str:
    rows = []
    for setting in settings(plan):
        if setting.latency != "none":
            continue
        for name in NAMES:
            figures = [samples.median(name, setting, figure) for figure in FIGURES]
            if figures[0] is not None:
                rows.append((described(setting), name, *_numbers(figures)))
    return table(
        ("", "contestant", "sign-ins/s", "CPU ms", "p50 ms", "p95 ms", "upstream requests", "new connections"), rows
    )


FIGURES = ("rate", "cpu", "p50", "p95", "requests", "connections")


def _numbers(figures: Iterable[float | None]) -> list[str]:
    formats = ("{:.1f}", "{:.2f}", "{:.1f}", "{:.1f}", "{:.2f}", "{:.2f}")
    return [text.format(value) for text, value in zip(formats, figures, strict=True)]


def _latency(plan: Plan, samples: Samples) -> str:
    rows = []
    for setting in settings(plan):
        if setting.latency == "none":
            continue
        p95 = {name: samples.median(name, setting, "p95") for name in NAMES[:3]}
        ratio = samples.ratio("gatehouse", "stock", setting, "p95")
        values = [f"{value:.1f}" if value is not None else "-" for value in p95.values()]
        rows.append((described(setting), *values, f"{ratio:.2f}" if ratio is not None else "-"))
    return table(("p95 in ms of a complete sign-in", *NAMES[:3], "gatehouse : stock"), rows) if rows else ""


def _statements(counted: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, found in counted.items():
        cells = [f"{found[phase]['queries']} / {found[phase]['transactions']}" for phase in PHASES]
        callback = found["callback"]
        rows.append((name, *cells, f"{callback['upstream_in_transaction']} of {callback['upstream']}"))
    heads = ("queries / transactions that write", *PHASES, "upstream requests inside a transaction")
    return table(heads, rows) if rows else ""


def _aims(plan: Plan, samples: Samples, counted: dict[str, dict[str, Any]]) -> str:
    aims: list[Aim] = []
    for scheme in plan.schemes:
        for concurrency in CONCURRENCIES:
            aims += _aims_at(samples, scheme, concurrency)
    if "gatehouse" in counted:
        found = counted["gatehouse"]["callback"]
        aims.append(Aim("database queries per callback", found["queries"], 10))
        aims.append(Aim("transactions per callback", found["transactions"], 2))
        aims.append(Aim("upstream requests inside a transaction", found["upstream_in_transaction"], 0))
    return table(("aim", "figure", "limit", ""), (aim.line() for aim in aims))


def _aims_at(samples: Samples, scheme: str, concurrency: int) -> Iterable[Aim]:
    plain = Setting(scheme, concurrency)
    where, times = described(plain), 2.5 if scheme == "http" else 10
    yield Aim(f"{where}: throughput, times stock's", samples.ratio("gatehouse", "stock", plain, "rate"), times, True)
    yield Aim(f"{where}: CPU, times minimal's", samples.ratio("gatehouse", "minimal", plain, "cpu"), 1.2)
    for latency in ("round trip", "answer") if concurrency == 1 else ("round trip",):
        slow = Setting(scheme, concurrency, latency)
        yield Aim(f"{described(slow)}: p95, times stock's", samples.ratio("gatehouse", "stock", slow, "p95"), 0.25)
    yield Aim(f"{where}: upstream requests", samples.median("gatehouse", plain, "requests"), 1)
