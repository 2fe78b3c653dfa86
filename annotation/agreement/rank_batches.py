"""PURE. Rankings of tasks of one shape together, as arrays."""

from collections.abc import Iterator

import numpy as np

from annotation.agreement.observations import Floats, Integers
from annotation.agreement.rankings import RankingTable

BATCH_CELLS = 2_000_000


def rank_batches(table: RankingTable) -> Iterator[tuple[Integers, Floats]]:
    """(tasks, ranks [tasks, annotators, responses]) for tasks with equally many of both; NaN where one is unranked."""
    entries = table.entries
    row, annotators = number_within(entries.task, entries.annotator, table.tasks)
    column, responses = number_within(entries.task, entries.response, table.tasks)
    order = np.argsort(entries.task, kind="stable")
    starts = np.searchsorted(entries.task[order], np.arange(table.tasks + 1))
    shape = annotators * (responses.max(initial=0) + 1) + responses
    for number in np.unique(shape):
        members = np.flatnonzero(shape == number)
        height, width = int(annotators[members[0]]), int(responses[members[0]])
        step = max(1, BATCH_CELLS // (height * width * max(height, width)))
        for tasks in np.split(members, range(step, len(members), step)):
            rows = order[_ranges(starts[tasks], starts[tasks + 1])]
            ranks = np.full((len(tasks), height, width), np.nan)
            ranks[np.searchsorted(tasks, entries.task[rows]), row[rows], column[rows]] = entries.rank[rows]
            yield tasks, ranks


def annotator_pairs(table: RankingTable) -> Iterator[tuple[Integers, Floats, Floats]]:
    """(task [rows], one, other [rows, responses]) for every two annotators of a task; NaN where one of them is."""
    for tasks, ranks in rank_batches(table):
        first, second = np.triu_indices(ranks.shape[1], 1)
        step = max(1, BATCH_CELLS // (ranks.shape[2] ** 2 * len(tasks)))
        for start in range(0, len(first), step):
            chosen = slice(start, start + step)
            one, other = ranks[:, first[chosen]], ranks[:, second[chosen]]
            gaps = np.isnan(one + other)
            one, other = np.where(gaps, np.nan, one), np.where(gaps, np.nan, other)
            width = ranks.shape[2]
            yield np.repeat(tasks, one.shape[1]), one.reshape(-1, width), other.reshape(-1, width)


def mid_ranks(ranks: Floats) -> Floats:
    """[..., responses] ranks 1, 2, 3 ... of what is ranked, ties sharing their mean; NaN stays."""
    given = ~np.isnan(ranks)
    before = (ranks[..., None, :] < ranks[..., :, None]).sum(axis=-1)
    same = (ranks[..., None, :] == ranks[..., :, None]).sum(axis=-1)
    return np.where(given, before + (same + 1) / 2, np.nan)


def number_within(task: Integers, member: Integers, tasks: int) -> tuple[Integers, Integers]:
    """(each row's member numbered among the members of its task, [tasks] how many a task has)."""
    width = int(member.max(initial=0)) + 1
    joint, where = np.unique(task * width + member, return_inverse=True)
    counts = np.bincount(joint // width, minlength=tasks)
    starts = np.cumsum(counts) - counts
    return where - starts[task], counts


def _ranges(starts: Integers, ends: Integers) -> Integers:
    """All whole numbers from each start up to its end."""
    sizes = ends - starts
    return np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
