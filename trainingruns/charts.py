"""PURE: curves and intervals as coordinates of a picture that the server draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, TOP, BOTTOM = 300.0, 6.0, 96.0
MOST_POINTS = 240
ROW = 26.0
"""Height of one share in a chart of shares."""
Point = tuple[int, float]
"""step, value"""


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric over the steps."""

    key: str
    label: str
    latest: str
    low: str
    high: str
    path: str
    """An SVG path in a field of WIDTH by BOTTOM."""
    last_step: int
    points: tuple[Point, ...]
    """The points as drawn."""

    def rows(self) -> list[tuple[int, str]]:
        """The points in figures, for the table beside the picture: small rates keep their digits."""
        return [(step, short(value, digits=4)) for step, value in self.points]


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


def draw_curve(key: str, label: str, points: Sequence[Point]) -> Curve:
    """The curve through the points, thinned evenly to MOST_POINTS; the newest one always stays.

    points: by step, at least one.
    """
    kept = thin(points)
    values = [value for _, value in kept]
    low, high = min(values), max(values)
    first, last = kept[0][0], kept[-1][0]
    places = (
        f"{_scale(step, first, last, 0, WIDTH):.1f},{_scale(value, low, high, BOTTOM, TOP):.1f}" for step, value in kept
    )
    path = "M" + " L".join(places)
    return Curve(key, label, short(values[-1]), short(low), short(high), path, last, tuple(kept))


def thin(points: Sequence[Point]) -> list[Point]:
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
