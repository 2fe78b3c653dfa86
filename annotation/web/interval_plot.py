"""PURE. Numbers with intervals as rows of a picture, in the picture's own units."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import ClassVar

LEFT, RIGHT, ROW_HEIGHT, TOP, BELOW = 40.0, 500.0, 58.0, 62.0, 22.0
"""Names stand above their line, so that the plot is legible at the width of a phone."""
LABEL_CHARACTERS = 44
MOST_ROWS = 40
TICK_NAMES = 32.0
NO_EXTENT = 1e-6
"""Numbers nearer to each other than this make no axis."""


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One number to draw."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    shown: str
    """The number as text, or why there is none."""


@dataclass(frozen=True, slots=True)
class PlacedRow:
    name: str
    shown: str
    y: float
    x: float | None
    x_low: float | None
    x_high: float | None


@dataclass(frozen=True, slots=True)
class IntervalPlot:
    """A `figures.Drawing`."""

    template: ClassVar[str] = "annotation/_interval_plot.html"
    description: str
    rows: list[PlacedRow]
    ticks: list[tuple[float, str]]
    reference_x: float | None
    reference_name: str
    bottom: float
    """Where the axis stands; the names of its marks are below."""
    width: float = 576.0
    right: float = RIGHT

    @property
    def height(self) -> float:
        return self.bottom + TICK_NAMES


def place_rows(
    rows: Sequence[IntervalRow],
    *,
    reference: float | None = None,
    reference_name: str = "",
    percent: bool = False,
    axis: tuple[float, float] | None = None,
) -> IntervalPlot:
    """The first MOST_ROWS rows between the lowest and the highest of all numbers and the reference.

    axis: (from, to) instead; what lies beyond is drawn at its end.
    """
    drawn = list(rows)[:MOST_ROWS]
    found = [end for row in drawn for end in (row.low, row.value, row.high) if end is not None]
    found += [reference] if reference is not None else []
    ticks = choose_ticks(*(axis or choose_ends(min(found, default=0.0), max(found, default=1.0))))
    start, end = ticks[0], ticks[-1]

    def place(value: float | None) -> float | None:
        shown = None if value is None else (min(max(value, start), end) - start) / (end - start)
        return None if shown is None else round(LEFT + (RIGHT - LEFT) * shown, 1)

    placed = [
        PlacedRow(
            fit_name(row.name), row.shown, TOP + index * ROW_HEIGHT, place(row.value), place(row.low), place(row.high)
        )
        for index, row in enumerate(drawn)
    ]
    names = [(place(tick) or 0.0, f"{tick:.0%}" if percent else f"{tick:g}") for tick in ticks]
    more = [f"and {len(rows) - len(drawn)} more in the table"] if len(rows) > len(drawn) else []
    return IntervalPlot(
        description="; ".join([*(f"{row.name}: {row.shown}" for row in drawn), *more]), rows=placed, ticks=names,
        reference_x=place(reference), reference_name=reference_name,
        bottom=TOP + (max(len(drawn), 1) - 1) * ROW_HEIGHT + BELOW,
    )  # fmt: skip


def choose_ends(low: float, high: float) -> tuple[float, float]:
    """What an axis reaches over: from the lowest to the highest, and where they are one number from 0 to 1 with it."""
    return (low, high) if high - low > NO_EXTENT else (min(low, 0.0), max(high, 1.0))


def choose_ticks(low: float, high: float) -> list[float]:
    """Round numbers that cover both ends: three to seven of them."""
    extent = max(high - low, 1e-6)
    unit = 10 ** floor(log10(extent))
    step = next(unit * part for part in (0.2, 0.5, 1, 2) if extent / (unit * part) <= 5)
    first, last = floor(low / step + 1e-9), max(ceil(high / step - 1e-9), floor(low / step + 1e-9) + 1)
    return [round(number * step, 9) for number in range(first, last + 1)]


def fit_name(name: str) -> str:
    """The name, shortened where it would leave the picture."""
    return name if len(name) <= LABEL_CHARACTERS else f"{name[: LABEL_CHARACTERS - 1]}…"
