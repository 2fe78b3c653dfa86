"""PURE. Krippendorff's alpha for amounts, where 1 against 2 is as far apart as 10 against 20."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.linear import Linear, linearise_alpha
from annotation.agreement.observations import Floats
from annotation.agreement.pooled_counts import count_values
from annotation.agreement.statistic import Additive, Statistic, divide, sum_by

MOST_VALUES = 64
"""Up to here the sum over pairs of values is taken as it stands."""
STEP = 0.3
"""Of the integral over log t; its error shrinks as exp(-pi^2 / step), to some 1e-14 here."""
BEFORE, AFTER = 17.0, 3.7
"""How far below 1 / largest and above 1 / smallest value the integral begins and ends, in log t."""


@dataclass(frozen=True, eq=False, slots=True)
class RatioAlpha(Additive):
    """1 - observed / expected disagreement, where disagreement is ((a - b) / (a + b)) squared. Two zeros are equal.

    Missing data as for NominalAlpha. Undefined (NaN) when one value is used throughout, or when a value is negative:
    such a scale has no zero to take ratios from. Source: Krippendorff 2011, section D (ratio metric).
    """

    disagreement: Floats
    """[tasks] distances of ordered pairs within a unit, each divided by (judgments of the unit - 1)."""
    counts: Floats
    """[tasks, values]"""
    distances: Floats
    """[values, values]"""

    @property
    def columns(self) -> Floats:
        return np.column_stack([self.disagreement, self.counts])

    def combine(self, sums: Floats) -> Floats:
        disagreement, by_value = sums[:, 0], sums[:, 1:]
        apart = ((by_value @ self.distances) * by_value).sum(axis=1)
        return 1 - divide((by_value.sum(axis=1) - 1) * disagreement, apart)


@dataclass(frozen=True, eq=False, slots=True)
class ManyValuedRatioAlpha(Statistic):
    """The same for values without number, in memory in proportion to the judgments.

    The expectation needs every value against every other. Since 1 / s^2 is the integral of t exp(-t s) over t, that sum
    over pairs is an integral of products of sums over single values, which some hundred points give to full precision.
    """

    table: JudgmentTable
    disagreement: Floats

    def evaluate(self, weights: Floats) -> Floats:
        apart = np.zeros(len(weights))
        for weight, *parts in self._integrate():
            whole, first, second = (weights @ part for part in parts)
            spread = 2 * (whole * second - first**2)
            apart += weight * np.where(spread <= 1e-12 * whole * second, 0.0, spread)
        count = weights @ self._count
        return 1 - divide((count - 1) * (weights @ self.disagreement), apart)

    def linearise(self) -> Linear:
        """The value and its derivative by each task's weight."""
        apart, slope = 0.0, np.zeros(self.table.tasks)
        for weight, *parts in self._integrate():
            whole, first, second = (part.sum() for part in parts)
            apart += weight * 2 * (whole * second - first**2)
            slope += weight * 2 * (parts[0] * second + parts[2] * whole - 2 * first * parts[1])
        return linearise_alpha(
            count=self._count, observed=self.disagreement, observed_slope=0.0, expected=apart, expected_slope=slope
        )

    @property
    def _count(self) -> Floats:
        return np.bincount(self.table.task, minlength=self.table.tasks).astype(np.float64)

    def _integrate(self) -> Iterator[tuple[float, Floats, Floats, Floats]]:
        """For each point t its weight and, by task, the sums of e, d e and d^2 e: e is exp(-t value), d a value taken
        from the mean under e, so that no digits are lost however far the values spread."""
        value, category, task, tasks = self.table.values, self.table.category, self.table.task, self.table.tasks
        count = np.bincount(category, minlength=len(value))
        for log_t in np.arange(-np.log(value[-1]) - BEFORE, -np.log(value[value > 0][0]) + AFTER, STEP):
            amount = np.exp(-np.exp(log_t) * value)
            share = count * amount
            distance = value - share @ value / share.sum() if share.sum() else value
            whole, first, second = (sum_by(task, (amount * distance**p)[category], tasks) for p in range(3))
            yield STEP * np.exp(2 * log_t), whole, first, second


def ratio_alpha(table: JudgmentTable) -> RatioAlpha | ManyValuedRatioAlpha:
    """The statistic of a table."""
    value, counts = table.values, count_values(table)
    if len(value) and value[0] < 0:
        nothing = np.zeros((table.tasks, 1))
        return RatioAlpha(nothing[:, 0], nothing, np.zeros((1, 1)))
    by_task = sum_by(table.task_of_unit, _disagreement(table), table.tasks)
    if counts.dense is None or len(value) > MOST_VALUES:
        return ManyValuedRatioAlpha(table, by_task)
    return RatioAlpha(by_task, counts.dense, _distance(value[:, None], value))


def _disagreement(table: JudgmentTable) -> Floats:
    """[units] ordered pairs' distances, each divided by (judgments of the unit - 1)."""
    value, sizes = table.values[table.category], table.unit_sizes
    place = np.arange(table.judgments)
    end = np.cumsum(sizes)[table.unit]
    total = np.zeros(table.units)
    for step in range(1, int(sizes.max(initial=0))):
        first = place[place + step < end]
        total += sum_by(table.unit[first], _distance(value[first], value[first + step]), table.units)
    return 2 * total / np.maximum(sizes - 1, 1)


def _distance(one: Floats, other: Floats) -> Floats:
    """((a - b) / (a + b))^2, 0 for two zeros."""
    difference = one - other
    return np.divide(difference, one + other, out=np.zeros_like(difference), where=difference != 0) ** 2
