"""PURE. A number with its interval week by week as a picture, in the picture's own units."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, ClassVar

from annotation.web.interval_plot import choose_ends, choose_ticks

LEFT, RIGHT, TOP, BOTTOM = 64.0, 556.0, 34.0, 254.0
WEEK_NAMES = 36.0
MOST_WEEKS = 104
MOST_BARS = 30
"""With more weeks intervals are drawn as a band in place of bars."""
DAYS = 7


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One week with a number."""

    x: float
    y: float
    y_low: float | None
    y_high: float | None


@dataclass(frozen=True, slots=True)
class TrendPlot:
    """A `figures.Drawing`."""

    template: ClassVar[str] = "annotation/_trend_plot.html"
    description: str
    points: list[TrendPoint]
    lines: list[str]
    """Weeks that follow each other: "x,y x,y" each."""
    bands: list[str]
    """The outlines of their intervals, where there are too many for bars."""
    without: list[float]
    """Where the weeks stand that have no number."""
    ticks: list[tuple[float, str]]
    weeks: list[tuple[float, str, str]]
    """(x, anchor, name) of a few weeks."""
    reference_y: float | None
    reference_name: str
    width: float = 576.0
    left: float = LEFT
    right: float = RIGHT
    bottom: float = BOTTOM

    @property
    def height(self) -> float:
        return self.bottom + WEEK_NAMES


@dataclass(frozen=True, slots=True)
class _Scale:
    start: float
    end: float
    low: float
    high: float

    def x(self, day: int) -> float:
        share = 0.5 if self.end == self.start else (day - self.start) / (self.end - self.start)
        return round(LEFT + (RIGHT - LEFT) * share, 1)

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return round(BOTTOM - (BOTTOM - TOP) * (inside - self.low) / (self.high - self.low), 1)


def plot_trend(
    records: Sequence[Mapping[str, Any]], *, reference: float | None = None, reference_name: str = ""
) -> TrendPlot:
    """The newest MOST_WEEKS records, which are of one statistic, the oldest first."""
    drawn = list(records)[-MOST_WEEKS:]
    days = [date.fromisoformat(each["week"]).toordinal() for each in drawn]
    ends = [end for each in drawn for end in (each["low"], each["value"], each["high"]) if end is not None]
    ticks = choose_ticks(*_extent([*ends, *([reference] if reference is not None else [])]))
    scale = _Scale(days[0] if days else 0, days[-1] if days else 0, ticks[0], ticks[-1])
    runs = list(_runs(days, drawn, scale))
    banded = len(drawn) > MOST_BARS
    return TrendPlot(
        description="; ".join(f"week of {each['week']}: {_say(each)}" for each in drawn),
        points=[point for run in runs for point in run],
        lines=[" ".join(f"{each.x},{each.y}" for each in run) for run in runs if len(run) > 1],
        bands=[_outline(run) for run in runs if len(run) > 1] if banded else [],
        without=[scale.x(day) for day, each in zip(days, drawn, strict=True) if each["value"] is None],
        ticks=[(scale.y(tick), f"{tick:g}") for tick in ticks],
        weeks=_name_weeks(days, drawn, scale),
        reference_y=None if reference is None else scale.y(reference),
        reference_name=reference_name,
    )


def _extent(found: Sequence[float]) -> tuple[float, float]:
    """Within what can be measured."""
    return choose_ends(max(min(found, default=0.0), -1.0), min(max(found, default=1.0), 1.0))


def _runs(days: Sequence[int], drawn: Sequence[Mapping[str, Any]], scale: _Scale) -> Iterator[list[TrendPoint]]:
    """Weeks with a number that follow each other without a gap."""
    known = [(day, each) for day, each in zip(days, drawn, strict=True) if each["value"] is not None]
    breaks = [number for number, (one, other) in enumerate(pairwise(known), 1) if other[0] - one[0] > DAYS]
    for start, end in pairwise([0, *breaks, len(known)]):
        if start < end:
            yield [_place(day, each, scale) for day, each in known[start:end]]


def _place(day: int, record: Mapping[str, Any], scale: _Scale) -> TrendPoint:
    low, high = (None if record[end] is None else scale.y(record[end]) for end in ("low", "high"))
    return TrendPoint(scale.x(day), scale.y(record["value"]), low, high)


def _outline(run: Sequence[TrendPoint]) -> str:
    above = [(each.x, each.y if each.y_high is None else each.y_high) for each in run]
    below = [(each.x, each.y if each.y_low is None else each.y_low) for each in reversed(run)]
    return " ".join(f"{x},{y}" for x, y in above + below)


def _name_weeks(days: Sequence[int], drawn: Sequence[Mapping[str, Any]], scale: _Scale) -> list[tuple[float, str, str]]:
    """The first and the last week, which leave room for each other on the smallest screen."""
    if len(days) < 2:
        return [(scale.x(day), "middle", each["week"]) for day, each in zip(days, drawn, strict=True)]
    return [(LEFT, "start", drawn[0]["week"]), (RIGHT, "end", drawn[-1]["week"])]


def _say(record: Mapping[str, Any]) -> str:
    if record["value"] is None:
        return str(record["note"])
    interval = "" if record["low"] is None else f" ({record['low']:.2f} to {record['high']:.2f})"
    return f"{record['value']:.2f}{interval}"
