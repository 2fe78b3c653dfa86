"""PURE. Crowds whose truth is known: good, noisy, position-biased and adversarial people. For tests and benchmarks."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import Floats
from annotation.consensus.choice import choice_probabilities
from annotation.consensus.comparisons import Comparisons, build_comparisons

RELIABILITIES = {"good": 1.5, "noisy": 0.4, "position-biased": 0.6, "adversarial": -1.2}
POSITION_BIAS = 2.0
"""Log-odds for the first or the last place, of those who are biased; the others vary around none."""
MIX = {"good": 0.4, "noisy": 0.3, "position-biased": 0.15, "adversarial": 0.15}


@dataclass(frozen=True, eq=False, slots=True)
class SimulatedCrowd:
    """What the crowd says, and what is true."""

    comparisons: Comparisons
    difference: Floats
    """[P] how much better each pair's first item is: log-odds with which somebody of reliability 1 prefers it."""
    reliability: Floats
    """[A]"""
    position: Floats
    """[A] log-odds"""


def simulate_crowd(
    *,
    pairs: int,
    votes: int,
    annotators: int,
    generator: np.random.Generator,
    mix: dict[str, float] | None = None,
    spread: float = 2.0,
    tie: float = -1.0,
) -> SimulatedCrowd:
    """Independent pairs, each judged by `votes` people drawn from the crowd, in an order drawn for each.

    mix: share of each sort of people. spread: standard deviation of the differences.
    """
    shares = MIX if mix is None else mix
    sorts = generator.choice(list(shares), size=annotators, p=list(shares.values()))
    reliability = np.array([RELIABILITIES[each] for each in sorts]) * np.exp(generator.normal(0, 0.2, annotators))
    biased = np.where(sorts == "position-biased", POSITION_BIAS, 0.0) * generator.choice([-1, 1], annotators)
    position = biased + generator.normal(0, 0.15, annotators)
    difference = generator.normal(0, spread, pairs)
    pair = np.repeat(np.arange(pairs), votes)
    # Steps through a random order of people: nobody judges a pair twice.
    person = generator.permutation(annotators)[
        (generator.integers(annotators, size=pairs)[:, None] + _strides(annotators, votes, pairs, generator)).ravel()
        % annotators
    ]
    shown = generator.choice([-1, 1], len(pair))
    lead = reliability[person] * difference[pair] + position[person] * shown
    chances = np.stack(choice_probabilities(lead, np.full(len(pair), tie)), axis=1)
    answer = (generator.random((len(pair), 1)) > chances.cumsum(axis=1)[:, :2]).sum(axis=1)
    comparisons = build_comparisons(
        first=2 * pair, second=2 * pair + 1, annotator=person, answer=answer, shown=shown, pair=pair
    )
    kept = comparisons.annotator_ids
    return SimulatedCrowd(comparisons, difference, reliability[kept], position[kept])


def _strides(annotators: int, votes: int, pairs: int, generator: np.random.Generator) -> "np.ndarray[tuple[int, int]]":
    """[pairs, votes] different offsets below the number of annotators."""
    if votes > annotators:
        raise ValueError(f"{votes} votes a pair need as many people; there are {annotators}")
    step = generator.integers(1, max(annotators // votes, 1) + 1, size=pairs)
    return step[:, None] * np.arange(votes)
