"""PURE. The people who judged the same units all together, for statistics that allow no gap."""

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Bools, Integers

MOST_CANDIDATES = 20


def find_panel(table: JudgmentTable) -> JudgmentTable:
    """The judgments of the group of people that covers most: how many they are times how many units all of them judged.

    Candidates are everybody, and the groups that most often judged a unit. What is left out counts as dropped. Nothing
    is left when no group shares two units.
    """
    candidates = [np.ones(len(table.annotator_ids), bool), *_frequent_groups(table)]
    covered = [_cover(table, group) for group in candidates]
    size = [
        int(group.sum()) * int(units.sum()) if units.sum() > 1 else 0
        for group, units in zip(candidates, covered, strict=True)
    ]
    best = int(np.argmax(size))
    if not size[best]:
        return table.keep_judgments(np.zeros(table.judgments, bool))
    return table.keep_judgments(candidates[best][table.annotator] & covered[best][table.unit])


def _cover(table: JudgmentTable, group: Bools) -> Bools:
    """[units] whether everybody of the group judged it."""
    return np.bincount(table.unit, weights=group[table.annotator], minlength=table.units) == group.sum()


def _frequent_groups(table: JudgmentTable) -> list[Bools]:
    """The groups of people that judged most units, as masks over people."""
    sizes, starts = table.unit_sizes, np.cumsum(table.unit_sizes) - table.unit_sizes
    found: list[tuple[int, Integers]] = []
    for size in np.unique(sizes):
        rows = starts[sizes == size][:, None] + np.arange(size)
        groups, counts = np.unique(np.sort(table.annotator[rows], axis=1), axis=0, return_counts=True)
        most = np.argsort(-counts * size, kind="stable")[:MOST_CANDIDATES]
        found += [(int(counts[each]) * int(size), groups[each]) for each in most]
    found.sort(key=lambda each: -each[0])
    masks = []
    for _, group in found[:MOST_CANDIDATES]:
        mask = np.zeros(len(table.annotator_ids), bool)
        mask[group] = True
        masks.append(mask)
    return masks
