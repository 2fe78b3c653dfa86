"""PURE. Krippendorff's alpha for numbers whose differences mean something."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats
from annotation.agreement.statistic import Additive, divide, sum_by

ROUNDING = 1e-12
"""A spread below this share of the squared values is rounding: the resample holds one value only."""


@dataclass(frozen=True, eq=False, slots=True)
class IntervalAlpha(Additive):
    """1 - observed / expected disagreement, where disagreement is the squared difference.

    Squared differences follow from counts, sums and sums of squares, so a unit needs three numbers however many
    distinct values there are. Missing data as for NominalAlpha; undefined (NaN) when one value is used throughout.
    Source: Krippendorff 2011, section D (interval metric).
    """

    disagreement: Floats
    """[tasks] squared differences of ordered pairs within a unit, each divided by (judgments of the unit - 1)."""
    count: Floats
    """[tasks]"""
    total: Floats
    """[tasks] sum of the values, measured from a value in their midst."""
    squares: Floats
    """[tasks] sum of their squares."""

    @property
    def columns(self) -> Floats:
        return np.column_stack([self.disagreement, self.count, self.total, self.squares])

    def combine(self, sums: Floats) -> Floats:
        disagreement, count, total, squares = sums.T
        spread = 2 * (count * squares - total**2)
        spread = np.where(spread <= ROUNDING * count * squares, 0.0, spread)
        return 1 - divide((count - 1) * disagreement, spread)


def interval_alpha(table: JudgmentTable, *, origin: float | None = None) -> IntervalAlpha:
    """The statistic of a table.

    origin: what values are measured from; else one in their midst. It changes the sums, not the value.
    """
    value = measure_from(table, origin)
    by_unit = squared_differences(table, value) / np.maximum(table.unit_sizes - 1, 1)
    return IntervalAlpha(
        disagreement=sum_by(table.task_of_unit, by_unit, table.tasks),
        count=sum_by(table.task, np.ones_like(value), table.tasks),
        total=sum_by(table.task, value, table.tasks),
        squares=sum_by(table.task, value**2, table.tasks),
    )


def measure_from(table: JudgmentTable, origin: float | None = None) -> Floats:
    """[judgments] the values, measured from one in their midst (or the origin), so that squares keep their digits."""
    value = table.values[table.category]
    if origin is None and len(value):
        origin = float(np.sort(value)[len(value) // 2])
    return value - (origin or 0.0)


def squared_differences(table: JudgmentTable, value: Floats) -> Floats:
    """[units] squared differences of all ordered pairs of judgments of a unit, added up.

    value: [judgments]. Taken from the unit's mean, so that close values far from 0 lose no digits.
    """
    sizes = table.unit_sizes
    mean = sum_by(table.unit, value, table.units) / sizes
    return 2 * sizes * sum_by(table.unit, (value - mean[table.unit]) ** 2, table.units)
