"""PURE. Krippendorff's alpha for values with an order, such as points of a scale."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.interval import squared_differences
from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats
from annotation.agreement.pooled_counts import LARGEST_TABLE, PooledCounts, count_values
from annotation.agreement.statistic import Statistic, divide, sum_by

MOST_VALUES = 32
"""Up to here a resample's table of values by values is smaller than its judgments."""


@dataclass(frozen=True, eq=False, slots=True)
class OrdinalAlpha(Statistic):
    """1 - observed / expected disagreement, where two values are as far apart as there are judgments between them.

    The number of judgments from one value to another, the ends counted half, is the difference of their mid-ranks
    among all judgments. So this is the interval statistic on mid-ranks, and needs no table of values by values. In a
    resample the mid-ranks are those of the resample. Missing data and the undefined case as for NominalAlpha.
    Source: Krippendorff 2011, section D (ordinal metric); the mid-rank form follows from it.
    """

    table: JudgmentTable
    counts: PooledCounts
    coincidences: PooledCounts | None
    """Pairs of different values within units by task, column = lower value * C + higher value; None where C is so
    large that going through the judgments is cheaper."""

    def evaluate(self, weights: Floats) -> Floats:
        by_value = self.counts.evaluate(weights)
        count = by_value.sum(axis=1)
        ranks = np.cumsum(by_value, axis=1) - by_value / 2 - count[:, None] / 2
        spread = 2 * (count * (by_value * ranks**2).sum(axis=1) - (by_value * ranks).sum(axis=1) ** 2)
        spread = np.where((by_value > 0).sum(axis=1) < 2, 0.0, spread)
        return 1 - divide((count - 1) * self._observed(weights, ranks), spread)

    def _observed(self, weights: Floats, ranks: Floats) -> Floats:
        if self.coincidences is None:
            return np.array([self._observed_once(row, rank) for row, rank in zip(weights, ranks, strict=True)])
        lower, higher = np.divmod(np.arange(self.coincidences.columns), ranks.shape[1])
        distances = (ranks[:, lower] - ranks[:, higher]) ** 2
        return 2 * (self.coincidences.evaluate(weights) * distances).sum(axis=1)

    def _observed_once(self, weights: Floats, ranks: Floats) -> Floats:
        by_unit = squared_differences(self.table, ranks[self.table.category]) / (self.table.unit_sizes - 1)
        return by_unit @ weights[self.table.task_of_unit]


def ordinal_alpha(table: JudgmentTable) -> OrdinalAlpha:
    """The statistic of a table."""
    size = len(table.values)
    small = size <= MOST_VALUES and table.tasks * size**2 <= LARGEST_TABLE
    coincidences = _count_coincidences(table) if small else None
    return OrdinalAlpha(table, count_values(table), coincidences)


def _count_coincidences(table: JudgmentTable) -> PooledCounts:
    """Unordered pairs of different values within units, each divided by (judgments of the unit - 1)."""
    unit, category, count = table.count_categories()
    size = len(table.values)
    start = np.searchsorted(unit, unit)
    tasks, columns, amounts = [], [], []
    for step in range(1, size):
        # Entry i meets the entry `step` places earlier in its unit, which holds a lower value.
        entry = np.flatnonzero(np.arange(len(unit)) - step >= start)
        if not len(entry):
            break
        tasks.append(table.task_of_unit[unit[entry]])
        columns.append(category[entry - step] * size + category[entry])
        amounts.append(count[entry - step] * count[entry] / (table.unit_sizes[unit[entry]] - 1))
    empty = np.zeros(0, np.int64)
    task, column = np.concatenate([empty, *tasks]), np.concatenate([empty, *columns])
    amount = np.concatenate([np.zeros(0), *amounts])
    joint, where = np.unique(task * size**2 + column, return_inverse=True)
    return PooledCounts(joint // size**2, joint % size**2, sum_by(where, amount, len(joint)), table.tasks, size**2)
