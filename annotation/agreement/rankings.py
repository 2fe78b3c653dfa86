"""PURE. Rankings as choices between two responses each, aligned by response."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable, build_table
from annotation.agreement.observations import FIRST, SECOND, TIE, Floats, Ids, Integers, RankingObservations


@dataclass(frozen=True, eq=False, slots=True)
class RankEntries:
    """Single ranked responses of the rankings that can be compared, in no particular order."""

    task: Integers
    """Number of the task in the table."""
    annotator: Integers
    response: Integers
    rank: Floats
    """1 is best; equal ranks tie."""


@dataclass(frozen=True, eq=False, slots=True)
class RankingTable:
    """Rankings of tasks that two or more annotators ranked."""

    pairs: JudgmentTable
    """Units are pairs of responses of a task, values FIRST, TIE, SECOND; a pair is missing where the annotator left
    one of the two unranked."""
    entries: RankEntries
    by_task: Integers
    """[tasks of the pairs] rankings that can be compared with another one."""
    dropped_by_task: Integers
    """[all tasks that came in] rankings that share no pair of responses with anybody else's."""

    @property
    def rankings(self) -> int:
        return int(self.by_task.sum())

    @property
    def dropped(self) -> int:
        return int(self.dropped_by_task.sum())

    @property
    def tasks(self) -> int:
        return self.pairs.tasks


def build_ranking_table(observations: RankingObservations) -> RankingTable:
    """The table of long-form rankings.

    Raises: ValueError when an annotator ranked a response of a task twice.
    """
    task_ids, task = np.unique(observations.task_id, return_inverse=True)
    annotator_ids, annotator = np.unique(observations.annotator_id, return_inverse=True)
    response = np.unique(observations.response_id, return_inverse=True)[1]
    ranking = np.unique(task * max(len(annotator_ids), 1) + annotator, return_inverse=True)[1]
    first, second = _pair_rows(ranking, response)
    _refuse_doubles(response, first, second, task_ids[task] if len(task) else task_ids)
    rank = observations.rank.astype(np.float64)
    better = np.sign(rank[first] - rank[second])
    pairs = build_table(
        task_id=task[first],
        unit_id=_number_pairs(task, response, first, second),
        annotator_id=annotator[first],
        value=np.select([better < 0, better > 0], [FIRST, SECOND], TIE),
    )
    width = max(len(annotator_ids), 1)
    kept = np.unique(pairs.task_ids[pairs.task] * width + pairs.annotator_ids[pairs.annotator])
    entries = _keep_entries(kept, task, annotator, width, response, rank, pairs.task_ids)
    rankings = np.bincount(np.unique(task * width + annotator) // width, minlength=len(task_ids))
    kept_by_task = np.bincount(kept // width, minlength=len(task_ids))
    return RankingTable(pairs, entries, kept_by_task[pairs.task_ids.astype(np.int64)], rankings - kept_by_task)


def _keep_entries(
    kept: Integers, task: Integers, annotator: Integers, width: int, response: Integers, rank: Floats, tasks: Ids
) -> RankEntries:
    rows = np.flatnonzero(np.isin(task * width + annotator, kept))
    number = np.searchsorted(tasks, task[rows])
    return RankEntries(number, annotator[rows], response[rows], rank[rows])


def _pair_rows(ranking: Integers, response: Integers) -> tuple[Integers, Integers]:
    """Row numbers (first, second) of every two responses of one ranking, the lower response first."""
    order = np.lexsort((response, ranking))
    rank_of = ranking[order]
    start = np.searchsorted(rank_of, rank_of)
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    longest = int(np.bincount(rank_of).max(initial=0)) if len(rank_of) else 0
    for step in range(1, longest):
        entry = np.flatnonzero(np.arange(len(order)) - step >= start)
        first.append(order[entry - step])
        second.append(order[entry])
    return np.concatenate(first), np.concatenate(second)


def _refuse_doubles(response: Integers, first: Integers, second: Integers, task_id: Ids) -> None:
    twice = np.flatnonzero(response[first] == response[second])
    if len(twice):
        raise ValueError(f"task {task_id[first[twice[0]]]}: an annotator ranked a response more than once")


def _number_pairs(task: Integers, response: Integers, first: Integers, second: Integers) -> Integers:
    """A number for each pair of responses of a task; two steps, because one product could outgrow 64 bits."""
    width = int(response.max(initial=0)) + 1
    left = np.unique(task[first] * width + response[first], return_inverse=True)[1]
    return left * width + response[second]
