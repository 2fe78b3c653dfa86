"""PURE. Values and intervals of all statistics of one criterion, from one set of draws."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.bootstrap import Words, count_earlier, digest_rows, number_keys, resample, resample_sums
from annotation.agreement.cohen_pairs import MeanCohenKappa
from annotation.agreement.icc import OneWayIcc, TwoWayIcc, icc_interval, is_balanced
from annotation.agreement.intervals import percentile_interval, small_sample_interval
from annotation.agreement.linear import linearise
from annotation.agreement.measures import Basis, Measure, Measured
from annotation.agreement.nominal import ManyValuedNominalAlpha
from annotation.agreement.observations import Floats
from annotation.agreement.ordinal import ManyValuedOrdinalAlpha
from annotation.agreement.ratio import ManyValuedRatioAlpha
from annotation.agreement.statistic import Additive, Share, Statistic
from annotation.agreement.wilson import wilson_interval

Ends = tuple[float, float] | None
WILSON = "Wilson's interval, each task one trial"
F_BASED = "F distribution (Shrout and Fleiss 1979)"
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


@dataclass(frozen=True, eq=False, slots=True)
class Draws:
    """The resamples of all statistics of sums, side by side."""

    columns: Floats
    """[tasks, columns]"""
    drawn: Floats
    """[resamples, columns]"""
    keys: Words
    """[tasks]"""
    digests: Words
    """[tasks] what each task's key follows from."""


def draw(measured: Measured, settings: Settings) -> Draws:
    """The resamples of one criterion."""
    columns = np.concatenate([np.zeros((len(measured.task_ids), 0)), *_columns(measured)], axis=1)
    digests = digest_rows(_unnamed(measured))
    keys = number_keys(digests, count_earlier(digests), seed=settings.seed)
    return Draws(columns, resample_sums(columns, keys, resamples=settings.resamples), keys, digests)


def estimate_all(measured: Measured, draws: Draws, settings: Settings) -> list[Estimate]:
    """The estimate of each measure, in their order."""
    if measured.basis().units < 2:
        return [Estimate(None, None, settings.drawn) for _ in measured.measures]
    ends = np.cumsum([each.shape[1] for each in _columns(measured)])
    sums = map(Sums, np.split(draws.columns, ends, axis=1), np.split(draws.drawn, ends, axis=1))
    return [
        _estimate_sums(each, next(sums), measured, settings)
        if isinstance(each.statistic, Additive)
        else _estimate_many_valued(each.statistic, measured, draws.keys, settings)
        for each in measured.measures
    ]


def _columns(measured: Measured) -> list[Floats]:
    return [each.statistic.columns for each in measured.measures if isinstance(each.statistic, Additive)]


def _unnamed(measured: Measured) -> Floats:
    """[tasks, columns] contributions in which nobody has a column of their own, so that names decide no draw."""
    named = (MeanCohenKappa, TwoWayIcc)
    statistics = [each.statistic for each in measured.measures if not isinstance(each.statistic, named)]
    columns = [each.columns for each in statistics if isinstance(each, Additive)]
    return np.concatenate(columns, axis=1)


def _estimate_sums(measure: Measure, sums: Sums, measured: Measured, settings: Settings) -> Estimate:
    """A statistic of sums, each task's contribution being at hand."""
    statistic, basis = measure.statistic, measured.basis(measure)
    assert isinstance(statistic, Additive)
    if measured.frame.is_large:
        return estimate_totals(measure, sums.whole, sums.drawn, basis, settings)
    value = float(statistic.combine(sums.whole[None])[0])
    if np.isnan(value) or basis.tasks < 2:
        return Estimate(None if np.isnan(value) else value, None, settings.drawn)
    formula = _by_formula(measure, value, sums.whole, basis, settings) or _by_influence(measure, basis, settings)
    if formula is not None:
        return formula
    left_out = statistic.combine(sums.whole - sums.columns[(sums.columns != 0).any(axis=1)])
    return _estimate_few(value, statistic.combine(sums.drawn), left_out, basis.tasks, settings)


def estimate_totals(measure: Measure, whole: Floats, drawn: Floats, basis: Basis, settings: Settings) -> Estimate:
    """A statistic of sums of so many tasks that the sums are enough.

    whole: [columns] over all tasks; drawn: [resamples, columns].
    """
    statistic = measure.statistic
    assert isinstance(statistic, Additive)
    value = float(statistic.combine(whole[None])[0])
    if np.isnan(value) or basis.tasks < 2:
        return Estimate(None if np.isnan(value) else value, None, settings.drawn)
    formula = _by_formula(measure, value, whole, basis, settings)
    if formula is not None:
        return formula
    ends = percentile_interval(statistic.combine(drawn), confidence=settings.confidence)
    return Estimate(value, ends, f"{settings.drawn}, percentile interval")


def _estimate_few(value: float, draws: Floats, left_out: Floats, tasks: int, settings: Settings) -> Estimate:
    ends = small_sample_interval(draws, value=value, left_out=left_out, tasks=tasks, confidence=settings.confidence)
    return Estimate(value, ends, f"{settings.drawn}, BCa interval with small-sample tails")


def _by_formula(measure: Measure, value: float, whole: Floats, basis: Basis, settings: Settings) -> Estimate | None:
    """The estimate where the interval has a formula."""
    statistic, ends = measure.statistic, None
    if isinstance(statistic, Share) and statistic.is_proportion and value in (0, 1):
        ends = wilson_interval(value * basis.tasks, basis.tasks, confidence=settings.confidence)
        return Estimate(value, ends, WILSON)
    if measure.formula == "f" and basis.units == basis.tasks:
        assert isinstance(statistic, OneWayIcc | TwoWayIcc)
        if isinstance(statistic, TwoWayIcc) or is_balanced(whole):
            ends = icc_interval(statistic, whole, confidence=settings.confidence)
        return None if ends is None else Estimate(value, ends, F_BASED)
    return None


def _by_influence(measure: Measure, basis: Basis, settings: Settings) -> Estimate | None:
    """The estimate where the interval follows from each task's influence."""
    if measure.formula != "linearised":
        return None
    assert isinstance(measure.statistic, Additive)
    linear = linearise(measure.statistic)
    ends = linear.interval(tasks=basis.tasks, confidence=settings.confidence)
    return None if ends is None else Estimate(linear.value, ends, LINEARISED)


def _estimate_many_valued(statistic: Statistic, measured: Measured, keys: Words, settings: Settings) -> Estimate:
    """A statistic of many distinct values, which does not follow from sums."""
    table, tasks = measured.table, measured.basis().tasks
    assert isinstance(statistic, ManyValuedNominalAlpha | ManyValuedOrdinalAlpha | ManyValuedRatioAlpha)
    if table.judgments > FEW_JUDGMENTS or measured.frame.is_large:
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
