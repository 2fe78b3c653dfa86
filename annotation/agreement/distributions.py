"""PURE (standard library). Quantiles of the normal, t and F distributions, for analytic intervals."""

from collections.abc import Callable
from functools import lru_cache
from math import exp, lgamma, log
from statistics import NormalDist

MOST_TERMS = 10_000
TINY = 1e-300
PRECISION = 1e-15


def normal_quantile(probability: float) -> float:
    """Where the standard normal distribution reaches a probability in (0, 1)."""
    return NormalDist().inv_cdf(probability)


def normal_probability(value: float) -> float:
    """The standard normal distribution function."""
    return NormalDist().cdf(value)


@lru_cache(maxsize=4096)  # Each costs milliseconds, and a trend asks for the same ones at every report.
def t_quantile(probability: float, degrees: float) -> float:
    """Where Student's t reaches a probability in (0, 1)."""
    if probability < 0.5:
        return -t_quantile(1 - probability, degrees)
    # t^2 is F with 1 and `degrees`, so both tails of t are one of F.
    return float(f_quantile(2 * probability - 1, 1, degrees) ** 0.5)


def f_quantile(probability: float, above: float, below: float) -> float:
    """Where F with these degrees of freedom (of the numerator, of the denominator) reaches a probability in [0, 1)."""
    share = _invert(lambda x: beta_probability(x, above / 2, below / 2), probability)
    if share > 0.5:
        rest = _invert(lambda x: beta_probability(x, below / 2, above / 2), 1 - probability)
        return below * (1 - rest) / (above * rest)
    return below * share / (above * (1 - share))


def beta_probability(value: float, a: float, b: float) -> float:
    """The distribution function of the beta distribution: the regularized incomplete beta function.

    value: in [0, 1]. Source: Abramowitz and Stegun 1964, 26.5.8 (the continued fraction).
    """
    if value <= 0 or value >= 1:
        return float(value >= 1)
    if value > (a + 1) / (a + b + 2):
        return 1 - beta_probability(1 - value, b, a)
    scale = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(value) + b * log(1 - value))
    return scale / a / _continued_fraction(value, a, b)


def _continued_fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)), from the front (Lentz's method)."""
    value, upper, lower = 1.0, 1.0, 0.0
    for term in range(1, MOST_TERMS):
        m = term // 2
        if term % 2:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        upper, lower = 1 + step / upper or TINY, 1 / (1 + step * lower or TINY)
        value *= upper * lower
        if abs(upper * lower - 1) < PRECISION:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge at x={x}, a={a}, b={b}")


def _invert(rising: Callable[[float], float], target: float) -> float:
    """Where a rising function on [0, 1] reaches the target, by halving."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2
