"""Bar charts without a script: from numbers to the geometry that templates/components/bar_chart.html draws."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import date_format

from users.audit_counts import DAY, HOUR, Bucket, EventCounts

# Units of the drawing; it is stretched to the width of the page, and its lines keep their thickness.
WIDTH, HEIGHT = 720, 120
# How much of its slot a bar fills.
FILL = 0.72


@dataclass(frozen=True)
class Series:
    """One colour of a chart.

    Attributes:
        name: the word of the legend and the table's heading.
        tone: "accent" or "danger".
        one: the word beside the number 1, where that is another one.
    """

    name: str
    tone: str
    one: str = ""


@dataclass(frozen=True)
class Point:
    """One bar: its label, and a number for each series."""

    label: str
    values: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A rectangle, in units of the drawing."""

    tone: str
    x: float
    y: float
    width: float
    height: float

    @property
    def outline(self) -> str:
        """The rectangle as a piece of an SVG path."""
        return f"M{self.x:g} {self.y:g}h{self.width:g}v{self.height:g}h-{self.width:g}z"


@dataclass(frozen=True)
class Bar:
    """One bar, with its parts from the ground up."""

    point: Point
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class BarChart:
    """A chart, ready to be drawn.

    Attributes:
        title: what is counted, with the range.
        note: a sentence below the title, or "".
        label_heading: what the bars' labels are, as heading of the table.
        totals: the sum of each series, in their order.
        top: the number at the upper edge.
    """

    title: str
    note: str
    label_heading: str
    series: tuple[Series, ...]
    bars: tuple[Bar, ...]
    totals: tuple[int, ...]
    top: int
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def legend(self) -> list[tuple[Series, int]]:
        """Each series with its total."""
        return list(zip(self.series, self.totals, strict=True))

    @property
    def paths(self) -> list[tuple[str, str]]:
        """The tone of each series, and one SVG path for all its parts: a page has a weight, and bars are many."""
        parts = [part for bar in self.bars for part in bar.parts]
        return [(one.tone, "".join(part.outline for part in parts if part.tone == one.tone)) for one in self.series]

    @property
    def ends(self) -> tuple[str, str]:
        """The labels of the first and the last bar."""
        return (self.bars[0].point.label, self.bars[-1].point.label) if self.bars else ("", "")


def bar_chart(
    points: Sequence[Point], *, series: Sequence[Series], title: str, label_heading: str, note: str = ""
) -> BarChart:
    """Return the geometry of a chart of stacked bars.

    Args:
        points: one for each bar, from left to right, each with a number of at least 0 for each series.
    """
    top = round_top(max((sum(point.values) for point in points), default=0))
    slot = WIDTH / max(len(points), 1)
    bars = []
    for index, point in enumerate(points):
        parts, ground = [], float(HEIGHT)
        for one, value in zip(series, point.values, strict=True):
            # What happened at all is seen, also beside a bar that is a thousand times as high.
            height = max(HEIGHT * value / top, 1.5) if value else 0
            ground -= height
            if value:
                x = slot * (index + (1 - FILL) / 2)
                parts.append(Part(one.tone, round(x, 1), round(ground, 1), round(slot * FILL, 1), round(height, 1)))
        bars.append(Bar(point, tuple(parts)))
    totals = tuple(sum(point.values[index] for point in points) for index in range(len(series)))
    return BarChart(title, note, label_heading, tuple(series), tuple(bars), totals, top)


def round_top(most: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 … that is at least the highest bar."""
    unit = 1
    while True:
        for factor in (1, 2, 5):
            if factor * unit >= most:
                return factor * unit
        unit *= 10


_SPANS = {
    "given": "",
    "last": "These are the last 7 days; choose a range for more.",
    "before": "These are the 7 days before the end of the range; choose where it begins for more.",
    "newest": "These are the 7 days up to the newest of these events; choose a range for more.",
}


def chart_of_events(counts: EventCounts, *, title: str = "Events") -> BarChart:
    """Return the chart of the audit log: what was done and what was refused, by time."""
    points = [Point(_start(bucket, counts), (bucket.done, bucket.refused)) for bucket in counts.buckets]
    said = f"{title}, {_moment(counts, counts.since)} to {_moment(counts, counts.until)}, by {_step_words(counts)}"
    notes = [_SPANS[counts.span]]
    if not counts.is_complete:
        notes.append("There are too many to count them all: the newest are shown.")
    return bar_chart(
        points,
        series=(Series("Done", "accent"), Series("Refused", "danger")),
        title=said,
        label_heading="Hour (UTC)" if counts.step == HOUR else "From (UTC)" if counts.step > DAY else "Day (UTC)",
        note=" ".join(note for note in notes if note),
    )


def _start(bucket: Bucket, counts: EventCounts) -> str:
    return date_format(bucket.start, "j M, H:i" if counts.step == HOUR else "j M" if counts.step == DAY else "j M Y")


def _moment(counts: EventCounts, moment: object) -> str:
    return date_format(moment, "j M Y, H:i" if counts.step == HOUR else "j M Y")  # type: ignore[arg-type]


def _step_words(counts: EventCounts) -> str:
    days = counts.step // DAY
    return "hour" if counts.step == HOUR else "day" if days == 1 else f"{days} days"
