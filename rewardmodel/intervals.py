"""PURE: ratios with bootstrap intervals over whole prompts."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and how sure it is."""

    value: float | None
    """The value; None where nothing could be counted."""
    low: float | None
    """Lower end of the interval; None where fewer than two prompts leave it undefined."""
    high: float | None
    """Upper end of the interval."""
    n: int
    """How many things were counted."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are made."""

    samples: int = 1000
    """Bootstrap resamples."""
    confidence: float = 0.95
    """Coverage."""
    seed: int = 0
    """Seed of the resampling."""


def estimate_ratio(
    hits: numpy.ndarray, counts: numpy.ndarray, prompts: Sequence[Hashable], resampling: Resampling
) -> Estimate:
    """sum(hits) / sum(counts) with a percentile bootstrap interval that resamples prompts.

    hits, counts: [items] float; an item of count 0 is missing and says nothing. prompts: [items]; items of one prompt
    stay together, for they are not independent.
    Returns: value None if nothing is counted; no interval if fewer than two prompts are counted.
    Source: cluster bootstrap, Field and Welsh 2007, J. R. Statist. Soc. B 69(3).
    """
    counted = counts > 0
    total = float(counts[counted].sum())
    if total == 0:
        return Estimate(None, None, None, 0)
    value = float(hits[counted].sum()) / total
    names, cluster = numpy.unique([str(prompt) for prompt in prompts], return_inverse=True)
    per_prompt = numpy.zeros((2, len(names)))
    numpy.add.at(per_prompt[0], cluster[counted], hits[counted])
    numpy.add.at(per_prompt[1], cluster[counted], counts[counted])
    per_prompt = per_prompt[:, per_prompt[1] > 0]
    low, high = _percentiles(per_prompt, resampling) if per_prompt.shape[1] >= 2 else (None, None)
    return Estimate(value, low, high, round(total))


def _percentiles(per_prompt: numpy.ndarray, resampling: Resampling) -> tuple[float, float]:
    clusters = per_prompt.shape[1]
    generator = numpy.random.default_rng(resampling.seed)
    ratios = numpy.empty(resampling.samples)
    for index in range(resampling.samples):
        drawn = generator.integers(0, clusters, clusters)
        hits, counts = per_prompt[:, drawn].sum(axis=1)
        ratios[index] = hits / counts
    tail = (1 - resampling.confidence) / 2
    low, high = numpy.quantile(ratios, [tail, 1 - tail])
    return float(low), float(high)
