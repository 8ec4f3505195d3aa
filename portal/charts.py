"""The geometry of charts: numbers in, rectangles out. Pages draw them as SVG, without a script."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 190
LEFT, RIGHT, TOP, BOTTOM = 56, 4, 14, 30
GAP = 0.25
TICKS = 5


@dataclass(frozen=True)
class Bucket:
    """One stretch of time and what happened in it.

    Attributes:
        label: short, for the axis; `name`: whole, for the table.
    """

    label: str
    name: str
    done: int
    refused: int


@dataclass(frozen=True)
class Bar:
    """A rectangle in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True)
class Tick:
    """A number or a label beside an axis."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class BarChart:
    """What a template draws, and the numbers for everybody who cannot see it."""

    buckets: Sequence[Bucket]
    bars: Sequence[Bar]
    lines: Sequence[Tick]
    labels: Sequence[Tick]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def done(self) -> int:
        """How much was done altogether."""
        return sum(bucket.done for bucket in self.buckets)

    @property
    def refused(self) -> int:
        """How much was refused altogether."""
        return sum(bucket.refused for bucket in self.buckets)


def bar_chart(buckets: Sequence[Bucket]) -> BarChart:
    """Return stacked bars: what was refused stands on what was done.

    Args:
        buckets: in the order of time, at least one.
    """
    highest = nice_ceiling(max((bucket.done + bucket.refused for bucket in buckets), default=0))
    inner_height = HEIGHT - TOP - BOTTOM
    step = (WIDTH - LEFT - RIGHT) / max(len(buckets), 1)
    bars: list[Bar] = []
    for number, bucket in enumerate(buckets):
        x, floor = LEFT + (number + GAP / 2) * step, float(HEIGHT - BOTTOM)
        for kind, value in (("done", bucket.done), ("refused", bucket.refused)):
            if value:
                # Whatever happened is seen, be it one among a million.
                high = max(value / highest * inner_height, 1.5)
                floor -= high
                bars.append(Bar(round(x, 2), round(floor, 2), round(step * (1 - GAP), 2), round(high, 2), kind))
    every = max(1, -(-len(buckets) // TICKS))
    labels = [
        Tick(round(LEFT + (number + 0.5) * step, 2), HEIGHT - 8, bucket.label)
        for number, bucket in enumerate(buckets)
        if number % every == 0
    ]
    lines = [
        Tick(LEFT - 8, round(HEIGHT - BOTTOM - part * inner_height, 2), short(round(highest * part)))
        for part in ((0, 1) if highest == 1 else (0, 0.5, 1))
    ]
    return BarChart(buckets, bars, lines, labels)


def nice_ceiling(number: int) -> int:
    """Return the next of 1, 2, 4, 10, 20, 40, 100 …: a number whose half is whole too, but for 1."""
    ceiling = 1
    while True:
        for factor in (1, 2, 4):
            if factor * ceiling >= number:
                return factor * ceiling
        ceiling *= 10


def short(number: int) -> str:
    """Return a number in the room beside an axis: 1,200,000 is 1.2 M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= 10 * size or (number >= size and letter == "M"):
            return f"{number / size:.1f}".removesuffix(".0") + f" {letter}"
    return f"{number:,}"
