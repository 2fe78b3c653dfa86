"""PURE: curves and intervals as coordinates of a picture that the server draws."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, TOP, BOTTOM = 300.0, 6.0, 96.0
MOST_POINTS = 240
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
    """The points as drawn, for the table beside the picture."""


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """One share with its interval on a line from 0 to 1."""

    label: str
    text: str
    x: float
    low_x: float | None
    high_x: float | None
    y: float


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
        14.0 + 26 * row,
    )


def short(value: float) -> str:
    """A number as people read it beside a curve."""
    return f"{value:.3g}"


def percent(value: float) -> str:
    """A share in percent with one decimal."""
    return f"{100 * value:.1f} %"


def _on_line(share: float) -> float:
    return round(WIDTH * min(1.0, max(0.0, share)), 1)


def _scale(value: float, low: float, high: float, start: float, end: float) -> float:
    return (start + end) / 2 if high == low else start + (value - low) / (high - low) * (end - start)
