"""PURE. Kendall's tau-b between annotators."""

from collections.abc import Iterator

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import TIE, Floats, Integers
from annotation.agreement.rank_batches import number_within
from annotation.agreement.rankings import RankingTable
from annotation.agreement.statistic import Share

BATCH_CELLS = 2_000_000


def mean_tau_b(table: RankingTable) -> Share:
    """Kendall's tau-b of two annotators on one task, averaged over all such pairs of annotators.

    tau-b is (concordant - discordant) / sqrt(pairs not tied by one * pairs not tied by the other), over the pairs of
    responses that both ranked. An annotator pair of whom one ties everything has none and is left out of the mean.
    Source: Kendall 1945, "The treatment of ties in ranking problems".
    """
    pairs = table.pairs
    total, defined = np.zeros(pairs.tasks), np.zeros(pairs.tasks)
    for tasks, signs, given in _batches(pairs):
        tau = _tau_b(signs, given)
        upper = np.triu(np.ones(tau.shape[1:], bool), 1) & ~np.isnan(tau)
        total[tasks] = np.where(upper, tau, 0).sum(axis=(1, 2))
        defined[tasks] = upper.sum(axis=(1, 2))
    return Share(total, defined, is_proportion=False)


def _tau_b(signs: Floats, given: Floats) -> Floats:
    """tau-b of each two annotators, NaN where undefined.

    signs, given: [tasks, annotators, pairs of responses]. Returns: [tasks, annotators, annotators].
    """
    strict = np.abs(signs)
    agreement = signs @ signs.swapaxes(1, 2)
    untied = strict @ given.swapaxes(1, 2)
    scale = np.sqrt(untied * untied.swapaxes(1, 2))
    return np.divide(agreement, scale, out=np.full(scale.shape, np.nan), where=scale > 0)


def _batches(pairs: JudgmentTable) -> Iterator[tuple[Integers, Floats, Floats]]:
    """Tasks of one shape together: (tasks, signs, given), with 0 where an annotator doesn't compare a pair."""
    row, column, annotators, columns = _places(pairs)
    shape = annotators * (columns.max(initial=0) + 1) + columns
    sign = pairs.values[pairs.category] - TIE
    rows_of = np.argsort(pairs.task, kind="stable")
    starts = np.searchsorted(pairs.task[rows_of], np.arange(pairs.tasks + 1))
    for number in np.unique(shape):
        members = np.flatnonzero(shape == number)
        height, width = int(annotators[members[0]]), int(columns[members[0]])
        step = max(1, BATCH_CELLS // (height * max(height, width)))
        for tasks in np.split(members, range(step, len(members), step)):
            rows = np.concatenate([rows_of[starts[task] : starts[task + 1]] for task in tasks])
            place = (np.searchsorted(tasks, pairs.task[rows]), row[rows], column[rows])
            signs, given = np.zeros((2, len(tasks), height, width))
            signs[place], given[place] = sign[rows], 1
            yield tasks, signs, given


def _places(pairs: JudgmentTable) -> tuple[Integers, Integers, Integers, Integers]:
    """Each judgment's annotator and pair numbered within its task, and how many of each a task has."""
    row, annotators = number_within(pairs.task, pairs.annotator, pairs.tasks)
    column, columns = number_within(pairs.task, pairs.unit, pairs.tasks)
    return row, column, annotators, columns
