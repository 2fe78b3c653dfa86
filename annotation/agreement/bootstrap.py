"""PURE. Intervals by drawing whole tasks again."""

from collections.abc import Iterator, Sequence

import numpy as np

from annotation.agreement.observations import Floats
from annotation.agreement.statistic import Statistic

CELLS_AT_ONCE = 4_000_000
FEWEST_DEFINED = 0.5
"""An interval needs at least this share of its resamples defined."""


def resample(
    statistics: Sequence[Statistic], *, tasks: int, width: int, resamples: int, generator: np.random.Generator
) -> Floats:
    """The sampling distribution of each statistic: [statistics, resamples], NaN where a resample leaves it undefined.

    Tasks are drawn with replacement, each with all its judgments, because judgments of one task hang together. All
    statistics see the same draws.

    width: the longest row a statistic makes for one resample (its distinct values), which bounds the memory.
    Source: Efron and Tibshirani 1993, chapter 8; Field and Welsh 2007 for clusters.
    """
    rows = max(1, CELLS_AT_ONCE // max(tasks, width, 1))
    parts = [
        np.stack([statistic.evaluate(weights) for statistic in statistics])
        for weights in _draw_weights(tasks, resamples, rows, generator)
    ]
    return np.concatenate(parts, axis=1)


def _draw_weights(tasks: int, resamples: int, rows: int, generator: np.random.Generator) -> Iterator[Floats]:
    """[up to rows, tasks] how often each task was drawn."""
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = generator.integers(0, tasks, size=(size, tasks)) + np.arange(size)[:, None] * tasks
        yield np.bincount(drawn.ravel(), minlength=size * tasks).reshape(size, tasks).astype(np.float64)


def percentile_interval(draws: Floats, *, confidence: float) -> tuple[float, float] | None:
    """The middle `confidence` of the defined draws, or None when fewer than half of them are defined."""
    defined = draws[~np.isnan(draws)]
    if len(defined) < FEWEST_DEFINED * len(draws) or not len(defined):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)
