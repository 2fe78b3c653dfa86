"""PURE. Gwet's AC1 and AC2: agreement beyond chance that stays steady when nearly all say the same."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats
from annotation.agreement.pooled_counts import tabulate_values
from annotation.agreement.statistic import Additive, divide, sum_by

Weights = Literal["identity", "linear", "quadratic"]


@dataclass(frozen=True, eq=False, slots=True)
class GwetCoefficient(Additive):
    """(observed - expected agreement) / (1 - expected), where only hard units are thought to be guessed.

    Expected: sum of all weights / (q (q - 1)) * sum over values of p (1 - p), with p the mean share of a value over
    units and q the number of distinct values. Identity weights give AC1, others AC2, where near values agree in part.

    Missing data: every unit counts once, however many judged it; one judged once tells how often a value is used, and
    nothing of agreement. Undefined (NaN) when the data know one value only.
    Source: Gwet 2008, "Computing inter-rater reliability and its variance in the presence of high agreement".
    """

    agreement: Floats
    """[tasks] weighted share of annotator pairs that agree, added up over units."""
    compared: Floats
    """[tasks] units that two or more judged."""
    shares: Floats
    """[tasks, values] share of a unit's judgments, added up over all units."""
    chance: float
    """Sum of all weights / (q (q - 1))."""

    @property
    def columns(self) -> Floats:
        return np.column_stack([self.agreement, self.compared, self.shares])

    def combine(self, sums: Floats) -> Floats:
        shares = divide(sums[:, 2:], sums[:, 2:].sum(axis=1, keepdims=True))
        expected = self.chance * (shares * (1 - shares)).sum(axis=1)
        return divide(divide(sums[:, 0], sums[:, 1]) - expected, 1 - expected)


def gwet_coefficient(table: JudgmentTable, *, weights: Weights = "identity") -> GwetCoefficient:
    """AC1 (identity) or AC2 of a table; distances are those of the values.

    table: with the units that one annotator alone judged (`fewest=1`).
    """
    matrix, values = agreement_weights(table.values, weights), len(table.values)
    cells = table.unit * values + table.category
    counts = np.bincount(cells, minlength=table.units * values).reshape(table.units, values)
    near = ((counts @ matrix) * counts).sum(axis=1) - counts.sum(axis=1)
    sizes = table.unit_sizes.astype(np.float64)
    compared = (sizes > 1).astype(np.float64)
    return GwetCoefficient(
        agreement=sum_by(table.task_of_unit, compared * near / np.maximum(sizes * (sizes - 1), 1), table.tasks),
        compared=sum_by(table.task_of_unit, compared, table.tasks),
        shares=tabulate_values(table, amounts=1 / sizes[table.unit]),
        chance=float(matrix.sum() / (values * (values - 1))) if values > 1 else np.nan,
    )


def agreement_weights(values: Floats, weights: Weights) -> Floats:
    """[values, values] 1 on the diagonal, falling with the distance as a share of the widest, to 0 at the far ends."""
    if weights == "identity" or len(values) < 2:
        return np.eye(len(values))
    distance = np.abs(values[:, None] - values) / np.ptp(values)
    return 1 - (distance if weights == "linear" else distance**2)
