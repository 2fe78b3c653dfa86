"""PURE: how well scores agree with people's choices. docs/metrics.md says how to read each number."""

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy

from rewardmodel.intervals import Estimate, estimate_share

AGREEMENT_LEVELS = (("under 60 %", 0.0, 0.6), ("60 to 79 %", 0.6, 0.8), ("80 to 99 %", 0.8, 1.0), ("all", 1.0, 1.1))
CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class JudgedPairs:
    """Held-out pairs with the model's scores and people's votes; every array is [pairs]."""

    prompts: Sequence[Hashable]
    """Prompt of each pair."""
    chosen_scores: numpy.ndarray
    """Scores of the responses that people preferred."""
    rejected_scores: numpy.ndarray
    """Scores of the others."""
    chosen_votes: numpy.ndarray
    """People who preferred the chosen response."""
    rejected_votes: numpy.ndarray
    """People who preferred the other."""
    tie_votes: numpy.ndarray
    """People who called them equal."""

    @property
    def difference(self) -> numpy.ndarray:
        """Chosen minus rejected, float64."""
        return self.chosen_scores.astype(numpy.float64) - self.rejected_scores.astype(numpy.float64)


def count_hits(difference: numpy.ndarray) -> numpy.ndarray:
    """1 where the preferred side is ahead, 1/2 at a tie, else 0; any shape."""
    hits: numpy.ndarray = (difference > 0) + 0.5 * (difference == 0)
    return hits


def accuracy(difference: numpy.ndarray, prompts: Sequence[Hashable], confidence: float) -> Estimate:
    """Share of pairs in which the preferred side is ahead, ties half; difference: [pairs]."""
    return estimate_share(count_hits(difference), numpy.ones(len(difference)), prompts, confidence)


def human_ceiling(pairs: JudgedPairs, confidence: float) -> Estimate:
    """How often one annotator says what the majority of the others on the pair says (leave-one-out accuracy).

    A vote for a tie, and a majority that is tied without the annotator, count half, as a model's tie does. Pairs with
    fewer than two votes have no others and do not count; n is the number of votes.
    """
    chosen, rejected, tie = (
        votes.astype(numpy.float64) for votes in (pairs.chosen_votes, pairs.rejected_votes, pairs.tie_votes)
    )
    total = chosen + rejected + tie
    hits = chosen * count_hits(chosen - 1 - rejected) + rejected * count_hits(rejected - 1 - chosen) + 0.5 * tie
    enough = total >= 2
    return estimate_share(numpy.where(enough, hits, 0.0), numpy.where(enough, total, 0.0), pairs.prompts, confidence)


def negative_log_likelihood(difference: numpy.ndarray) -> float:
    """Mean of -log sigmoid(difference), in nats; ln 2 = 0.693 is what a coin gets."""
    return float(numpy.logaddexp(0.0, -difference).mean())


def brier(difference: numpy.ndarray) -> float:
    """Mean squared distance of the predicted probability from what happened; a coin gets 1/4."""
    return float(((1 - _probability(difference)) ** 2).mean())


def calibration_error(difference: numpy.ndarray, *, bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error: |confidence - accuracy| over equal bins of confidence from 1/2 to 1, by their size.

    Source: Naeini et al. 2015 (AAAI), on the confidence of the side that the model prefers.
    """
    probability = _probability(difference)
    confidence = numpy.maximum(probability, 1 - probability)
    hits = count_hits(difference)
    index = numpy.minimum(((confidence - 0.5) * 2 * bins).astype(int), bins - 1)
    gaps = [abs(confidence[index == b].sum() - hits[index == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(difference))


def correlation(first: numpy.ndarray, second: numpy.ndarray) -> float | None:
    """Pearson correlation of two [n] arrays; None where either is constant or n is under 2."""
    if len(first) < 2 or numpy.ptp(first) == 0 or numpy.ptp(second) == 0:
        return None
    return float(numpy.corrcoef(first.astype(numpy.float64), second.astype(numpy.float64))[0, 1])


def accuracy_by_agreement(pairs: JudgedPairs, confidence: float) -> list[dict[str, Any]]:
    """Accuracy on pairs by the share of votes that the chosen response got; levels without pairs are left out."""
    total = pairs.chosen_votes + pairs.rejected_votes + pairs.tie_votes
    share = numpy.divide(pairs.chosen_votes, total, out=numpy.full(len(total), numpy.nan), where=total > 0)
    rows = []
    for label, low, high in AGREEMENT_LEVELS:
        chosen = (share >= low) & (share < high)
        if chosen.any():
            members = [prompt for prompt, inside in zip(pairs.prompts, chosen, strict=True) if inside]
            rows.append({"votes_for_chosen": label, **asdict(accuracy(pairs.difference[chosen], members, confidence))})
    return rows


def _probability(difference: numpy.ndarray) -> numpy.ndarray:
    probability: numpy.ndarray = numpy.exp(-numpy.logaddexp(0.0, -difference))
    return probability
