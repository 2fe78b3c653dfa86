"""PURE. How close each annotator is to the others, and how far people are apart on each task."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable, build_table
from annotation.agreement.observations import (
    Floats,
    Ids,
    Integers,
    Observations,
    PairObservations,
    RankingObservations,
    ScoreObservations,
)
from annotation.agreement.rankings import build_ranking_table
from annotation.agreement.statistic import divide, sum_by


@dataclass(frozen=True, eq=False, slots=True)
class Closeness:
    """Sums over comparisons: two different people on the same unit, each seen from one of the two."""

    near: dict[object, float]
    """Annotator id -> comparisons, each counted by how much the two agree: 1 the same, 0 as far apart as possible."""
    compared: dict[object, float]
    """Annotator id -> comparisons."""
    disagreement: dict[object, float]
    """Task id -> 1 minus the mean agreement of all comparisons on the task."""


def measure_closeness(observations: Observations, *, extent: float | None = None) -> Closeness:
    """Closeness of the people behind observations of one kind.

    extent: the range of all scores given, where these are a part of them.

    Choices and rankings: two people agree on two responses when both prefer the same one or both tie them. Scores:
    1 minus their distance as a share of the range of all scores given. Missing data: only shared units count, so an
    annotator who shares none is absent.
    """
    table = _table(observations)
    first, second = _comparisons(table.unit)
    if isinstance(observations, ScoreObservations):
        extent = extent if extent is not None else float(np.ptp(observations.value)) if len(observations.value) else 0.0
        agree = _nearness(table, first, second, extent)
    else:
        agree = (table.category[first] == table.category[second]).astype(np.float64)
    people, tasks = len(table.annotator_ids), table.tasks
    near = sum_by(table.annotator[first], agree, people)
    compared = sum_by(table.annotator[first], np.ones(len(first)), people)
    apart = 1 - divide(sum_by(table.task[first], agree, tasks), sum_by(table.task[first], np.ones(len(first)), tasks))
    return Closeness(
        near=dict(zip(table.annotator_ids.tolist(), near.tolist(), strict=True)),
        compared=dict(zip(table.annotator_ids.tolist(), compared.tolist(), strict=True)),
        disagreement=dict(zip(table.task_ids.tolist(), apart.tolist(), strict=True)),
    )


def _table(observations: Observations) -> JudgmentTable:
    unit: Ids
    value: Floats | Integers
    match observations:
        case RankingObservations():
            return _with_outer_ids(build_ranking_table(observations).pairs, observations)
        case PairObservations():
            unit, value = observations.task_id, observations.value
        case ScoreObservations():
            unit, value = observations.unit_id, observations.value
    return build_table(task_id=observations.task_id, unit_id=unit, annotator_id=observations.annotator_id, value=value)


def _with_outer_ids(pairs: JudgmentTable, observations: RankingObservations) -> JudgmentTable:
    """The pairs' table numbers tasks and people; these are the ids behind the numbers."""
    return JudgmentTable(
        unit=pairs.unit, annotator=pairs.annotator, category=pairs.category, values=pairs.values,
        task_of_unit=pairs.task_of_unit, unit_ids=pairs.unit_ids,
        annotator_ids=np.unique(observations.annotator_id)[pairs.annotator_ids],
        task_ids=np.unique(observations.task_id)[pairs.task_ids], dropped=pairs.dropped,
    )  # fmt: skip


def _comparisons(unit: Integers) -> tuple[Integers, Integers]:
    """Row numbers of every two different judgments of one unit, in both directions.

    unit: [judgments], ascending.
    """
    if not len(unit):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    sizes = np.bincount(unit)
    others = sizes[unit] - 1
    first = np.repeat(np.arange(len(unit)), others)
    start = np.searchsorted(unit, unit)[first]
    place = np.arange(len(first)) - np.repeat(np.cumsum(others) - others, others)
    return first, start + place + (start + place >= first)


def _nearness(table: JudgmentTable, first: Integers, second: Integers, extent: float) -> Floats:
    value = table.values[table.category]
    return 1 - np.abs(value[first] - value[second]) / (extent or 1.0)
