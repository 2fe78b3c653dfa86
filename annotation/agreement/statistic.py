"""PURE. The shape that all statistics share, and the simplest of them: a share."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from annotation.agreement.observations import Floats, Integers


class Statistic(Protocol):
    """A number that depends on how often each task counts."""

    def evaluate(self, weights: Floats) -> Floats:
        """Its values.

        weights: [resamples, tasks], how often each task counts; a row of ones gives the statistic of the data.
        Returns: [resamples]; NaN where it is undefined.
        """
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Share(Statistic):
    """Sum over sum: how many agree of those that could."""

    numerator: Floats
    """[tasks]"""
    denominator: Floats
    """[tasks]"""

    def evaluate(self, weights: Floats) -> Floats:
        return divide(weights @ self.numerator, weights @ self.denominator)


def divide(numerator: Floats, denominator: Floats) -> Floats:
    """The quotient, NaN where the denominator is 0."""
    nothing = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    return np.divide(numerator, denominator, out=nothing, where=denominator != 0)


def sum_by(group: Integers, amounts: Floats, groups: int) -> Floats:
    """[groups] the amounts of each group added up."""
    return np.bincount(group, weights=amounts, minlength=groups).astype(np.float64, copy=False)
