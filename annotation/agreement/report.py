"""PURE. The agreement report: every statistic that the observations allow, each with its interval or its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from annotation.agreement.bootstrap import percentile_interval, resample
from annotation.agreement.measures import Measure, Measured, measure_pairs, measure_rankings, measure_scores
from annotation.agreement.observations import Observations, PairObservations, RankingObservations, ScoreObservations

RESAMPLES = 2000
CONFIDENCE = 0.95


class StatisticRecord(TypedDict):
    """One number as `agreement --json` prints it and the agreement page shows it."""

    criterion: str
    """`preference` for tasks of two responses, `ranking` for longer ones, otherwise the criterion that was scored."""
    level: str
    statistic: str
    value: float | None
    """None where it is undefined; `note` says why."""
    low: float | None
    high: float | None
    confidence: float
    method: str
    units: int
    """Units that two or more annotators judged: tasks of two responses, pairs of responses, or scored responses."""
    annotators: int
    judgments: int
    dropped: int
    """Judgments left out because nobody else judged the same."""
    note: str


@dataclass(frozen=True, slots=True)
class _Settings:
    seed: int
    resamples: int
    confidence: float

    @property
    def method(self) -> str:
        return f"cluster bootstrap over tasks, {self.resamples} resamples, percentile interval, seed {self.seed}"


def agreement_report(
    observations: Sequence[Observations], *, seed: int, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> list[StatisticRecord]:
    """The statistics of a project, in the order of the observations given.

    Scores give alpha (nominal, ordinal, interval) and pairwise agreement; tasks of two responses alpha (nominal,
    ordinal), pairwise agreement and the leave-one-out accuracy; longer rankings the rank-distance alpha, mean tau-b,
    pairwise agreement and leave-one-out accuracy on pairs of responses.

    seed: the same seed and observations give the same numbers, in whatever order the rows come.
    Raises: ValueError when an annotator judged a unit more than once.
    """
    settings = _Settings(seed, resamples, confidence)
    return [record for each in observations for record in _report_one(each, settings)]


def _report_one(observations: Observations, settings: _Settings) -> list[StatisticRecord]:
    measured = _measure(observations)
    table = measured.table
    values: list[float] = [np.nan] * len(measured.measures)
    intervals: list[tuple[float, float] | None] = [None] * len(measured.measures)
    statistics = [measure.statistic for measure in measured.measures]
    if table.units >= 2:
        values = [float(each.evaluate(np.ones((1, table.tasks)))[0]) for each in statistics]
    if table.units >= 2 and table.tasks >= 2:
        draws = resample(
            statistics,
            tasks=table.tasks,
            width=len(table.values),
            resamples=settings.resamples,
            generator=np.random.default_rng(settings.seed),
        )
        intervals = [percentile_interval(row, confidence=settings.confidence) for row in draws]
    return [
        _record(measured, measure, value, interval, settings)
        for measure, value, interval in zip(measured.measures, values, intervals, strict=True)
    ]


def _measure(observations: Observations) -> Measured:
    match observations:
        case ScoreObservations():
            return measure_scores(observations)
        case PairObservations():
            return measure_pairs(observations)
        case RankingObservations():
            return measure_rankings(observations)


def _record(
    measured: Measured, measure: Measure, value: float, interval: tuple[float, float] | None, settings: _Settings
) -> StatisticRecord:
    defined = not np.isnan(value)
    low, high = interval if defined and interval is not None else (None, None)
    return {
        "criterion": measured.criterion,
        "level": measure.level,
        "statistic": measure.name,
        "value": value if defined else None,
        "low": low,
        "high": high,
        "confidence": settings.confidence,
        "method": settings.method,
        "units": measured.table.units,
        "annotators": len(measured.table.annotator_ids),
        "judgments": measured.judgments,
        "dropped": measured.dropped,
        "note": _note(measured, measure, defined=defined, has_interval=interval is not None),
    }


def _note(measured: Measured, measure: Measure, *, defined: bool, has_interval: bool) -> str:
    """Why a number or its interval is missing, in plain words; empty when both are there."""
    if measured.table.units == 0:
        return "Not enough overlap: nothing was judged by two annotators yet."
    if measured.table.units == 1:
        return "Not enough overlap: only one unit was judged by two annotators; at least two are needed."
    if not defined:
        return measure.when_undefined
    if measured.table.tasks < 2:
        return "No interval: all that was judged twice belongs to one task."
    return "" if has_interval else "No interval: in most resamples of the tasks the number is undefined."
