"""PURE. What a fitted crowd expects people to say."""

import numpy as np

from annotation.agreement.observations import Floats, Integers
from annotation.consensus.choice import choice_probabilities
from annotation.consensus.crowd import CrowdFit
from annotation.consensus.habits import NODE_WEIGHTS, NODES, POSITION, RELIABILITY, TIE

POINTS, POINT_WEIGHTS = np.polynomial.hermite_e.hermegauss(7)


def predict_pairs(fit: CrowdFit) -> tuple[Floats, Floats, Floats]:
    """[P] probabilities that an average, unbiased annotator says first, tie, second; uncertainty averaged over."""
    return average_choice(fit.difference, fit.difference_error, float(fit.habits.centre[TIE]))


def average_choice(difference: Floats, error: Floats, tie: float | Floats) -> tuple[Floats, Floats, Floats]:
    """Choice probabilities averaged over Gaussians of the differences."""
    parts = [
        weight * np.stack(choice_probabilities(difference + point * error, np.broadcast_to(tie, difference.shape)))
        for point, weight in zip(POINTS, POINT_WEIGHTS / POINT_WEIGHTS.sum(), strict=True)
    ]
    first, even, second = np.sum(parts, axis=0)
    return first, even, second


def predict_choices(fit: CrowdFit, *, pair: Integers, annotator: Integers, shown: Integers) -> Floats:
    """[choices, 3] probabilities that these annotators say first, tie or second of these pairs.

    pair, annotator: numbers in the fit's comparisons; -1 is somebody or something new.
    """
    difference = np.where(pair >= 0, fit.difference[pair], 0.0)
    error = np.where(pair >= 0, fit.difference_error[pair], fit.widths.of_difference)
    known = annotator >= 0
    habits = np.where(known[:, None], fit.habits.value[annotator], fit.habits.centre)
    spread = np.where(known, fit.habits.error[annotator, RELIABILITY], fit.widths.reliability)
    total = np.zeros((len(pair), 3))
    for own, own_weight in zip(NODES, NODE_WEIGHTS, strict=True):
        reliability = habits[:, RELIABILITY] + own * spread
        for point, weight in zip(POINTS, POINT_WEIGHTS / POINT_WEIGHTS.sum(), strict=True):
            lead = reliability * (difference + point * error) + habits[:, POSITION] * shown
            total += own_weight * weight * np.stack(choice_probabilities(lead, habits[:, TIE]), axis=1)
    return total
