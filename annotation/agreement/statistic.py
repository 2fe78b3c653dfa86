"""PURE. The shape that all statistics share, and the simplest of them: a share."""

from abc import ABC, abstractmethod
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


class Additive(ABC):
    """A `Statistic` that reads nothing but sums over tasks.

    So a task that changes is a difference of sums, leaving a task out is a subtraction, and all resamples of all
    statistics are one matrix product.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def columns(self) -> Floats:
        """[tasks, columns] what each task adds to the sums."""
        ...

    @abstractmethod
    def combine(self, sums: Floats) -> Floats:
        """[resamples] its values from [resamples, columns] sums; NaN where it is undefined."""
        ...

    def evaluate(self, weights: Floats) -> Floats:
        return self.combine(weights @ self.columns)


@dataclass(frozen=True, eq=False, slots=True)
class Share(Additive):
    """Sum over sum: how many agree of those that could, or a mean over what is defined."""

    numerator: Floats
    """[tasks]"""
    denominator: Floats
    """[tasks]"""
    is_proportion: bool = True
    """Whether it counts successes among trials; a mean of correlations does not."""

    @property
    def columns(self) -> Floats:
        return np.column_stack([self.numerator, self.denominator])

    def combine(self, sums: Floats) -> Floats:
        return divide(sums[:, 0], sums[:, 1])


def divide(numerator: Floats, denominator: Floats) -> Floats:
    """The quotient, NaN where the denominator is 0."""
    nothing = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    return np.divide(numerator, denominator, out=nothing, where=denominator != 0)


def sum_by(group: Integers, amounts: Floats, groups: int) -> Floats:
    """[groups] the amounts of each group added up."""
    return np.bincount(group, weights=amounts, minlength=groups).astype(np.float64, copy=False)
