"""PURE. Sources by how often people prefer what they wrote, with intervals."""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from annotation.agreement.observations import FIRST, SECOND, TIE, Floats, Integers
from annotation.agreement.statistic import sum_by
from annotation.consensus.crowd import CrowdFit
from annotation.consensus.predictions import average_choice

Z95 = 1.959964
FEWEST_CLUSTERS = 30
"""Prompts that robust errors need; with fewer the model's own are given."""
CLUSTERS_AT_ONCE = 5000


class SourceRecord(TypedDict):
    """One line of the leaderboard."""

    source: str
    worth: float
    """Log-odds against the mean of all sources."""
    low: float
    high: float
    win_share: float
    """How often a person of typical reliability would prefer it to a response of the average source, ties half."""
    win_low: float
    win_high: float
    best_rank: int
    """1 plus the sources that are better beyond doubt."""
    worst_rank: int
    """Sources less those that are worse beyond doubt."""
    wins: float
    """Choices won, lost and tied, as people made them."""
    losses: float
    ties: float


@dataclass(frozen=True, eq=False, slots=True)
class Leaderboard:
    """The sources, best first."""

    sources: list[SourceRecord]
    method: str


def rank_sources(fit: CrowdFit, *, cluster: Integers) -> Leaderboard:
    """The leaderboard of a fit whose items are sources.

    cluster: [P] the prompt of each pair; pairs of one prompt hang together.
    Source of the errors: Liang and Zeger 1986, Biometrika 73, 13-22.
    """
    count = fit.comparisons.items
    centre = np.eye(count) - 1 / count
    worth = fit.worth - fit.worth.mean()
    covariance, method = _covariance(fit, cluster)
    covariance = centre @ covariance @ centre
    reach = Z95 * np.sqrt(np.diag(covariance))
    best, worst = _rank_bounds(worth, covariance)
    wins, losses, ties = _tally(fit)
    shares = [_win_share(fit, worth + shift * reach) for shift in (0, -1, 1)]
    rows: list[SourceRecord] = [
        {
            "source": str(fit.comparisons.item_ids[number]), "worth": float(worth[number]),
            "low": float(worth[number] - reach[number]), "high": float(worth[number] + reach[number]),
            "win_share": float(shares[0][number]), "win_low": float(shares[1][number]),
            "win_high": float(shares[2][number]), "best_rank": int(best[number]), "worst_rank": int(worst[number]),
            "wins": float(wins[number]), "losses": float(losses[number]), "ties": float(ties[number]),
        }
        for number in np.argsort(-worth, kind="stable")
    ]  # fmt: skip
    return Leaderboard(rows, method)


def _covariance(fit: CrowdFit, cluster: Integers) -> tuple[Floats, str]:
    """[I, I] of the worths, and how it was found."""
    count = fit.comparisons.items
    inverse = np.stack([fit.system.solve(column) for column in np.eye(count)])
    clusters, number = np.unique(cluster, return_inverse=True)
    if len(clusters) < FEWEST_CLUSTERS:
        return inverse, "annotator-aware Bradley-Terry with ties; Gaussian approximation, 95%"
    meat = np.zeros((count, count))
    for start in range(0, len(clusters), CLUSTERS_AT_ONCE):
        here = np.flatnonzero((number >= start) & (number < start + CLUSTERS_AT_ONCE))
        size = min(CLUSTERS_AT_ONCE, len(clusters) - start)
        cells = (number[here] - start) * count
        scores = sum_by(cells + fit.comparisons.first[here], fit.slope[here], size * count)
        scores -= sum_by(cells + fit.comparisons.second[here], fit.slope[here], size * count)
        scores = scores.reshape(size, count)
        meat += scores.T @ scores
    spread = inverse @ meat @ inverse * len(clusters) / (len(clusters) - 1)
    return spread, "annotator-aware Bradley-Terry with ties; errors robust by prompt, 95%"


def _rank_bounds(worth: Floats, covariance: Floats) -> tuple[Integers, Integers]:
    variance = np.diag(covariance)
    error = np.sqrt(np.maximum(variance[:, None] + variance[None] - 2 * covariance, 1e-18))
    lead = (worth[:, None] - worth[None]) / error
    better = (lead < -Z95).sum(axis=1)
    worse = (lead > Z95).sum(axis=1)
    return better + 1, len(worth) - worse


def _win_share(fit: CrowdFit, worth: Floats) -> Floats:
    """Against the average source, over what is special to single pairs."""
    deviation = np.full(len(worth), fit.widths.pair)
    first, even, _ = average_choice(worth, deviation, float(fit.habits.centre[2]))
    return first + even / 2


def _tally(fit: CrowdFit) -> tuple[Floats, Floats, Floats]:
    data = fit.comparisons
    first, second = data.first[data.pair], data.second[data.pair]

    def count(item: Integers, answer: int) -> Floats:
        return sum_by(item, (data.answer == answer).astype(np.float64), data.items)

    return (
        count(first, FIRST) + count(second, SECOND),
        count(first, SECOND) + count(second, FIRST),
        count(first, TIE) + count(second, TIE),
    )
