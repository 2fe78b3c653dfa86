"""PURE: how far noisy curves rise, with an interval that knows that neighbouring steps are not independent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from scipy import stats

CONFIDENCE = 0.95
SEEDS_ENOUGH = 5
"""From so many runs on each counts as one independent observation; fewer leave the width to luck."""
LEAST_STEPS = 3


@dataclass(frozen=True, slots=True)
class Rise:
    """A rise and how sure it is."""

    value: float
    """From the first step to the last, by least squares."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end."""
    method: str
    """What the interval speaks for and how it was made, in a few words."""


def measure_rise(curves: Sequence[Sequence[float]]) -> Rise:
    """The rise of the mean of curves [seeds, steps], all of one length.

    With `SEEDS_ENOUGH` curves or more the interval is Student's, over the curves' own rises: it speaks for other seeds.
    With fewer it speaks for these runs alone, as if all rose alike and nothing but their steps were chance: that other
    seeds may rise more steeply or less is not in it. The standard error is then that of a moving-block bootstrap of the
    residuals (Künsch 1989, Ann. Statist. 17(3)), which for a slope needs no drawing. As the blocks are few, it is
    widened by what the slope and each curve's level take, and multiplied by Student's quantile for the blocks left.
    Blocks come from all curves and are as long as `block_length` says.
    Raises: ValueError for curves of other lengths than the first, or of fewer than three steps.
    """
    lengths = {len(curve) for curve in curves}
    if len(lengths) != 1 or min(lengths) < LEAST_STEPS:
        raise ValueError(f"curves must all have the same {LEAST_STEPS} steps or more, got {sorted(lengths)}")
    values = numpy.asarray(curves, dtype=numpy.float64)
    steps = values.shape[1]
    places = numpy.arange(steps) - (steps - 1) / 2
    slopes = values @ places / (places**2).sum()
    slope = float(slopes.mean())
    if len(values) >= SEEDS_ENOUGH:
        error, freedom = float(slopes.std(ddof=1)) / math.sqrt(len(values)), len(values) - 1.0
        method = f"of new seeds, from {len(values)}"
    else:
        length = block_length(steps)
        error, freedom = _error_by_blocks(values - values.mean(axis=1, keepdims=True) - slope * places, places, length)
        method = f"of these seeds alone, moving blocks of {length} steps"
    reach = error * float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
    return Rise(slope * (steps - 1), (slope - reach) * (steps - 1), (slope + reach) * (steps - 1), method)


def block_length(steps: int) -> int:
    """Steps of a block: 1.5 roots of all of them, though at most a third, so that there are three blocks."""
    return max(1, min(round(1.5 * math.sqrt(steps)), steps // 3))


def _error_by_blocks(residuals: numpy.ndarray, places: numpy.ndarray, length: int) -> tuple[float, float]:
    """Standard error of the slope, and the degrees of freedom left. residuals [seeds, steps]; places [steps]."""
    seeds, steps = residuals.shape
    windows = numpy.lib.stride_tricks.sliding_window_view(residuals, length, axis=1).reshape(-1, length)
    variance = 0.0
    for start in range(0, steps, length):
        weights = places[start : start + length]
        # A block drawn for this place adds its weighted sum; draws for different places are independent.
        variance += seeds * float((windows[:, : len(weights)] @ weights).var())
    blocks = seeds * steps / length
    # A curve has three blocks or more, so this is 1 at least.
    freedom = blocks - seeds - 1
    return math.sqrt(variance * blocks / freedom) / (seeds * float((places**2).sum())), freedom
