"""PURE. The agreement report: every statistic that the observations allow, each with its interval or its reason."""

from collections.abc import Sequence
from typing import TypedDict

from annotation.agreement.estimates import Draws, Estimate, Settings, draw, estimate_all
from annotation.agreement.measure_choices import measure_pairs, measure_rankings
from annotation.agreement.measure_scores import measure_scores
from annotation.agreement.measures import Basis, Frame, Measure, Measured
from annotation.agreement.observations import Observations, PairObservations, RankingObservations, ScoreObservations

RESAMPLES = 2000
CONFIDENCE = 0.95
NO_INTERVAL = "No interval: in most resamples of the tasks the number is undefined."


class StatisticRecord(TypedDict):
    """One number as `agreement --json` prints it and the agreement page shows it."""

    criterion: str
    """`preference` for tasks of two responses, `ranking` for longer ones, otherwise the criterion that was scored."""
    level: str
    """nominal, ordinal, interval, ratio or rank; `strict` leaves ties out."""
    statistic: str
    value: float | None
    """None where it is undefined; `note` says why."""
    low: float | None
    high: float | None
    confidence: float
    method: str
    """How the interval was found."""
    units: int
    """Units that two or more annotators judged: tasks of two responses, pairs of responses, or scored responses."""
    annotators: int
    judgments: int
    dropped: int
    """Judgments left out because nobody else judged the same, or because the statistic allows no gaps."""
    note: str


def agreement_report(
    observations: Sequence[Observations], *, seed: int, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> list[StatisticRecord]:
    """The statistics of a project, in the order of the observations given; docs/agreement.md describes each.

    seed: the same seed and observations give the same numbers, in whatever order the rows come and whatever tasks and
    annotators are called.
    Raises: ValueError when an annotator judged a unit more than once.
    """
    settings = Settings(seed, resamples, confidence)
    return [record for each in observations for record in report_measured(measure(each), settings)]


def measure(observations: Observations, frame: Frame | None = None) -> Measured:
    """The statistics of observations of one kind, before any number is computed.

    frame: that of a larger set of which these are a part; else their own.
    """
    match observations:
        case ScoreObservations():
            return measure_scores(observations, frame)
        case PairObservations():
            return measure_pairs(observations, frame)
        case RankingObservations():
            return measure_rankings(observations, frame)


def report_measured(measured: Measured, settings: Settings, draws: Draws | None = None) -> list[StatisticRecord]:
    """The records of one criterion; draws: its resamples, where they are known already."""
    estimates = estimate_all(measured, draws or draw(measured, settings), settings)
    return [
        make_record(measured.criterion, each, measured.basis(each), measured.basis(), estimate, settings)
        for each, estimate in zip(measured.measures, estimates, strict=True)
    ]


def make_record(
    criterion: str, measure: Measure, basis: Basis, whole: Basis, estimate: Estimate, settings: Settings
) -> StatisticRecord:
    """The record of one statistic.

    whole: what all of the criterion stands on; basis: what this statistic does.
    """
    low, high = (None, None) if estimate.value is None or estimate.ends is None else estimate.ends
    return {
        "criterion": criterion,
        "level": measure.level,
        "statistic": measure.name,
        "value": estimate.value,
        "low": low,
        "high": high,
        "confidence": settings.confidence,
        "method": estimate.method,
        "units": basis.units,
        "annotators": basis.annotators,
        "judgments": basis.judgments,
        "dropped": basis.dropped,
        "note": _note(measure, basis, whole, estimate),
    }


def _note(measure: Measure, basis: Basis, whole: Basis, estimate: Estimate) -> str:
    """Why a number or its interval is missing, in plain words; what to know about it where both are there."""
    if whole.units == 0:
        return "Not enough overlap: nothing was judged by two annotators yet."
    if whole.units == 1:
        return "Not enough overlap: only one unit was judged by two annotators; at least two are needed."
    if estimate.value is None:
        return measure.when_empty if measure.when_empty and not basis.units else measure.when_undefined
    if basis.tasks < 2:
        return "No interval: all that was judged twice belongs to one task."
    missing = (
        "" if estimate.ends is not None else "No interval: in most resamples of the tasks the number is undefined."
    )
    partial = measure.note_if_dropped if basis.dropped > whole.dropped else ""
    return " ".join(part for part in (measure.note, partial, missing) if part)
