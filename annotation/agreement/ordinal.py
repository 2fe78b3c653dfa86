"""PURE. Krippendorff's alpha for values with an order, such as points of a scale."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats, Integers
from annotation.agreement.pooled_counts import LARGEST_TABLE, PooledCounts, count_values, pool_counts
from annotation.agreement.statistic import Statistic, divide

MOST_VALUES = 32
"""Up to here a resample's table of values by values is smaller than its judgments."""


@dataclass(frozen=True, eq=False, slots=True)
class Coincidences:
    """Pairs of different values within units, each divided by (judgments of the unit - 1), by task."""

    lower: Integers
    """[pairs] number of the lower value."""
    higher: Integers
    """[pairs] number of the higher value."""
    counts: PooledCounts
    """[tasks, pairs]"""


@dataclass(frozen=True, eq=False, slots=True)
class OrdinalAlpha(Statistic):
    """1 - observed / expected disagreement, where two values are as far apart as there are judgments between them.

    The number of judgments from one value to another, the ends counted half, is the difference of their mid-ranks
    among all judgments. So this is the interval statistic on mid-ranks, and needs no table of values by values. In a
    resample the mid-ranks are those of the resample. Missing data and the undefined case as for NominalAlpha.
    Source: Krippendorff 2011, section D (ordinal metric); the mid-rank form follows from it.
    """

    table: JudgmentTable
    sizes: Floats
    """[units] judgments of each unit."""
    counts: PooledCounts
    coincidences: Coincidences | None
    """None where there are so many values that going through the judgments is cheaper."""

    def evaluate(self, weights: Floats) -> Floats:
        by_value = self.counts.evaluate(weights)
        count = by_value.sum(axis=1)
        ranks = np.cumsum(by_value, axis=1) - by_value / 2 - count[:, None] / 2
        spread = 2 * (count * (by_value * ranks**2).sum(axis=1) - (by_value * ranks).sum(axis=1) ** 2)
        spread = np.where((by_value > 0).sum(axis=1) < 2, 0.0, spread)
        return 1 - divide((count - 1) * self._observed(weights, ranks), spread)

    def _observed(self, weights: Floats, ranks: Floats) -> Floats:
        pairs = self.coincidences
        if pairs is None:
            return np.array([self._observed_once(row, rank) for row, rank in zip(weights, ranks, strict=True)])
        distances = (ranks[:, pairs.lower] - ranks[:, pairs.higher]) ** 2
        return 2 * (pairs.counts.evaluate(weights) * distances).sum(axis=1)

    def _observed_once(self, weights: Floats, ranks: Floats) -> float:
        """The judgments are sorted by unit, so one pass adds up each unit's ranks and their squares."""
        rank = ranks[self.table.category]
        starts = np.cumsum(self.sizes).astype(np.int64) - self.sizes.astype(np.int64)
        total, squares = np.add.reduceat(rank, starts), np.add.reduceat(rank * rank, starts)
        by_unit = 2 * (self.sizes * squares - total**2) / (self.sizes - 1)
        return float(by_unit @ weights[self.table.task_of_unit])


def ordinal_alpha(table: JudgmentTable) -> OrdinalAlpha:
    """The statistic of a table."""
    size = len(table.values)
    small = size <= MOST_VALUES and table.tasks * size * (size - 1) // 2 <= LARGEST_TABLE
    coincidences = _count_coincidences(table) if small else None
    return OrdinalAlpha(table, table.unit_sizes.astype(np.float64), count_values(table), coincidences)


def _count_coincidences(table: JudgmentTable) -> Coincidences:
    unit, category, count = table.count_categories()
    size = len(table.values)
    start, place = np.searchsorted(unit, unit), np.arange(len(unit))
    # Step by step, every entry meets each earlier entry of its unit, which holds a lower value.
    met = [(entry - step, entry) for step in range(1, size) if len(entry := np.flatnonzero(place - step >= start))]
    nothing = np.zeros(0, np.int64)
    before = np.concatenate([nothing, *(one for one, _ in met)])
    after = np.concatenate([nothing, *(other for _, other in met)])
    joint, column = np.unique(category[before] * size + category[after], return_inverse=True)
    counts = pool_counts(
        task=table.task_of_unit[unit[after]],
        column=column,
        count=count[before] * count[after] / (table.unit_sizes[unit[after]] - 1),
        tasks=table.tasks,
        columns=len(joint),
    )
    return Coincidences(joint // max(size, 1), joint % max(size, 1), counts)
