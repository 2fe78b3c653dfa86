"""PURE. Intraclass correlation of scores, after Shrout and Fleiss."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotation.agreement.distributions import f_quantile
from annotation.agreement.interval import measure_from
from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats
from annotation.agreement.statistic import Additive, divide, sum_by

Case = Literal[1, 2, 3]
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class OneWayIcc(Additive):
    """ICC(1): what part of the variance of scores lies between units when each was scored by people drawn anew.

    Units may have different numbers of judgments n: their place is then taken by k0 = (N - sum n^2 / N) / (units - 1).
    The average form is the reliability of the mean of k0 judgments. Undefined (NaN) when all scores are the same.
    Source: Shrout and Fleiss 1979, case 1; for unequal numbers Donner 1986, "A review of inference procedures".
    """

    by_task: Floats
    """[tasks, 6] units, judgments, sum of n^2, total, sum of n * mean^2, squares within units."""
    average: bool

    @property
    def columns(self) -> Floats:
        return self.by_task

    def combine(self, sums: Floats) -> Floats:
        between, within, k, _ = self.mean_squares(sums)
        return _ratio(between - within, between if self.average else between + (k - 1) * within, between + within)

    def mean_squares(self, sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """(between units, within units, k0, units)"""
        units, judgments, sizes_squared, total, weighted, within = sums.T
        between = divide(weighted - divide(total**2, judgments), units - 1)
        k = divide(judgments - divide(sizes_squared, judgments), units - 1)
        return np.maximum(between, 0), divide(within, judgments - units), k, units


@dataclass(frozen=True, eq=False, slots=True)
class TwoWayIcc(Additive):
    """ICC(2) and ICC(3): the same k people scored every unit.

    ICC(2) asks for the same scores (absolute agreement, people as a sample of all); ICC(3) forgives a person's constant
    severity (consistency, these people and no others). The average form is the reliability of the mean of all k.
    Undefined (NaN) when all scores are the same. Source: Shrout and Fleiss 1979, cases 2 and 3.
    """

    by_task: Floats
    """[tasks, 3 + k] units, squares of all scores, squares of unit totals, total by person."""
    case: Case
    average: bool

    @property
    def columns(self) -> Floats:
        return self.by_task

    def combine(self, sums: Floats) -> Floats:
        rows, people, error, units = self.mean_squares(sums)
        k = sums.shape[1] - 3
        severity = divide(people - error, units) if self.case == 2 else np.zeros_like(error)
        whole = rows + severity if self.average else rows + (k - 1) * error + k * severity
        return _ratio(rows - error, whole, rows + error + people)

    def mean_squares(self, sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """(between units, between people, the rest, units)"""
        units, squares, by_unit, by_person = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:]
        k = by_person.shape[1]
        grand = divide(by_person.sum(axis=1) ** 2, units * k)
        rows = by_unit / k - grand
        people = divide((by_person**2).sum(axis=1), units) - grand
        rest = squares - grand - rows - people
        error = np.maximum(divide(rest, (units - 1) * (k - 1)), 0)
        return np.maximum(divide(rows, units - 1), 0), np.maximum(people / (k - 1), 0), error, units


def one_way_icc(table: JudgmentTable, *, average: bool = False, origin: float | None = None) -> OneWayIcc:
    """ICC(1) of a table, whatever its gaps."""
    value, sizes = measure_from(table, origin), table.unit_sizes.astype(np.float64)
    total = sum_by(table.unit, value, table.units)
    mean = total / sizes
    within = sum_by(table.unit, (value - mean[table.unit]) ** 2, table.units)
    parts = (np.ones_like(sizes), sizes, sizes**2, total, sizes * mean**2, within)
    return OneWayIcc(np.column_stack([sum_by(table.task_of_unit, part, table.tasks) for part in parts]), average)


def two_way_icc(panel: JudgmentTable, *, case: Case, average: bool = False) -> TwoWayIcc:
    """ICC(2) or ICC(3) of a table without gaps; see `panels.find_panel`.

    Raises: ValueError when a unit lacks somebody's judgment.
    """
    people, place = np.unique(panel.annotator, return_inverse=True)
    if panel.judgments != panel.units * len(people):
        raise ValueError("ICC(2) and ICC(3) need a score of every unit by the same people")
    value = measure_from(panel)
    total = sum_by(panel.unit, value, panel.units)
    parts = [
        np.bincount(panel.task_of_unit, minlength=panel.tasks),
        sum_by(panel.task, value**2, panel.tasks),
        sum_by(panel.task_of_unit, total**2, panel.tasks),
        *(sum_by(panel.task[place == each], value[place == each], panel.tasks) for each in range(len(people))),
    ]
    return TwoWayIcc(np.column_stack(parts).astype(np.float64), case, average)


def icc_interval(statistic: OneWayIcc | TwoWayIcc, sums: Floats, *, confidence: float) -> tuple[float, float] | None:
    """The F-based interval from the sums over all tasks [columns]; None where the mean squares leave it undefined.

    It holds for independent units with normal errors and, in case 1, the same number of judgments for each; see
    `is_balanced`.
    Source: Shrout and Fleiss 1979; the degrees of freedom of case 2 after Satterthwaite.
    """
    sums = sums[None]
    if isinstance(statistic, OneWayIcc):
        between, within, k, n = (float(part[0]) for part in statistic.mean_squares(sums))
        return (
            None if not within else _f_interval(between / within, n - 1, n * (k - 1), k, statistic.average, confidence)
        )
    rows, people, error, n = (float(part[0]) for part in statistic.mean_squares(sums))
    k = sums.shape[1] - 3
    if not error:
        return None
    if statistic.case == 3:
        return _f_interval(rows / error, n - 1, (n - 1) * (k - 1), k, statistic.average, confidence)
    return _absolute_interval((rows, people, error), n, k, average=statistic.average, confidence=confidence)


def is_balanced(sums: Floats) -> bool:
    """Whether all units have the same number of judgments. sums: [columns] of a OneWayIcc."""
    units, judgments, sizes_squared = sums[:3]
    return bool(np.isclose(units * sizes_squared, judgments**2, rtol=1e-12))


def _f_interval(
    ratio: float, above: float, below: float, k: float, average: bool, confidence: float
) -> tuple[float, float]:
    tail = (1 + confidence) / 2
    ends = (ratio / f_quantile(tail, above, below), ratio * f_quantile(tail, below, above))
    low, high = (1 - 1 / end if average else (end - 1) / (end + k - 1) for end in ends)
    return low, high


def _absolute_interval(
    squares: tuple[float, float, float], n: float, k: int, *, average: bool, confidence: float
) -> tuple[float, float]:
    rows, people, error = squares
    icc = (rows - error) / (rows + (k - 1) * error + k * (people - error) / n)
    spread, share = people / error, n * (1 + (k - 1) * icc) - k * icc
    above = (k - 1) * (n - 1) * (k * icc * spread + share) ** 2
    degrees = above / ((n - 1) * (k * icc * spread) ** 2 + share**2)
    tail = (1 + confidence) / 2
    wide, narrow = f_quantile(tail, n - 1, degrees), f_quantile(tail, degrees, n - 1)
    rest = k * people + (k * n - k - n) * error
    low = n * (rows - wide * error) / (wide * rest + n * rows)
    high = n * (narrow * rows - error) / (rest + n * narrow * rows)
    return (_step_up(low, k), _step_up(high, k)) if average else (low, high)


def _step_up(single: float, k: int) -> float:
    """Spearman and Brown: the reliability of a mean of k from that of one."""
    return single * k / (1 + single * (k - 1))


def _ratio(part: Floats, whole: Floats, scale: Floats) -> Floats:
    return divide(part, np.where(np.abs(whole) <= ROUNDING * scale, 0.0, whole))
