"""PURE. Cohen's kappa between two annotators: plain, and with near values agreeing in part."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats, Integers
from annotation.agreement.statistic import Additive, divide, sum_by

Weights = Literal["plain", "linear", "quadratic"]


@dataclass(frozen=True, eq=False, slots=True)
class SharedUnits:
    """What two annotators said about the units that both judged. M units."""

    first: Integers
    """[M] number of the value among the table's values."""
    second: Integers
    """[M]"""
    task: Integers
    """[M] number of the task among those of `task_ids`."""
    task_ids: Integers
    """Numbers of the tasks in the table."""
    values: Floats
    """[C] the distinct values, ascending."""
    dropped: int
    """Judgments by one of the two of units that the other did not judge."""

    @property
    def tasks(self) -> int:
        return len(self.task_ids)


@dataclass(frozen=True, eq=False, slots=True)
class CohenKappa(Additive):
    """1 - observed / expected disagreement, the expectation from how often each of the two uses each value.

    Disagreement: 1 for any two different values (plain), their distance (linear) or its square (quadratic); distances
    are those of the values, so a point of the scale that nobody used still counts. Missing data: units that one of the
    two did not judge are left out. Undefined (NaN) when both use one and the same value throughout.
    Source: Cohen 1960, 1968; the interval by linearisation is that of Fleiss, Cohen and Everitt 1969.
    """

    disagreement: Floats
    """[tasks] added up over units."""
    first: Floats
    """[tasks, values] judgments of the first annotator."""
    second: Floats
    gaps: Floats
    """[values - 1] from each value to the next, for linear weights."""
    values: Floats
    weights: Weights

    @property
    def columns(self) -> Floats:
        return np.column_stack([self.disagreement, self.first, self.second])

    def combine(self, sums: Floats) -> Floats:
        width = len(self.values)
        first, second = sums[:, 1 : 1 + width], sums[:, 1 + width :]
        units = first.sum(axis=1)
        return 1 - divide(units * sums[:, 0], self._apart(first, second, units))

    def _apart(self, first: Floats, second: Floats, units: Floats) -> Floats:
        """Disagreement of all pairs of one judgment of each, without a table of values by values."""
        if self.weights == "plain":
            return units * second.sum(axis=1) - (first * second).sum(axis=1)
        if self.weights == "linear":
            below, under = np.cumsum(first, axis=1)[:, :-1], np.cumsum(second, axis=1)[:, :-1]
            return ((below * (units[:, None] - under) + (units[:, None] - below) * under) * self.gaps).sum(axis=1)
        value = self.values - self.values[len(self.values) // 2] if len(self.values) else self.values
        return units * ((first + second) @ value**2) - 2 * (first @ value) * (second @ value)


def cohen_kappa(shared: SharedUnits, *, weights: Weights = "plain") -> CohenKappa:
    """The statistic of two annotators."""
    distance = np.abs(shared.values[shared.first] - shared.values[shared.second])
    apart = {"plain": (distance > 0).astype(np.float64), "linear": distance, "quadratic": distance**2}[weights]
    width = len(shared.values)

    def tabulate(category: Integers) -> Floats:
        cells = shared.task * width + category
        return np.bincount(cells, minlength=shared.tasks * width).reshape(shared.tasks, width).astype(np.float64)

    return CohenKappa(
        disagreement=sum_by(shared.task, apart, shared.tasks), first=tabulate(shared.first),
        second=tabulate(shared.second), gaps=np.diff(shared.values), values=shared.values, weights=weights,
    )  # fmt: skip


def share_units(table: JudgmentTable, first: object, second: object) -> SharedUnits:
    """The units that two annotators, named by their ids, both judged.

    Raises: ValueError when one of them has no judgment that can be compared with anybody's.
    """
    rows = [_rows_of(table, annotator) for annotator in (first, second)]
    unit, one, other = np.intersect1d(table.unit[rows[0]], table.unit[rows[1]], return_indices=True)
    category = [table.category[rows[0]][one], table.category[rows[1]][other]]
    used, number = np.unique(np.concatenate(category), return_inverse=True)
    task_ids, task = np.unique(table.task_of_unit[unit], return_inverse=True)
    return SharedUnits(
        first=number[: len(unit)], second=number[len(unit) :], task=task, task_ids=task_ids,
        values=table.values[used], dropped=sum(map(len, rows)) - 2 * len(unit),
    )  # fmt: skip


def _rows_of(table: JudgmentTable, annotator: object) -> Integers:
    number = np.flatnonzero(table.annotator_ids == annotator)
    if not len(number):
        raise ValueError(f"annotator {annotator} judged nothing that anybody else judged")
    return np.flatnonzero(table.annotator == number[0])
