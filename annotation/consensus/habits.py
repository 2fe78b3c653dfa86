"""PURE. How people choose: reliability, position bias and tie tendency, each drawn towards the crowd's."""

from dataclasses import asdict, dataclass, replace

import numpy as np

from annotation.agreement.observations import TIE as TIED
from annotation.agreement.observations import Floats
from annotation.agreement.statistic import sum_by
from annotation.consensus.choice import ChoiceTerms, choice_terms
from annotation.consensus.comparisons import Comparisons

RELIABILITY, POSITION, TIE = 0, 1, 2
NODES = np.array([-np.sqrt(3.0), 0.0, np.sqrt(3.0)])
"""Gauss-Hermite points of a standard Gaussian, exact for polynomials up to degree 5."""
NODE_WEIGHTS = np.array([1 / 6, 2 / 3, 1 / 6])
NEVER = -np.inf
LARGEST_STEP = 2.0
LEAP = 1.7
NARROWEST = 0.03


@dataclass(frozen=True, slots=True)
class Widths:
    """Standard deviations, in log-odds but for `reliability`, which has no unit."""

    item: float
    """Of worths."""
    pair: float
    """Of what is special to a pair; 0 where that is left out."""
    reliability: float
    """Of reliabilities around the crowd's."""
    position: float
    """Of position biases around the crowd's."""
    tie: float
    """Of tie tendencies around the crowd's."""

    def change_from(self, before: "Widths") -> float:
        """The largest relative change, worths and deviations taken together."""
        return float(np.max(np.abs(self._together() / before._together() - 1)))

    def _together(self) -> Floats:
        return np.array([self.of_difference, self.reliability, self.position, self.tie])

    @property
    def of_difference(self) -> float:
        """Standard deviation of the difference between two items."""
        return float(np.sqrt(2 * self.item**2 + self.pair**2))

    def leap_from(self, before: "Widths") -> "Widths":
        """The same moves, longer: expectation and maximisation comes near its end in ever smaller steps."""
        moves = {name: (old, asdict(self)[name]) for name, old in asdict(before).items()}
        longer = {name: old * (new / old) ** LEAP if old else 0.0 for name, (old, new) in moves.items()}
        return Widths(**{name: max(width, NARROWEST) if width else 0.0 for name, width in longer.items()})

    def replace_pair(self, pair: float) -> "Widths":
        """The same with another width of deviations."""
        return replace(self, pair=pair)


@dataclass(frozen=True, eq=False, slots=True)
class Habits:
    """Of each annotator, in the order RELIABILITY, POSITION, TIE."""

    value: Floats
    """[A, 3]; a tie tendency is -inf where nobody ever tied."""
    variance: Floats
    """[A, 3] posterior, given the differences."""
    centre: Floats
    """[3] the crowd's."""

    @property
    def apart(self) -> Floats:
        """[A, 3] distance from the crowd's; 0 for ties where nobody ever tied."""
        return np.subtract(self.value, self.centre, out=np.zeros_like(self.value), where=np.isfinite(self.value))

    @property
    def error(self) -> Floats:
        """[A, 3] standard errors."""
        return np.sqrt(self.variance)

    def scale_reliability(self, factor: float) -> "Habits":
        """The same people with reliabilities in another unit."""
        unit = np.array([factor, 1.0, 1.0])
        return Habits(self.value * unit, self.variance * unit**2, self.centre * unit)

    def centre_error(self, widths: Widths) -> Floats:
        """[3] standard errors of the crowd's habits."""
        own = self.variance
        spread = np.array([widths.reliability, widths.position, widths.tie]) ** 2
        # An annotator tells of the centre what data tell beyond the prior.
        precision = np.maximum(1 / np.maximum(own, 1e-12) - 1 / spread, 0)
        informative = precision / (1 + precision * spread)
        return 1 / np.sqrt(np.maximum(informative.sum(axis=0), 1e-12))


def start_habits(comparisons: Comparisons, widths: Widths) -> Habits:
    """Everybody average: reliability 1, no position bias, ties as often as the crowd's."""
    tied = float(np.average(comparisons.answer == TIED, weights=comparisons.weight))
    centre = np.array([1.0, 0.0, np.log(2 * tied / (1 - tied)) if 0 < tied < 1 else (NEVER if not tied else 3.0)])
    spread = np.array([widths.reliability, widths.position, widths.tie]) ** 2
    return Habits(np.tile(centre, (comparisons.annotators, 1)), np.tile(spread, (comparisons.annotators, 1)), centre)


def expected_terms(comparisons: Comparisons, habits: Habits, difference: Floats, variance: Floats) -> "HabitTerms":
    """Gradient and curvature by the habits, averaged over what isn't known of the differences.

    difference, variance: [P]. Without the average, people would be held against their own opinion.
    """
    data = comparisons
    own = habits.value[data.annotator]
    spread = np.sqrt(variance)
    total = HabitTerms.zeros(data.annotators)
    for node, share in zip(NODES, NODE_WEIGHTS, strict=True):
        at = (difference + node * spread)[data.pair]
        lead = own[:, RELIABILITY] * at + own[:, POSITION] * data.shown
        total.add(data, choice_terms(data.answer, lead, own[:, TIE]), at, share)
    return total


@dataclass(eq=False, slots=True)
class HabitTerms:
    """Sums over each annotator's choices."""

    slope: Floats
    """[A, 3]"""
    curvature: Floats
    """[A, 3, 3]"""

    @classmethod
    def zeros(cls, annotators: int) -> "HabitTerms":
        return cls(np.zeros((annotators, 3)), np.zeros((annotators, 3, 3)))

    def add(self, data: Comparisons, terms: ChoiceTerms, at: Floats, share: float) -> None:
        """Adds the terms at the differences `at` [N], counted by `share`."""
        weight = share * data.weight
        for one, (along, slope) in enumerate(((at, terms.slope), (data.shown, terms.slope), (1.0, terms.tie_slope))):
            self.slope[:, one] += self._sum(data, weight * slope * along)
        parts = {
            (0, 0): terms.curvature * at**2,
            (1, 1): terms.curvature * data.shown**2,
            (2, 2): terms.tie_curvature,
            (0, 1): terms.curvature * at * data.shown,
            (0, 2): terms.cross * at,
            (1, 2): terms.cross * data.shown,
        }
        for (one, other), part in parts.items():
            amount = self._sum(data, weight * part)
            self.curvature[:, one, other] += amount
            if one != other:
                self.curvature[:, other, one] += amount

    def _sum(self, data: Comparisons, amounts: Floats) -> Floats:
        return sum_by(data.annotator, amounts, len(self.slope))


def step_habits(
    comparisons: Comparisons, difference: Floats, variance: Floats, habits: Habits, widths: Widths
) -> Habits:
    """One Newton step of every annotator's habits given the differences, then of the crowd's."""
    terms = expected_terms(comparisons, habits, difference, variance)
    precision = np.array([widths.reliability, widths.position, widths.tie]) ** -2.0
    hessian = terms.curvature + np.diag(precision)
    inverse = np.linalg.inv(hessian)
    step = np.einsum("aij,aj->ai", inverse, terms.slope - precision * habits.apart)
    value = habits.value + np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    centre = habits.centre.copy()
    # The mean of the people, each weighted alike: the maximum of the prior's part of the likelihood.
    centre[RELIABILITY] = value[:, RELIABILITY].mean()
    centre[POSITION] = value[:, POSITION].mean() if comparisons.shown.any() else 0.0
    centre[TIE] = value[:, TIE].mean()
    return Habits(value, np.diagonal(inverse, axis1=1, axis2=2).copy(), centre)
