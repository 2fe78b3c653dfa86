"""PURE. How a statistic answers to a small change of each task's weight, and the interval that follows from it."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.distributions import t_quantile
from annotation.agreement.observations import Floats
from annotation.agreement.statistic import Additive

NUDGE = 1e-4
"""The change of a weight from which a derivative is taken, as a share of 1."""


@dataclass(frozen=True, eq=False, slots=True)
class Linear:
    """A statistic seen as a sum over tasks, near its value."""

    value: float
    influence: Floats
    """[tasks] derivative of the value by the weight of each task."""

    @property
    def standard_error(self) -> float:
        """The infinitesimal jackknife's; for one unit a task it is the delta method's, which textbooks print."""
        return float(np.sqrt((self.influence**2).sum()))

    def interval(self, *, tasks: int, confidence: float) -> tuple[float, float] | None:
        """value +- t * standard error, cut off at 1; None where a derivative is undefined or there is but one task.

        tasks: how many tasks count, one more than the degrees of freedom; for few of them the standard error is
        taken up by the root of n / (n - 1).
        Source: Jaeckel 1972, "The infinitesimal jackknife"; Gwet 2008 for kappa-like coefficients.
        """
        if np.isnan(self.value) or not np.isfinite(self.influence).all() or tasks < 2:
            return None
        half = t_quantile((1 + confidence) / 2, tasks - 1) * self.standard_error * np.sqrt(tasks / (tasks - 1))
        return float(self.value - half), min(float(self.value + half), 1.0)


def linearise(statistic: Additive) -> Linear:
    """The value of a statistic of sums and its derivative by each task's weight."""
    columns = statistic.columns
    sums = columns.sum(axis=0)
    value = float(statistic.combine(sums[None])[0])
    more, less = statistic.combine(sums + NUDGE * columns), statistic.combine(sums - NUDGE * columns)
    return Linear(value, (more - less) / (2 * NUDGE))


def linearise_alpha(
    *, count: Floats, observed: Floats, observed_slope: Floats | float, expected: float, expected_slope: Floats
) -> Linear:
    """The derivative of 1 - (n - 1) * observed / expected.

    count, observed: [tasks] each task's judgments, and what it adds to the observed disagreement. observed_slope,
    expected_slope: [tasks] how the sums answer to a task's weight; the first besides what the task itself adds.
    """
    judgments, apart = count.sum(), observed.sum()
    if not expected:
        return Linear(np.nan, np.full(len(count), np.nan))
    share = (judgments - 1) * apart / expected
    slope = (count * apart + (judgments - 1) * (observed + observed_slope) - share * expected_slope) / expected
    return Linear(float(1 - share), -slope)
