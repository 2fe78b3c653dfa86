"""PURE: curves and intervals as coordinates of a picture that the server draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

WIDTH, TOP, BOTTOM = 300.0, 6.0, 96.0
MOST_POINTS = 240
ROW = 26.0
"""Height of one share in a chart of shares."""
Point = tuple[int, float]
"""step, value"""
Interval = tuple[float, float]
"""low, high"""
Item = TypeVar("Item")
ALONE = 2.0
"""Half the width of a band that has one point only."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric over the steps."""

    key: str
    label: str
    latest: str
    latest_interval: str
    """Empty where the newest point has none."""
    low: str
    high: str
    """The ends of the scale: of the values, or of their intervals where these reach further."""
    path: str
    """An SVG path in a field of WIDTH by BOTTOM."""
    band: str
    """An SVG path around the intervals; empty where there are none."""
    end: tuple[float, float]
    """Where the newest point lies."""
    last_step: int
    points: tuple[Point, ...]
    """The points as drawn."""
    intervals: tuple[Interval | None, ...]
    """Theirs; none at all for a metric without."""

    def rows(self) -> list[tuple[int, str, str]]:
        """The points in figures with their intervals, for the table beside it: small rates keep their digits."""
        intervals = self.intervals or (None,) * len(self.points)
        paired = zip(self.points, intervals, strict=True)
        return [(step, short(value, digits=4), _range(interval)) for (step, value), interval in paired]


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """One share with its interval on a line from 0 to 1."""

    label: str
    text: str
    x: float
    low_x: float | None
    high_x: float | None
    y: float


@dataclass(frozen=True, slots=True)
class ShareChart:
    """Shares with their intervals below each other on one axis."""

    title: str
    about: str
    """What the picture shows, for those who don't see it."""
    middle: str
    """Name of the mark at one half."""
    bars: tuple[IntervalBar, ...]

    @property
    def floor(self) -> float:
        """Where the axis lies."""
        return 10.0 + ROW * len(self.bars)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where steps and values lie in the picture."""

    first: int
    last: int
    low: float
    high: float

    def x(self, step: int) -> float:
        return round(_scale(step, self.first, self.last, 0, WIDTH), 1)

    def y(self, value: float) -> float:
        return round(_scale(value, self.low, self.high, BOTTOM, TOP), 1)

    def place(self, step: int, value: float) -> str:
        return f"{self.x(step):.1f},{self.y(value):.1f}"


def draw_shares(
    title: str, shares: Sequence[tuple[str, dict[str, Any] | None]], *, about: str, middle: str
) -> ShareChart | None:
    """A chart of the shares that were measured, or None when none was.

    shares: label and `{"value", "low", "high"}`, the latter two None where there is no interval.
    """
    measured = [(label, share) for label, share in shares if share is not None and share.get("value") is not None]
    bars = (place_interval(label, share, row) for row, (label, share) in enumerate(measured))
    found = tuple(bar for bar in bars if bar is not None)
    return ShareChart(title, about, middle, found) if found else None


def draw_curve(
    key: str, label: str, points: Sequence[Point], intervals: Sequence[Interval | None] | None = None
) -> Curve:
    """The curve through the points, thinned evenly to MOST_POINTS; the newest one always stays.

    points: by step, at least one. intervals: one for each point, None where it was not told; the band is broken there.
    """
    kept = thin(points)
    # What was told before there were intervals has none at all.
    ends = thin(intervals) if intervals and any(intervals) else []
    values = [value for _, value in kept]
    reach = [end for interval in ends if interval is not None for end in interval] + values
    frame = _Frame(kept[0][0], kept[-1][0], min(reach), max(reach))
    return Curve(
        key=key,
        label=label,
        latest=short(values[-1]),
        latest_interval=_range(ends[-1], digits=3) if ends else "",
        low=short(frame.low),
        high=short(frame.high),
        path="M" + " L".join(frame.place(*point) for point in kept),
        band=" ".join(_outline(run, frame) for run in _unbroken(kept, ends)),
        end=(frame.x(kept[-1][0]), frame.y(values[-1])),
        last_step=frame.last,
        points=tuple(kept),
        intervals=tuple(ends),
    )


def _unbroken(points: Sequence[Point], intervals: Sequence[Interval | None]) -> list[list[tuple[int, Interval]]]:
    """The runs of points that have an interval, each with its steps."""
    runs: list[list[tuple[int, Interval]]] = [[]]
    for (step, _), interval in zip(points, intervals, strict=False):
        if interval is None:
            runs.append([])
        else:
            runs[-1].append((step, interval))
    return [run for run in runs if run]


def _outline(run: Sequence[tuple[int, Interval]], frame: _Frame) -> str:
    """A closed path along the upper ends and back along the lower ones; a bar where there is one point."""
    if len(run) == 1:
        (step, (low, high)), *_ = run
        left, right = frame.x(step) - ALONE, frame.x(step) + ALONE
        top, floor = frame.y(high), frame.y(low)
        return f"M{left:.1f},{top:.1f} L{right:.1f},{top:.1f} L{right:.1f},{floor:.1f} L{left:.1f},{floor:.1f} Z"
    upper = [frame.place(step, high) for step, (_, high) in run]
    lower = [frame.place(step, low) for step, (low, _) in reversed(run)]
    return "M" + " L".join([*upper, *lower]) + " Z"


def _range(interval: Interval | None, *, digits: int = 4) -> str:
    return "" if interval is None else f"{short(interval[0], digits=digits)} to {short(interval[1], digits=digits)}"


def thin(points: Sequence[Item]) -> list[Item]:
    """At most MOST_POINTS of the points, evenly spread, with the first and the last among them."""
    if len(points) <= MOST_POINTS:
        return list(points)
    stride = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(index * stride)] for index in range(MOST_POINTS)]


def place_interval(label: str, measured: dict[str, float | None] | None, row: int) -> IntervalBar | None:
    """A share with its interval where there is one, or None when it was not measured."""
    value = (measured or {}).get("value")
    if measured is None or value is None:
        return None
    low, high = measured.get("low"), measured.get("high")
    has_interval = low is not None and high is not None
    text = percent(value) + (f" ({percent(low)} to {percent(high)})" if low is not None and high is not None else "")
    return IntervalBar(
        label,
        text,
        _on_line(value),
        _on_line(low) if has_interval and low is not None else None,
        _on_line(high) if has_interval and high is not None else None,
        14.0 + ROW * row,
    )


def short(value: float, *, digits: int = 3) -> str:
    """A number as people read it beside a curve: at most `digits` and five characters."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.{digits}g}"


def percent(value: float) -> str:
    """A share in percent with one decimal."""
    return f"{100 * value:.1f}%"


def _on_line(share: float) -> float:
    return round(WIDTH * min(1.0, max(0.0, share)), 1)


def _scale(value: float, low: float, high: float, start: float, end: float) -> float:
    return (start + end) / 2 if high == low else start + (value - low) / (high - low) * (end - start)
