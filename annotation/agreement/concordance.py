"""PURE. Kendall's W and Spearman's rho: how far the rankings of a task run together."""

import numpy as np

from annotation.agreement.observations import Bools, Floats
from annotation.agreement.rank_batches import annotator_pairs, mid_ranks, rank_batches
from annotation.agreement.rankings import RankingTable
from annotation.agreement.statistic import Share, divide, sum_by


def mean_kendall_w(table: RankingTable) -> Share:
    """Kendall's coefficient of concordance W, corrected for ties, averaged over tasks.

    Missing data: an annotator who left a response of the task unranked is left out of it, and a task needs two that
    left none. W is undefined where all of them tie everything; such tasks are left out of the mean. With m annotators
    W is (1 + (m - 1) * mean Spearman) / m without ties, so compare it only between tasks with equally many.
    Source: Kendall and Babington Smith 1939; with ties Siegel 1956, "Nonparametric statistics", p. 234.
    """
    total, defined = np.zeros(table.tasks), np.zeros(table.tasks)
    for tasks, ranks in rank_batches(table):
        w = kendall_w(ranks)
        total[tasks], defined[tasks] = np.nan_to_num(w), ~np.isnan(w)
    return Share(total, defined, is_proportion=False)


def kendall_w(ranks: Floats) -> Floats:
    """W with ties of each task, NaN where undefined; annotators with a gap are left out.

    ranks: [tasks, annotators, responses], any numbers of which lower is better.
    """
    responses = ranks.shape[2]
    complete: Bools = np.logical_not(np.isnan(ranks).any(axis=2))
    judges = complete.sum(axis=1)
    totals: Floats = np.where(complete[:, :, None], mid_ranks(ranks), 0).sum(axis=1)
    spread = ((totals - totals.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    same = (ranks[..., None, :] == ranks[..., :, None]).sum(axis=-1)
    # A group of t tied responses appears t times as t, so t^3 - t added over groups is t^2 - 1 added over responses.
    ties = np.where(complete, (same**2 - 1).sum(axis=2), 0).sum(axis=1)
    most = judges**2 * (responses**3 - responses) - judges * ties
    return divide(12 * spread, np.where(judges > 1, most, 0).astype(np.float64))


def mean_spearman(table: RankingTable) -> Share:
    """Spearman's rho of two annotators on one task, averaged over all such pairs of annotators.

    Rho is the correlation of mid-ranks among the responses that both ranked. A pair of whom one ties everything has
    none and is left out of the mean. Source: Spearman 1904; mid-ranks: Kendall 1948, "Rank correlation methods".
    """
    total, defined = np.zeros(table.tasks), np.zeros(table.tasks)
    for task, one, other in annotator_pairs(table):
        rho = spearman(one, other)
        known = ~np.isnan(rho)
        total += sum_by(task[known], rho[known], table.tasks)
        defined += np.bincount(task[known], minlength=table.tasks)
    return Share(total, defined, is_proportion=False)


def spearman(one: Floats, other: Floats) -> Floats:
    """Rho of each row, NaN where undefined. one, other: [rows, responses], NaN where either is unranked."""
    left, right = (_centred(mid_ranks(np.where(np.isnan(one + other), np.nan, side))) for side in (one, other))
    scale = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    return divide((left * right).sum(axis=1), scale)


def _centred(ranks: Floats) -> Floats:
    """[rows, responses] minus the mean of what is ranked; 0 where it is not."""
    given = ~np.isnan(ranks)
    mean = divide(np.where(given, ranks, 0).sum(axis=1), given.sum(axis=1).astype(np.float64))
    return np.where(given, ranks - mean[:, None], 0)
