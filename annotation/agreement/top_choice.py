"""PURE. Whether people agree on the best response, whatever they say of the rest."""

import numpy as np

from annotation.agreement.observations import Floats
from annotation.agreement.rank_batches import annotator_pairs
from annotation.agreement.rankings import RankingTable
from annotation.agreement.statistic import Share, divide, sum_by


def top_choice_agreement(table: RankingTable) -> Share:
    """How far two annotators of a task name the same best response, averaged over all such pairs of annotators.

    Where one puts several in the top tier, agreement is the responses that both put there as a share of those that
    either does: 1 for the same top tier, 0 for none in common. Missing data: best among the responses that both ranked,
    at least two. Chance is part of it: with four responses and no ties it is 0.25 for people who draw lots.
    """
    total, compared = np.zeros(table.tasks), np.zeros(table.tasks)
    for task, one, other in annotator_pairs(table):
        rows = (~np.isnan(one)).sum(axis=1) > 1
        same = _overlap(_top(one[rows]), _top(other[rows]))
        total += sum_by(task[rows], same, table.tasks)
        compared += np.bincount(task[rows], minlength=table.tasks)
    return Share(total, compared)


def _top(ranks: Floats) -> Floats:
    return (ranks == np.nanmin(ranks, axis=1, keepdims=True)).astype(np.float64)


def _overlap(one: Floats, other: Floats) -> Floats:
    both = (one * other).sum(axis=1)
    return divide(both, one.sum(axis=1) + other.sum(axis=1) - both)
