"""PURE. Every two people on everything that both judged."""

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


@dataclass(frozen=True, eq=False, slots=True)
class Comparisons:
    """Two different judgments of one unit, each seen from both sides."""

    table: JudgmentTable
    """The judgments, by the ids that came in."""
    first: Integers
    """[comparisons] number of one judgment in the table."""
    second: Integers
    """[comparisons] number of the other."""
    agree: Floats
    """[comparisons] 1 for the same, 0 for as far apart as possible."""
    is_choice: bool
    """Whether units are pairs of responses and values FIRST, TIE, SECOND."""


def compare_people(observations: Observations, *, extent: float | None = None) -> Comparisons:
    """All comparisons of the people behind observations of one kind.

    extent: the range of all scores given, where these are a part of them.

    Choices and rankings: two people agree on two responses when both prefer the same one or both tie them. Scores:
    1 minus their distance as a share of the range of all scores given. Missing data: only shared units count.
    """
    table = _table(observations)
    first, second = _comparisons(table.unit)
    if isinstance(observations, ScoreObservations):
        extent = extent if extent is not None else float(np.ptp(observations.value)) if len(observations.value) else 0.0
        return Comparisons(table, first, second, _nearness(table, first, second, extent), is_choice=False)
    agree = (table.category[first] == table.category[second]).astype(np.float64)
    return Comparisons(table, first, second, agree, is_choice=True)


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
