"""PURE. Krippendorff's alpha for values with an order, such as points of a scale."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.linear import Linear, linearise_alpha
from annotation.agreement.observations import Floats, Integers
from annotation.agreement.pooled_counts import LARGEST_TABLE, PooledCounts, count_values
from annotation.agreement.statistic import Additive, Statistic, divide, sum_by

MOST_VALUES = 32
"""Up to here a resample's table of values by values is smaller than its judgments."""


@dataclass(frozen=True, eq=False, slots=True)
class Coincidences:
    """Pairs of different values within units, each divided by (judgments of the unit - 1), by task."""

    lower: Integers
    """[pairs] number of the lower value."""
    higher: Integers
    """[pairs] number of the higher value."""
    counts: Floats
    """[tasks, pairs]"""


@dataclass(frozen=True, eq=False, slots=True)
class OrdinalAlpha(Additive):
    """1 - observed / expected disagreement, where two values are as far apart as there are judgments between them.

    The number of judgments from one value to another, the ends counted half, is the difference of their mid-ranks
    among all judgments. So this is the interval statistic on mid-ranks, and needs no table of values by values. In a
    resample the mid-ranks are those of the resample. Missing data and the undefined case as for NominalAlpha.
    Source: Krippendorff 2011, section D (ordinal metric); the mid-rank form follows from it.
    """

    counts: Floats
    """[tasks, values]"""
    coincidences: Coincidences

    @property
    def columns(self) -> Floats:
        return np.concatenate([self.counts, self.coincidences.counts], axis=1)

    def combine(self, sums: Floats) -> Floats:
        values, pairs = self.counts.shape[1], self.coincidences
        ranks, count, spread = _rank(sums[:, :values])
        distances = (ranks[:, pairs.lower] - ranks[:, pairs.higher]) ** 2
        return 1 - divide((count - 1) * 2 * (sums[:, values:] * distances).sum(axis=1), spread)


@dataclass(frozen=True, eq=False, slots=True)
class ManyValuedOrdinalAlpha(Statistic):
    """The same for values without number: each evaluation goes through the judgments once."""

    table: JudgmentTable
    sizes: Floats
    """[units] judgments of each unit."""
    counts: PooledCounts

    def evaluate(self, weights: Floats) -> Floats:
        ranks, count, spread = _rank(self.counts.evaluate(weights))
        observed = np.array([self._observe(row, rank) for row, rank in zip(weights, ranks, strict=True)])
        return 1 - divide((count - 1) * observed, spread)

    def linearise(self) -> Linear:
        """The value and its derivative by each task's weight, which moves the ranks of all other judgments as well."""
        table, sizes = self.table, self.sizes[self.table.unit]
        by_value = np.bincount(table.category, minlength=len(table.values)).astype(np.float64)
        ranks, count, spread = _rank(by_value[None])
        rank, total = ranks[0][table.category], sum_by(table.unit, ranks[0][table.category], table.units)
        judgments = np.bincount(table.task, minlength=table.tasks).astype(np.float64)
        pull = 4 * (sizes * rank - total[table.unit]) / (sizes - 1)
        # The sum of all ranks is 0, as they are measured from their mean.
        own = 2 * (judgments * (rank @ rank) + count[0] * sum_by(table.task, rank**2, table.tasks))
        apart = 2 * (self.sizes * sum_by(table.unit, rank**2, table.units) - total**2) / (self.sizes - 1)
        return linearise_alpha(
            count=judgments, observed=sum_by(table.task_of_unit, apart, table.tasks), observed_slope=self._push(pull),
            expected=float(spread[0]), expected_slope=own + self._push(4 * count[0] * rank),
        )  # fmt: skip

    def _push(self, pull: Floats) -> Floats:
        """[tasks] a sum's change when the task's judgments, weighing more, push up the ranks of all above them.

        pull: [judgments] the sum's derivative by each rank.
        """
        by_value = sum_by(self.table.category, pull, len(self.table.values))
        above = by_value.sum() - np.cumsum(by_value) + by_value / 2
        return sum_by(self.table.task, above[self.table.category], self.table.tasks)

    def _observe(self, weights: Floats, ranks: Floats) -> float:
        """The judgments are sorted by unit, so one pass adds up each unit's ranks and their squares."""
        rank = ranks[self.table.category]
        starts = np.cumsum(self.sizes).astype(np.int64) - self.sizes.astype(np.int64)
        total, squares = np.add.reduceat(rank, starts), np.add.reduceat(rank * rank, starts)
        by_unit = 2 * (self.sizes * squares - total**2) / (self.sizes - 1)
        return float(by_unit @ weights[self.table.task_of_unit])


def _rank(by_value: Floats) -> tuple[Floats, Floats, Floats]:
    """(mid-ranks [resamples, values], judgments [resamples], twice their spread [resamples]) of counts by value."""
    count = by_value.sum(axis=1)
    ranks = np.cumsum(by_value, axis=1) - by_value / 2 - count[:, None] / 2
    spread = 2 * (count * (by_value * ranks**2).sum(axis=1) - (by_value * ranks).sum(axis=1) ** 2)
    return ranks, count, np.where((by_value > 0).sum(axis=1) < 2, 0.0, spread)


def is_tabulated(values: int, tasks: int) -> bool:
    """Whether pairs of values are few enough for a table by task."""
    return values <= MOST_VALUES and tasks * values * (values - 1) // 2 <= LARGEST_TABLE


def ordinal_alpha(table: JudgmentTable) -> OrdinalAlpha | ManyValuedOrdinalAlpha:
    """The statistic of a table."""
    size, counts = len(table.values), count_values(table)
    if counts.dense is not None and is_tabulated(size, table.tasks):
        return OrdinalAlpha(counts.dense, _count_coincidences(table))
    return ManyValuedOrdinalAlpha(table, table.unit_sizes.astype(np.float64), counts)


def _count_coincidences(table: JudgmentTable) -> Coincidences:
    """Every pair of values has its column, even one that never occurs, so that parts of the data fit the whole."""
    unit, category, count = table.count_categories()
    size = len(table.values)
    start, place = np.searchsorted(unit, unit), np.arange(len(unit))
    # Step by step, every entry meets each earlier entry of its unit, which holds a lower value.
    met = [(entry - step, entry) for step in range(1, size) if len(entry := np.flatnonzero(place - step >= start))]
    nothing = np.zeros(0, np.int64)
    before = np.concatenate([nothing, *(one for one, _ in met)])
    after = np.concatenate([nothing, *(other for _, other in met)])
    lower, higher = np.triu_indices(size, 1)
    column = np.zeros((size, size), np.int64)
    column[lower, higher] = np.arange(len(lower))
    cell = table.task_of_unit[unit[after]] * len(lower) + column[category[before], category[after]]
    counted = count[before] * count[after] / (table.unit_sizes[unit[after]] - 1)
    counts = sum_by(cell, counted, table.tasks * len(lower)).reshape(table.tasks, len(lower))
    return Coincidences(lower, higher, counts)
