"""PURE: quantiles of Student's t, for any positive number of degrees of freedom."""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy

NODES, WEIGHTS = numpy.polynomial.legendre.leggauss(64)


@lru_cache(maxsize=4096)
def t_quantile(probability: float, degrees: float) -> float:
    """Where Student's t reaches a probability in [1/2, 1).

    degrees: of freedom, above 0, whole or not. Raises: ValueError for what lies outside these ranges.
    """
    if not 0.5 <= probability < 1 or not degrees > 0:
        raise ValueError(f"t_quantile: wants 0.5 <= probability < 1 and degrees > 0, got {probability} and {degrees}")
    # The normal's tails are the thinnest, so that t reaches the probability there or farther out.
    low = high = NormalDist().inv_cdf(probability)
    while _probability_up_to(high, degrees) < probability:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _probability_up_to(middle, degrees) < probability else (low, middle)
    return high


def _probability_up_to(value: float, degrees: float) -> float:
    """The distribution function at a value of 0 or more: with value = sqrt(degrees) * tan(angle) the density is a power
    of the angle's cosine, smooth up to there, so that Gauss and Legendre's rule integrates it well."""
    angle = math.atan(value / math.sqrt(degrees))
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(math.pi)
    density = numpy.cos(angle * (NODES + 1) / 2) ** (degrees - 1)
    return 0.5 + scale * angle / 2 * float(WEIGHTS @ density)
