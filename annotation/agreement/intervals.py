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
    of the t quantile. Its other shortness, sqrt((n - 1) / n), needs no mending here: Poisson weights draw the number of
    tasks as well, which spreads the draws by more. `benchmarks/coverage.py` shows what both cost.

    left_out: [tasks] the statistic without each task. Source: Efron 1987, "Better bootstrap confidence intervals"; the
    widened tails: Hesterberg 2015, "What teachers should know about the bootstrap", section 4.3.
    """
    defined = draws[~np.isnan(draws)]
    if len(defined) < FEWEST_DEFINED * len(draws) or not len(defined) or tasks < 2:
        return None
    # Draws that equal the value count half, and so must those that would but for the last digit of a sum.
    below = (np.sign(np.where(np.abs(value - defined) < ROUNDING, 0, value - defined)).mean() + 1) / 2
    bias = normal_quantile(float(np.clip(below, RAREST, 1 - RAREST)))
    reach = t_quantile((1 + confidence) / 2, tasks - 1)
    acceleration = _acceleration(left_out)
    tails = [_shift(end, bias, acceleration) for end in (-reach, reach)]
    return _quantiles(draws, *tails)


def _shift(end: float, bias: float, acceleration: float) -> float:
    """The share of draws below one end of the interval."""
    denominator = 1 - acceleration * (bias + end)
    if denominator <= 0:
        return float(end > 0)
    return normal_probability(bias + (bias + end) / denominator)


def _acceleration(left_out: Floats) -> float:
    """How fast the standard error changes with the value, from leaving out one task at a time."""
    known = left_out[~np.isnan(left_out)]
    pull = known.mean() - known if len(known) else known
    scale = float((pull**2).sum()) ** 1.5
    return float((pull**3).sum() / (6 * scale)) if scale > 0 else 0.0


def _quantiles(draws: Floats, low: float, high: float) -> tuple[float, float] | None:
    defined = draws[~np.isnan(draws)]
    if len(defined) < FEWEST_DEFINED * len(draws) or not len(defined):
        return None
    ends = np.quantile(defined, [low, high])
    return float(ends[0]), float(ends[1])
