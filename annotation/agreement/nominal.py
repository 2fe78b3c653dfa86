"""PURE. Krippendorff's alpha for categories without an order."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.linear import Linear, linearise_alpha
from annotation.agreement.observations import Floats
from annotation.agreement.pooled_counts import PooledCounts, count_values
from annotation.agreement.statistic import Additive, Statistic, divide, sum_by

MOST_VALUES = 64
"""Up to here the counts of a task are a row of a table; beyond it only those that are not 0 are kept."""


@dataclass(frozen=True, eq=False, slots=True)
class NominalAlpha(Additive):
    """1 - observed / expected disagreement, where two values either differ or don't.

    Missing data: only units with two or more judgments count. Undefined (NaN) when one value is used throughout.
    Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C.
    """

    disagreement: Floats
    """[tasks] ordered pairs within a unit that differ, each divided by (judgments of the unit - 1)."""
    counts: Floats
    """[tasks, values]"""

    @property
    def columns(self) -> Floats:
        return np.column_stack([self.disagreement, self.counts])

    def combine(self, sums: Floats) -> Floats:
        return _alpha(sums[:, 0], sums[:, 1:])


@dataclass(frozen=True, eq=False, slots=True)
class ManyValuedNominalAlpha(Statistic):
    """The same for values without number, in memory in proportion to the judgments."""

    disagreement: Floats
    counts: PooledCounts

    def evaluate(self, weights: Floats) -> Floats:
        return _alpha(weights @ self.disagreement, self.counts.evaluate(weights))

    def linearise(self) -> Linear:
        """The value and its derivative by each task's weight."""
        task, column, tasks = self.counts.task, self.counts.column, len(self.disagreement)
        by_value = sum_by(column, self.counts.count, self.counts.columns)
        count = sum_by(task, self.counts.count, tasks)
        total = by_value.sum()
        slope = 2 * (total * count - sum_by(task, self.counts.count * by_value[column], tasks))
        return linearise_alpha(
            count=count, observed=self.disagreement, observed_slope=0.0,
            expected=float(total**2 - (by_value**2).sum()), expected_slope=slope,
        )  # fmt: skip


def _alpha(disagreement: Floats, by_value: Floats) -> Floats:
    total = by_value.sum(axis=1)
    differing_pairs = total**2 - (by_value**2).sum(axis=1)
    return 1 - divide((total - 1) * disagreement, differing_pairs)


def nominal_alpha(table: JudgmentTable) -> NominalAlpha | ManyValuedNominalAlpha:
    """The statistic of a table."""
    unit, _, count = table.count_categories()
    sizes = table.unit_sizes.astype(np.float64)
    differing = sizes**2 - sum_by(unit, count**2, table.units)
    by_task = sum_by(table.task_of_unit, differing / (sizes - 1), table.tasks)
    counts = count_values(table)
    if counts.dense is None or len(table.values) > MOST_VALUES:
        return ManyValuedNominalAlpha(by_task, counts)
    return NominalAlpha(by_task, counts.dense)
