"""PURE. Answers without an order: what is true of each unit, and how each annotator mixes answers up."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import Floats, Ids, Integers
from annotation.agreement.statistic import sum_by

MOST_ROUNDS = 200
TOLERANCE = 1e-6
POOLED = 4.0
"""An annotator is taken to be like the crowd with the weight of so many units of each true answer."""


@dataclass(frozen=True, eq=False, slots=True)
class DawidSkeneFit:
    """U units, A annotators, C categories."""

    unit_ids: Ids
    annotator_ids: Ids
    categories: Ids
    truth: Floats
    """[U, C] how likely each category is."""
    confusion: Floats
    """[A, C, C] how likely an annotator is to say the last, when the middle one is true."""
    prevalence: Floats
    """[C]"""
    rounds: int

    @property
    def accuracy(self) -> Floats:
        """[A] how likely an annotator is to say what is true."""
        return np.einsum("acc,c->a", self.confusion, self.prevalence)

    @property
    def answer(self) -> Ids:
        """[U] the likeliest category."""
        return self.categories[self.truth.argmax(axis=1)]


def fit_dawid_skene(
    *, unit: Ids, annotator: Ids, answer: Ids, pooled: float = POOLED, most_rounds: int = MOST_ROUNDS
) -> DawidSkeneFit:
    """The model by expectation and maximisation, from long-form columns of equal length [judgments].

    pooled: weight of the crowd's confusion in everybody's own, in units; 0 gives the classical estimates, in which
    somebody with one answer is either perfect or worthless.
    Missing data: absent rows. Start: the shares of the votes.
    Raises: ValueError without judgments.
    Source: Dawid and Skene 1979, Applied Statistics 28, 20-28; pooling as a Dirichlet prior, Paun et al. 2018.
    """
    if not len(answer):
        raise ValueError("there is no judgment")
    unit_ids, at = np.unique(unit, return_inverse=True)
    annotator_ids, by = np.unique(annotator, return_inverse=True)
    categories, said = np.unique(answer, return_inverse=True)
    size = len(unit_ids), len(annotator_ids), len(categories)
    truth = _normalise(sum_by(at * size[2] + said, np.ones(len(at)), size[0] * size[2]).reshape(size[0], size[2]))
    rounds, change = 0, np.inf
    while rounds < most_rounds and change > TOLERANCE:
        confusion, prevalence = _maximise(truth, at, by, said, size, pooled)
        new = _expect(confusion, prevalence, at, by, said, size)
        change = float(np.abs(new - truth).max())
        truth, rounds = new, rounds + 1
    return DawidSkeneFit(unit_ids, annotator_ids, categories, truth, confusion, prevalence, rounds)


def _maximise(
    truth: Floats, at: Integers, by: Integers, said: Integers, size: tuple[int, int, int], pooled: float
) -> tuple[Floats, Floats]:
    annotators, categories = size[1], size[2]
    counts = np.stack(
        [
            sum_by(by * categories + said, truth[at, true], annotators * categories).reshape(annotators, categories)
            for true in range(categories)
        ],
        axis=1,
    )
    crowd = _normalise(counts.sum(axis=0) + 1 / categories)
    return _normalise(counts + pooled * crowd), truth.mean(axis=0)


def _expect(
    confusion: Floats, prevalence: Floats, at: Integers, by: Integers, said: Integers, size: tuple[int, int, int]
) -> Floats:
    with np.errstate(divide="ignore"):
        chance, start = np.log(confusion), np.log(prevalence)
    # A vote that could not happen counts as one in 1e-12 and not as a proof.
    logs = np.maximum(chance, np.log(1e-12))
    total = np.stack([sum_by(at, logs[by, true, said], size[0]) for true in range(size[2])], axis=1) + start
    return _normalise(np.exp(total - total.max(axis=1, keepdims=True)))


def _normalise(counts: Floats) -> Floats:
    """Shares along the last axis; equal ones where there is nothing."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / counts.shape[-1])
