"""PURE. Fleiss' kappa: many annotators, the same number of judgments for each unit."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats
from annotation.agreement.pairwise import percent_agreement
from annotation.agreement.pooled_counts import tabulate_values
from annotation.agreement.statistic import Additive, divide


@dataclass(frozen=True, eq=False, slots=True)
class FleissKappa(Additive):
    """(observed - expected agreement) / (1 - expected), the expectation from how often all use each value.

    Undefined (NaN) when one value is used throughout.
    Source: Fleiss 1971, "Measuring nominal scale agreement among many raters".
    """

    agreement: Floats
    """[tasks] share of annotator pairs that say the same, added up over units."""
    units: Floats
    """[tasks]"""
    counts: Floats
    """[tasks, values]"""

    @property
    def columns(self) -> Floats:
        return np.column_stack([self.agreement, self.units, self.counts])

    def combine(self, sums: Floats) -> Floats:
        agreement, units, counts = sums[:, 0], sums[:, 1], sums[:, 2:]
        total = counts.sum(axis=1)
        expected = divide((counts**2).sum(axis=1), total**2)
        one_value = (counts > 0).sum(axis=1) < 2
        return divide(divide(agreement, units) - expected, np.where(one_value, 0.0, 1 - expected))


def keep_usual_size(table: JudgmentTable) -> JudgmentTable:
    """The units with the number of judgments that covers most judgments; of two such numbers the larger."""
    if not table.units:
        return table
    sizes = table.unit_sizes
    covered = np.bincount(sizes) * np.arange(sizes.max() + 1)
    return table.keep_units(sizes == len(covered) - 1 - np.argmax(covered[::-1]))


def fleiss_kappa(table: JudgmentTable) -> FleissKappa:
    """The statistic of a table whose units all have the same number of judgments.

    Raises: ValueError when they don't; see `keep_usual_size`.
    """
    sizes = table.unit_sizes.astype(np.float64)
    if len(np.unique(sizes)) > 1:
        raise ValueError(f"Fleiss' kappa needs one number of judgments a unit, got {sizes.min():g} to {sizes.max():g}")
    return FleissKappa(
        agreement=percent_agreement(table).numerator,
        units=np.bincount(table.task_of_unit, minlength=table.tasks).astype(np.float64),
        counts=tabulate_values(table),
    )
