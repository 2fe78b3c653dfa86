"""PURE. Cohen's kappa of every two annotators who share enough, as one number."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.cohen import CohenKappa, Weights, cohen_kappa, share_units
from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats
from annotation.agreement.statistic import Additive

FEWEST_SHARED = 10
"""Units that two annotators must share; a kappa from fewer is noise, and a mean over thousands of them no better."""
MOST_CELLS = 4_000_000


@dataclass(frozen=True, eq=False, slots=True)
class MeanCohenKappa(Additive):
    """The mean of Cohen's kappa over pairs of annotators, each pair counting once.

    A pair whose kappa is undefined is left out.
    Source: Light 1971, "Measures of response agreement for qualitative data: some generalizations and alternatives".
    """

    kappas: tuple[CohenKappa, ...]
    by_task: Floats
    """[tasks, columns] those of the kappas, side by side."""

    @property
    def columns(self) -> Floats:
        return self.by_task

    def combine(self, sums: Floats) -> Floats:
        ends = np.cumsum([kappa.columns.shape[1] for kappa in self.kappas])
        parts = np.split(sums, ends[:-1], axis=1) if len(ends) else []
        values = np.array([kappa.combine(part) for kappa, part in zip(self.kappas, parts, strict=True)])
        known = ~np.isnan(values)
        if not len(values):
            return np.full(len(sums), np.nan)
        nothing = np.full(len(sums), np.nan)
        return np.divide(
            np.where(known, values, 0).sum(axis=0), known.sum(axis=0), out=nothing, where=known.any(axis=0)
        )


def mean_cohen_kappa(table: JudgmentTable, *, weights: Weights = "plain") -> MeanCohenKappa | None:
    """The statistic of a table; None where it would take too much memory."""
    pairs = find_pairs(table)
    if len(pairs) * (1 + 2 * len(table.values)) * table.tasks > MOST_CELLS:
        return None
    kappas, parts = [], [np.zeros((table.tasks, 0))]
    for first, second in pairs:
        shared = share_units(table, table.annotator_ids[first], table.annotator_ids[second])
        kappa = cohen_kappa(shared, weights=weights)
        columns = np.zeros((table.tasks, kappa.columns.shape[1]))
        columns[shared.task_ids] = kappa.columns
        kappas.append(kappa)
        parts.append(columns)
    return MeanCohenKappa(tuple(kappas), np.concatenate(parts, axis=1))


def find_pairs(table: JudgmentTable, *, fewest: int = FEWEST_SHARED) -> list[tuple[int, int]]:
    """Numbers of every two annotators who share at least so many units."""
    width = max(len(table.annotator_ids), 1)
    order = np.lexsort((table.annotator, table.unit))
    unit, person = table.unit[order], table.annotator[order]
    joint = [np.zeros(0, np.int64)]
    for step in range(1, int(table.unit_sizes.max(initial=0))):
        same = np.flatnonzero(unit[step:] == unit[:-step])
        joint.append(person[same] * width + person[same + step])
    pair, shared = np.unique(np.concatenate(joint), return_counts=True)
    return [(int(each) // width, int(each) % width) for each in pair[shared >= fewest]]
