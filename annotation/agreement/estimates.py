"""PURE. Values and intervals of all statistics of one criterion, from one set of draws."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.bootstrap import Words, resample, resample_sums, task_keys
from annotation.agreement.cohen_pairs import MeanCohenKappa
from annotation.agreement.icc import OneWayIcc, TwoWayIcc, icc_interval
from annotation.agreement.intervals import percentile_interval, small_sample_interval
from annotation.agreement.linear import linearise
from annotation.agreement.measures import FEW_TASKS, Basis, Measure, Measured
from annotation.agreement.nominal import ManyValuedNominalAlpha
from annotation.agreement.observations import Floats
from annotation.agreement.ordinal import ManyValuedOrdinalAlpha
from annotation.agreement.ratio import ManyValuedRatioAlpha
from annotation.agreement.statistic import Additive, Share, Statistic
from annotation.agreement.wilson import wilson_interval

Ends = tuple[float, float] | None
LINEARISED = "linearised over tasks, Student's t"
FEW_JUDGMENTS = 20_000
"""Up to here a statistic that goes through the judgments at each resample is resampled; beyond it, linearised."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How intervals are made."""

    seed: int
    resamples: int
    confidence: float

    @property
    def drawn(self) -> str:
        return f"cluster bootstrap over tasks, {self.resamples} Poisson resamples, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval."""

    value: float | None
    """None where it is undefined."""
    ends: Ends
    method: str


@dataclass(frozen=True, eq=False, slots=True)
class Sums:
    """A statistic of sums with what it is computed from."""

    columns: Floats
    """[tasks, columns] what each task adds."""
    drawn: Floats
    """[resamples, columns] the sums in each resample."""

    @property
    def whole(self) -> Floats:
        """[columns]"""
        return self.columns.sum(axis=0)


def estimate_all(measured: Measured, settings: Settings) -> list[Estimate]:
    """The estimate of each measure, in their order."""
    if measured.basis.units < 2:
        return [Estimate(None, None, settings.drawn) for _ in measured.measures]
    columns = [each.statistic.columns for each in measured.measures if isinstance(each.statistic, Additive)]
    keys = task_keys(_unnamed(measured), seed=settings.seed)
    drawn = resample_sums(np.concatenate(columns, axis=1), keys, resamples=settings.resamples)
    parts = iter(np.split(drawn, np.cumsum([each.shape[1] for each in columns]), axis=1))
    whole = iter(columns)
    return [
        estimate_sums(each, Sums(next(whole), next(parts)), each.basis or measured.basis, settings)
        if isinstance(each.statistic, Additive)
        else _estimate_many_valued(each.statistic, measured, keys, settings)
        for each in measured.measures
    ]


def _unnamed(measured: Measured) -> Floats:
    """[tasks, columns] contributions in which nobody has a column of their own, so that names decide no draw."""
    named = (MeanCohenKappa, TwoWayIcc)
    statistics = [each.statistic for each in measured.measures if not isinstance(each.statistic, named)]
    return np.concatenate([each.columns for each in statistics if isinstance(each, Additive)], axis=1)


def estimate_sums(measure: Measure, sums: Sums, basis: Basis, settings: Settings) -> Estimate:
    """A statistic of sums."""
    statistic = measure.statistic
    assert isinstance(statistic, Additive)
    value = float(statistic.combine(sums.whole[None])[0])
    if np.isnan(value) or basis.tasks < 2:
        return Estimate(None if np.isnan(value) else value, None, settings.drawn)
    formula = _by_formula(measure, statistic, value, basis, settings)
    if formula is not None:
        return formula
    draws = statistic.combine(sums.drawn)
    if basis.tasks > FEW_TASKS:
        return estimate_from_draws(value, draws, settings)
    left_out = statistic.combine(sums.whole - sums.columns[(sums.columns != 0).any(axis=1)])
    return _estimate_few(value, draws, left_out, basis.tasks, settings)


def estimate_from_draws(value: float, draws: Floats, settings: Settings) -> Estimate:
    """The estimate for many tasks."""
    ends = percentile_interval(draws, confidence=settings.confidence)
    return Estimate(value, ends, f"{settings.drawn}, percentile interval")


def _estimate_few(value: float, draws: Floats, left_out: Floats, tasks: int, settings: Settings) -> Estimate:
    ends = small_sample_interval(draws, value=value, left_out=left_out, tasks=tasks, confidence=settings.confidence)
    return Estimate(value, ends, f"{settings.drawn}, BCa interval with small-sample tails")


def _by_formula(
    measure: Measure, statistic: Additive, value: float, basis: Basis, settings: Settings
) -> Estimate | None:
    """The estimate where the interval has a formula."""
    if isinstance(statistic, Share) and statistic.is_proportion and value in (0, 1):
        trials = int((statistic.denominator > 0).sum())
        ends = wilson_interval(value * trials, trials, confidence=settings.confidence)
        return Estimate(value, ends, "Wilson's interval, each task one trial")
    if isinstance(statistic, OneWayIcc | TwoWayIcc) and measure.formula == "f":
        ends = icc_interval(statistic, confidence=settings.confidence)
        return None if ends is None else Estimate(value, ends, "F distribution (Shrout and Fleiss 1979)")
    if measure.formula == "linearised" and basis.tasks <= FEW_TASKS:
        ends = linearise(statistic).interval(tasks=basis.tasks, confidence=settings.confidence)
        return None if ends is None else Estimate(value, ends, LINEARISED)
    return None


def _estimate_many_valued(statistic: Statistic, measured: Measured, keys: Words, settings: Settings) -> Estimate:
    """A statistic of many distinct values, which does not follow from sums."""
    table, tasks = measured.table, measured.basis.tasks
    assert isinstance(statistic, ManyValuedNominalAlpha | ManyValuedOrdinalAlpha | ManyValuedRatioAlpha)
    if table.judgments > FEW_JUDGMENTS or tasks > FEW_TASKS:
        linear = statistic.linearise()
        ends = linear.interval(tasks=tasks, confidence=settings.confidence)
        return Estimate(None if np.isnan(linear.value) else linear.value, ends, LINEARISED)
    value = float(statistic.evaluate(np.ones((1, table.tasks)))[0])
    if np.isnan(value) or tasks < 2:
        return Estimate(None if np.isnan(value) else value, None, settings.drawn)
    width = max(len(table.values), table.tasks)
    draws = resample(statistic, keys, resamples=settings.resamples, width=width)
    left_out = value - statistic.linearise().influence
    return _estimate_few(value, draws, left_out, tasks, settings)
