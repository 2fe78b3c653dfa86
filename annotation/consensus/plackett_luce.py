"""PURE. Plackett-Luce for rankings with ties and of part of the items, whose makers do not matter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import Floats, Integers
from annotation.consensus.newton import maximise


@dataclass(frozen=True, eq=False, slots=True)
class PlackettLuceFit:
    """Worths in log-odds with their covariance."""

    worth: Floats
    """[I] mean 0."""
    covariance: Floats
    """[I, I]"""
    log_likelihood: float

    @property
    def error(self) -> Floats:
        """[I] standard errors."""
        return np.sqrt(np.diag(self.covariance))


@dataclass(frozen=True, eq=False, slots=True)
class _Stages:
    """Each choice of one item from those that were left."""

    left: Floats
    """[S, I] how far each item is still there: members of a tied tier leave in equal parts."""
    chosen: Integers
    """[S]"""
    weight: Floats
    """[S]"""


def fit_plackett_luce(
    rankings: Sequence[Sequence[Sequence[int]]], *, items: int, prior_width: float | None = None
) -> PlackettLuceFit:
    """The maximum of the likelihood of rankings.

    rankings: each a list of tiers, best first, of item numbers below `items`; items that it doesn't name take no part.
    Ties are taken as any order of their tier being equally likely, by Efron's approximation.
    prior_width: standard deviation of a Gaussian that draws worths towards their mean; None draws nothing.
    Raises: ValueError when no ranking has two tiers; NoMaximum when there is no finite estimate.
    Source: Plackett 1975; Luce 1959; Efron 1977, J. Am. Stat. Assoc. 72, 557-565 (a ranking is a stratum of Cox's
    partial likelihood).
    """
    stages = _list_stages(rankings, items)
    ridge = 0.0 if prior_width is None else prior_width**-2

    def terms(point: Floats) -> tuple[float, Floats, Floats]:
        # [S, I] chances of each item that is left.
        chance = stages.left * np.exp(point)
        total = chance.sum(axis=1, keepdims=True)
        chance /= total
        value = float(stages.weight @ (point[stages.chosen] - np.log(total[:, 0])))
        slope = np.bincount(stages.chosen, stages.weight, items) - stages.weight @ chance
        curvature = np.diag(stages.weight @ chance) - chance.T @ (stages.weight[:, None] * chance)
        return value - ridge * float(point @ point) / 2, slope - ridge * point, curvature + ridge * np.eye(items)

    point, curvature = maximise(terms, np.zeros(items))
    centre = np.eye(items) - 1 / items
    return PlackettLuceFit(point - point.mean(), centre @ np.linalg.pinv(curvature) @ centre, terms(point)[0])


def _list_stages(rankings: Sequence[Sequence[Sequence[int]]], items: int) -> _Stages:
    rows, chosen = [], []
    for tiers in rankings:
        left = np.zeros(items)
        left[[item for tier in tiers for item in tier]] = 1
        for tier in tiers[:-1]:
            for gone, item in enumerate(tier):
                row = left.copy()
                row[list(tier)] = 1 - gone / len(tier)
                rows.append(row)
                chosen.append(item)
            left[list(tier)] = 0
    if not rows:
        raise ValueError("no ranking places one item above another")
    return _Stages(np.stack(rows), np.array(chosen), np.ones(len(rows)))
