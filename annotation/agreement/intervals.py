"""PURE. From draws, or from a formula, to the ends of an interval."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.distributions import normal_probability, normal_quantile, t_quantile
from annotation.agreement.observations import Floats

FEWEST_DEFINED = 0.5
"""An interval needs at least this share of its resamples defined."""
RAREST = 1e-4
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends and how they were found."""

    low: float
    high: float
    method: str


def percentile_interval(draws: Floats, *, confidence: float) -> tuple[float, float] | None:
    """The middle `confidence` of the defined draws, or None when fewer than half of them are defined."""
    return _quantiles(draws, (1 - confidence) / 2, (1 + confidence) / 2)


def small_sample_interval(
    draws: Floats, *, value: float, left_out: Floats, tasks: int, confidence: float
) -> tuple[float, float] | None:
    """The bias-corrected and accelerated interval (BCa) with tails widened for few tasks.

    The percentile interval leans towards 0 for skewed statistics such as alpha, and is too short by the normal instead
    of the t quantile. By how much depends on how well the tasks tell their own spread (`_degrees_of_freedom`): where
    they either agree or don't, their mean tells it. `benchmarks/coverage.py` shows what all this costs.

    left_out: [tasks] the statistic without each task. Source: Efron 1987, "Better bootstrap confidence intervals"; the
    widened tails: Hesterberg 2015, "What teachers should know about the bootstrap", section 4.3.
    """
    defined = draws[~np.isnan(draws)]
    if len(defined) < FEWEST_DEFINED * len(draws) or not len(defined) or tasks < 2:
        return None
    # Draws that equal the value count half, and so must those that would but for the last digit of a sum.
    below = (np.sign(np.where(np.abs(value - defined) < ROUNDING, 0, value - defined)).mean() + 1) / 2
    bias = normal_quantile(float(np.clip(below, RAREST, 1 - RAREST)))
    degrees = _degrees_of_freedom(left_out, otherwise=tasks - 1)
    # Resamples spread by the tasks' own variance, short of the true one; Poisson weights, which draw the number of
    # tasks as well, spread them by 1 / tasks more.
    spread = ((1 + 1 / degrees) / (1 + 1 / tasks)) ** 0.5
    reach = t_quantile((1 + confidence) / 2, degrees) * spread
    acceleration = _acceleration(left_out)
    tails = [_shift(end, bias, acceleration) for end in (-reach, reach)]
    return _quantiles(draws, *tails)


def _shift(end: float, bias: float, acceleration: float) -> float:
    """The share of draws below one end of the interval."""
    denominator = 1 - acceleration * (bias + end)
    if denominator <= 0:
        return float(end > 0)
    return normal_probability(bias + (bias + end) / denominator)


def _degrees_of_freedom(left_out: Floats, *, otherwise: float) -> float:
    """Of the tasks' variance, as far as their mean does not tell it: n - 1 where each task's influence is normal.

    A variance is known the better the lighter its tails. What skewness adds to the fourth moment goes along with the
    mean, and the acceleration has seen to it: of influences with only two values nothing is left to guess.

    otherwise: where no task's influence is known. Source: Shoemaker 2003, "Fixing the F test for equal variances", with
    the squared skewness taken off the kurtosis.
    """
    tasks = int(np.count_nonzero(~np.isnan(left_out)))
    unknown = _moment(left_out, 4) - _moment(left_out, 3) ** 2
    return otherwise if np.isnan(unknown) else 2 * tasks / max(unknown - (tasks - 3) / (tasks - 1), 2 / tasks)


def _acceleration(left_out: Floats) -> float:
    """How fast the standard error changes with the value, from leaving out one task at a time."""
    tasks, skewness = np.count_nonzero(~np.isnan(left_out)), _moment(left_out, 3)
    return 0.0 if np.isnan(skewness) else skewness / (6 * float(tasks) ** 0.5)


def _moment(left_out: Floats, power: int) -> float:
    """The standardised moment of the tasks' pull on the statistic; NaN where no task pulls."""
    known = left_out[~np.isnan(left_out)]
    pull = known.mean() - known if len(known) else known
    spread = float((pull**2).mean()) if len(known) else 0.0
    return float((pull**power).mean()) / spread ** (power / 2) if spread > 0 else float("nan")


def _quantiles(draws: Floats, low: float, high: float) -> tuple[float, float] | None:
    defined = draws[~np.isnan(draws)]
    if len(defined) < FEWEST_DEFINED * len(draws) or not len(defined):
        return None
    ends = np.quantile(defined, [low, high])
    return float(ends[0]), float(ends[1])
