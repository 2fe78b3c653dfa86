"""PURE. Alpha for whole rankings with ties, unranked responses, and any number of responses."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import FIRST, SECOND, TIE, Floats
from annotation.agreement.pairwise import count_value
from annotation.agreement.rankings import RankingTable
from annotation.agreement.statistic import Additive, divide, sum_by

ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class RankDistanceAlpha(Additive):
    """1 - observed / expected distance between two rankings of a task.

    Distance: Kemeny's, as a share of the pairs of responses: 1 for a pair in opposite order, 1/2 for a pair that one
    of the two ties, 0 otherwise. Observed: between annotators of a task, weighted as in Krippendorff's alpha.
    Expected: between rankings whose responses are shuffled, since the order in which a task stores its responses says
    nothing; with the share t of tied pairs it is (1 - t^2) / 2. So rankings without ties have the expectation 1/2, and
    their alpha is the mean Kendall tau. Tasks with different numbers of responses mix, each ranking counting once.

    Missing data: a pair counts where both annotators ranked both responses. Undefined (NaN) when everything is tied.
    Source: Kemeny 1959, "Mathematics without numbers" (the distance); Krippendorff 2011 (the weighting).
    """

    disagreement: Floats
    """[tasks]"""
    tied: Floats
    """[tasks] share of tied pairs, added up over rankings."""
    count: Floats
    """[tasks] rankings; one with unranked responses counts in part."""

    @property
    def columns(self) -> Floats:
        return np.column_stack([self.disagreement, self.tied, self.count])

    def combine(self, sums: Floats) -> Floats:
        disagreement, ties, count = sums.T
        tied = divide(ties, count)
        expected = (1 - tied**2) / 2
        return 1 - divide(divide(disagreement, count), np.where(expected < ROUNDING, 0.0, expected))


def rank_distance_alpha(table: RankingTable) -> RankDistanceAlpha:
    """The statistic of a table."""
    pairs = table.pairs
    first, tie, second = (count_value(pairs, value) for value in (FIRST, TIE, SECOND))
    sizes = pairs.unit_sizes
    distance = 2 * (first * second + (first + second) * tie / 2) / np.maximum(sizes - 1, 1)
    share = 1 / np.bincount(pairs.task_of_unit, minlength=pairs.tasks)[pairs.task_of_unit]
    return RankDistanceAlpha(
        disagreement=sum_by(pairs.task_of_unit, distance * share, pairs.tasks),
        tied=sum_by(pairs.task_of_unit, tie * share, pairs.tasks),
        count=sum_by(pairs.task_of_unit, sizes * share, pairs.tasks),
    )
