"""PURE. Krippendorff's alpha for categories without an order."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats
from annotation.agreement.pooled_counts import PooledCounts, count_values
from annotation.agreement.statistic import Statistic, divide, sum_by


@dataclass(frozen=True, eq=False, slots=True)
class NominalAlpha(Statistic):
    """1 - observed / expected disagreement, where two values either differ or don't.

    Missing data: only units with two or more judgments count. Undefined (NaN) when one value is used throughout.
    Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C.
    """

    disagreement: Floats
    """[tasks] ordered pairs within a unit that differ, each divided by (judgments of the unit - 1)."""
    counts: PooledCounts

    def evaluate(self, weights: Floats) -> Floats:
        by_value = self.counts.evaluate(weights)
        total = by_value.sum(axis=1)
        differing_pairs = total**2 - (by_value**2).sum(axis=1)
        return 1 - divide((total - 1) * (weights @ self.disagreement), differing_pairs)


def nominal_alpha(table: JudgmentTable) -> NominalAlpha:
    """The statistic of a table."""
    unit, _, count = table.count_categories()
    sizes = table.unit_sizes.astype(np.float64)
    differing = sizes**2 - sum_by(unit, count**2, table.units)
    by_task = sum_by(table.task_of_unit, differing / (sizes - 1), table.tasks)
    return NominalAlpha(by_task, count_values(table))
