"""PURE. How likely each answer to "which of the two?" is, and how that changes with what it depends on."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import FIRST, SECOND, TIE, Floats, Integers


@dataclass(frozen=True, eq=False, slots=True)
class ChoiceTerms:
    """Log-likelihood of choices with its derivatives; all [choices]."""

    log_likelihood: Floats
    slope: Floats
    """By the lead."""
    tie_slope: Floats
    """By the tie tendency."""
    curvature: Floats
    """Minus the second derivative by the lead; never negative."""
    tie_curvature: Floats
    cross: Floats
    """Minus the mixed second derivative."""


def choice_probabilities(lead: Floats, tie: Floats) -> tuple[Floats, Floats, Floats]:
    """Probabilities of first, tie and second.

    lead: log-odds of first against second. tie: log-odds of a tie against one side of an even pair; -inf means never.
    Source: Davidson 1970, J. Am. Stat. Assoc. 65, 317-328: ties are as likely as the geometric mean of both sides.
    """
    half = lead / 2
    top = np.maximum(np.abs(half), tie)
    first, even, second = np.exp(half - top), np.exp(tie - top), np.exp(-half - top)
    total = first + even + second
    return first / total, even / total, second / total


def choice_terms(answer: Integers, lead: Floats, tie: Floats) -> ChoiceTerms:
    """answer: FIRST, TIE or SECOND; lead, tie: as above; all [choices]."""
    first, even, second = choice_probabilities(lead, tie)
    difference = first - second
    said = np.select([answer == FIRST, answer == TIE], [first, even], second)
    return ChoiceTerms(
        log_likelihood=np.log(np.maximum(said, 1e-300)),
        slope=((answer == FIRST).astype(np.float64) - (answer == SECOND) - difference) / 2,
        tie_slope=(answer == TIE) - even,
        curvature=((first + second) - difference**2) / 4,
        tie_curvature=even * (1 - even),
        cross=-even * difference / 2,
    )
