"""PURE: means and shares with intervals over whole prompts that hold for few prompts.

`benchmarks/few_prompts.py` shows how often they hold the truth.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy

from rewardmodel.students_t import t_quantile

FEWEST_PROMPTS = 3
"""Two prompts say next to nothing of how far others would differ, so below this there is no interval."""
ALL_OR_NOTHING_PROMPTS = 0.5
"""Prompts assumed beside the others that are wholly right or wholly wrong, where a share's variance is estimated."""
ROUNDING = 1e-9
"""Prompts that differ by less than this share of their largest value don't differ."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and how sure it is."""

    value: float | None
    """The value; None where nothing could be counted."""
    low: float | None
    """Lower end of the interval; None where the prompts are too few, or too much alike, to tell."""
    high: float | None
    """Upper end of the interval."""
    n: int
    """How many things were counted."""
    prompts: int
    """Of how many prompts: what the interval rests on."""


def estimate_ratio(
    hits: numpy.ndarray,
    counts: numpy.ndarray,
    prompts: Sequence[Hashable],
    confidence: float,
    *,
    span: tuple[float, float] | None = None,
) -> Estimate:
    """sum(hits) / sum(counts) with an interval over prompts: the hull of two that are each too short for some data.

    One is Student's, on the linearised variance: right for normal values, too short on the long side of skewed ones.
    The other removes the skewness first. hits, counts: [items] float; an item of count 0 is missing and says nothing.
    prompts: [items]; items of one prompt stay together, for they are not independent. span: the least and the greatest
    that the ratio can be, for values that prompts may share by chance, as rewards of 0 and 1; None for continuous ones.
    Returns: value None if nothing is counted; no interval with fewer than `FEWEST_PROMPTS` prompts. Where no prompt
    differs from another the interval is that of a share of the span (none where the span is empty, for then nothing
    tells how far others would differ), or the value alone for continuous values, which are not alike by chance.
    Source: Bell and McCaffrey 2002, Survey Methodology 28(2), for the variance (CR2) and its degrees of freedom; Hall
    1992, J. R. Statist. Soc. B 54(1), for the cubic transformation that removes skewness.
    """
    sums = _sum_by_prompt(hits, counts, prompts)
    if sums is None or len(sums.counts) < FEWEST_PROMPTS:
        return _without_interval(sums)
    if not sums.differ:
        return _span_interval(sums, confidence, span)
    error, skewness = math.sqrt(sums.variance), sums.skewness
    reach = t_quantile((1 + confidence) / 2, sums.degrees)
    up, down = (max(reach, abs(_restore_skewness(end, skewness))) for end in (-reach, reach))
    return sums.estimate(sums.value - down * error, sums.value + up * error)


def estimate_share(
    hits: numpy.ndarray, counts: numpy.ndarray, prompts: Sequence[Hashable], confidence: float
) -> Estimate:
    """As `estimate_ratio`, of items whose hits lie between 0 and their count: a share, whose interval stays within 0
    and 1 and has a width even where all prompts were right, or all wrong.

    Wilson's, with as many independent prompts as would leave the share as uncertain as these do (`_share_interval`).
    Raises: ValueError for hits that are no part of their count.
    Source: Korn and Graubard 1998, Survey Methodology 24(2), for the effective number and Student's quantile; Wilson
    1927, J. Am. Stat. Assoc. 22, for the interval. `annotation/quality/wilson.py` has it for independent values.
    """
    if ((hits < -ROUNDING * counts) | (hits > (1 + ROUNDING) * counts))[counts > 0].any():
        raise ValueError(
            "estimate_share: hits must lie between 0 and their count; take estimate_ratio for other values"
        )
    sums = _sum_by_prompt(hits, counts, prompts)
    if sums is None or len(sums.counts) < FEWEST_PROMPTS:
        return _without_interval(sums)
    return sums.estimate(*_share_interval(sums, sums.value, sums.variance, confidence))


@dataclass(frozen=True, slots=True)
class _Sums:
    """What was counted, added up by prompt; all are counted."""

    hits: numpy.ndarray
    """[prompts]"""
    counts: numpy.ndarray
    """[prompts], above 0."""

    @property
    def value(self) -> float:
        return float(self.hits.sum() / self.counts.sum())

    @property
    def weights(self) -> numpy.ndarray:
        """[prompts] each one's share of what was counted."""
        shares: numpy.ndarray = self.counts / self.counts.sum()
        return shares

    @property
    def differ(self) -> bool:
        ratios = self.hits / self.counts
        return bool(numpy.ptp(ratios) > ROUNDING * numpy.abs(ratios).max())

    @property
    def pulls(self) -> numpy.ndarray:
        """[prompts] how far each moves the ratio, longer by what its own part in the ratio hides (CR2)."""
        left: numpy.ndarray = self.hits - self.value * self.counts
        return left / self.counts.sum() / numpy.sqrt(1 - self.weights)

    @property
    def variance(self) -> float:
        return float((self.pulls**2).sum())

    @property
    def skewness(self) -> float:
        """Of the ratio: that of the prompts over the root of their number."""
        return float((self.pulls**3).sum()) / self.variance**1.5

    @property
    def degrees(self) -> float:
        """Satterthwaite's degrees of freedom of the variance; one fewer than prompts of equal counts."""
        own = self.weights**2 / (1 - self.weights)
        return 1 / float((self.weights**2).sum() + own.sum() ** 2 - (own**2).sum())

    def estimate(self, low: float | None, high: float | None) -> Estimate:
        return Estimate(self.value, low, high, round(float(self.counts.sum())), len(self.counts))


def _sum_by_prompt(hits: numpy.ndarray, counts: numpy.ndarray, prompts: Sequence[Hashable]) -> _Sums | None:
    counted = counts > 0
    names, place = numpy.unique([str(prompt) for prompt in prompts], return_inverse=True)
    above, below = (numpy.bincount(place[counted], each[counted], len(names)) for each in (hits, counts))
    return _Sums(above[below > 0], below[below > 0]) if below.any() else None


def _without_interval(sums: _Sums | None) -> Estimate:
    return Estimate(None, None, None, 0, 0) if sums is None else sums.estimate(None, None)


def _restore_skewness(end: float, skewness: float) -> float:
    """Where Student's statistic stands when its transformation, which is hardly skewed, stands at `end`: the inverse of
    t + skewness t^2 / 3 + skewness^2 t^3 / 27 + skewness / 6."""
    even = end - skewness / 6
    root = float(numpy.cbrt(1 + skewness * even))
    return 3 * even / (root**2 + root + 1)


def _span_interval(sums: _Sums, confidence: float, span: tuple[float, float] | None) -> Estimate:
    """Of a ratio that all prompts share: that of the share of its span which lies below it."""
    if span is None:
        return sums.estimate(sums.value, sums.value)
    if not span[1] > span[0]:
        return sums.estimate(None, None)
    low, high = span
    share = (sums.value - low) / (high - low)
    if not -ROUNDING <= share <= 1 + ROUNDING:
        raise ValueError(f"estimate_ratio: {sums.value} lies outside of its span from {low} to {high}")
    ends = _share_interval(sums, share, 0.0, confidence)
    return sums.estimate(*(low + end * (high - low) for end in ends))


def _share_interval(sums: _Sums, share: float, variance: float, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a share with this variance.

    Prompts that are wholly right or wholly wrong make the variance as large as it can be, and tell it by their mean:
    there are as many independent ones as prompts. The less prompts vary, the more independent ones each is worth. How
    much they vary is guessed from few, so half an all-or-nothing prompt is added to them; and the less they are all or
    nothing, the less their mean tells, which leaves Student's degrees of freedom.
    """
    held = min(max(share, 0.0), 1.0)
    alike = 1 / float((sums.weights**2).sum())
    largest = held * (1 - held) / (alike - 1)
    part = min(variance / largest, 1.0) if largest > 0 else 1.0
    degrees = sums.degrees
    guessed = (part * degrees + ALL_OR_NOTHING_PROMPTS) / (degrees + ALL_OR_NOTHING_PROMPTS)
    independent = alike / guessed
    squared = t_quantile((1 + confidence) / 2, degrees * (1 + part)) ** 2
    middle = held + squared / (2 * independent)
    reach = math.sqrt(squared * (held * (1 - held) / independent + squared / (4 * independent**2)))
    scale = 1 + squared / independent
    # Rounding must not leave out the share itself, nor what lies beyond 0 and 1 come in.
    return max(min((middle - reach) / scale, held), 0.0), min(max((middle + reach) / scale, held), 1.0)
