"""PURE. Scores by people who differ in how severe they are and how much of the scale they use."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import Floats, Ids, Integers
from annotation.agreement.statistic import sum_by

MOST_ROUNDS = 500
TOLERANCE = 1e-6
POOLED = 4.0
"""Everybody's noise is taken to be the crowd's with the weight of so many scores."""


@dataclass(frozen=True, eq=False, slots=True)
class RatingsFit:
    """score = severity_a + spread_a * quality_u + noise_a. U units, A annotators."""

    unit_ids: Ids
    annotator_ids: Ids
    quality: Floats
    """[U] in points of the scale, as an average annotator would score it on average."""
    quality_error: Floats
    severity: Floats
    """[A] points that somebody adds to everything; below 0 is severe."""
    severity_error: Floats
    spread: Floats
    """[A] how much of a difference somebody shows: 1 as the average does, 0.5 half of it."""
    spread_error: Floats
    noise: Floats
    """[A] standard deviation of what is neither quality nor habit, in points."""
    rounds: int


@dataclass(slots=True)
class _State:
    mean: float
    quality: Floats
    """[U] about the mean, prior N(0, width)."""
    variance: Floats
    severity: Floats
    severity_variance: Floats
    spread: Floats
    spread_variance: Floats
    noise: Floats
    """[A] variances"""
    widths: Floats
    """Variances of qualities, severities and spreads."""


def fit_ratings(*, unit: Ids, annotator: Ids, value: Floats, pooled: float = POOLED) -> RatingsFit:
    """The model by expectation and maximisation, from long-form columns of equal length [scores].

    Somebody with few scores is drawn towards the crowd in severity, spread and noise, so that it is safe where
    z-scores for each person are not: those need many scores of the same units, and make everybody's mean 0 even when
    one was given the better units.
    Missing data: absent rows. An annotator who scored all alike has a spread near the crowd's and a wide error.
    Raises: ValueError without scores, or when all are equal.
    Source: random effects by EM, Gelman et al. 2013, chapter 15; spread as in Thurstone-Mosteller calibration models.
    """
    value = np.asarray(value, np.float64)
    if not len(value) or np.ptp(value) == 0:
        raise ValueError("there are no two different scores")
    unit_ids, at = np.unique(unit, return_inverse=True)
    annotator_ids, by = np.unique(annotator, return_inverse=True)
    state = _start(value, at, by, len(unit_ids), len(annotator_ids))
    rounds, change = 0, np.inf
    while rounds < MOST_ROUNDS and change > TOLERANCE:
        before = state.quality
        _estimate_units(state, value, at, by)
        _estimate_people(state, value, at, by, pooled)
        change = float(np.abs(state.quality - before).max()) / float(value.std())
        rounds += 1
    return RatingsFit(
        unit_ids=unit_ids, annotator_ids=annotator_ids, quality=state.mean + state.quality,
        quality_error=np.sqrt(state.variance), severity=state.severity - state.severity.mean(),
        severity_error=np.sqrt(state.severity_variance), spread=state.spread,
        spread_error=np.sqrt(state.spread_variance), noise=np.sqrt(state.noise), rounds=rounds,
    )  # fmt: skip


def _start(value: Floats, at: Integers, by: Integers, units: int, people: int) -> _State:
    total = float(value.var())
    return _State(
        mean=float(value.mean()), quality=np.zeros(units), variance=np.full(units, total / 2),
        severity=np.zeros(people), severity_variance=np.full(people, total / 10), spread=np.ones(people),
        spread_variance=np.full(people, 0.05), noise=np.full(people, total / 2),
        widths=np.array([total / 2, total / 10, 0.05]),
    )  # fmt: skip


def _estimate_units(state: _State, value: Floats, at: Integers, by: Integers) -> None:
    rest = value - state.mean - state.severity[by]
    # E[spread^2], for a spread that isn't known exactly says less.
    power = (state.spread**2 + state.spread_variance) / state.noise
    precision = 1 / state.widths[0] + sum_by(at, power[by], len(state.quality))
    state.quality = sum_by(at, (state.spread / state.noise)[by] * rest, len(state.quality)) / precision
    state.variance = 1 / precision
    state.widths[0] = float(np.mean(state.quality**2 + state.variance))


def _estimate_people(state: _State, value: Floats, at: Integers, by: Integers, pooled: float) -> None:
    people = len(state.severity)
    count = np.bincount(by, minlength=people)
    quality, unsure = state.quality[at], state.variance[at]
    rest = value - state.mean - state.spread[by] * quality
    precision = 1 / state.widths[1] + count / state.noise
    state.severity = sum_by(by, rest, people) / state.noise / precision
    state.severity_variance = 1 / precision
    shift = float(np.average(state.severity, weights=count))
    state.mean, state.severity = state.mean + shift, state.severity - shift
    rest = value - state.mean - state.severity[by]
    precision = 1 / state.widths[2] + sum_by(by, quality**2 + unsure, people) / state.noise
    state.spread = (1 / state.widths[2] + sum_by(by, quality * rest, people) / state.noise) / precision
    state.spread_variance = 1 / precision
    off = (rest - state.spread[by] * quality) ** 2 + (state.spread**2)[by] * unsure
    off += (quality**2 + unsure) * state.spread_variance[by] + state.severity_variance[by]
    crowd = float(off.mean())
    state.noise = (sum_by(by, off, people) + pooled * crowd) / (count + pooled)
    state.widths[1] = float(np.mean(state.severity**2 + state.severity_variance))
    state.widths[2] = float(np.mean((state.spread - 1) ** 2 + state.spread_variance))
