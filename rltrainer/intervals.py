"""PURE (numpy): a mean over prompts and how sure it is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval."""

    value: float
    """The mean."""
    low: float | None
    """Lower end; None where one prompt alone tells nothing of the spread."""
    high: float | None
    """Upper end."""
    n: int
    """Values behind it."""

    def to_dict(self) -> dict[str, float | int | None]:
        """The JSON form."""
        return asdict(self)


def clustered_mean(groups: Sequence[Sequence[float]], *, confidence: float, seed: int) -> Estimate:
    """The mean of all values with a percentile bootstrap interval over groups.

    groups: the values of each prompt; completions of one prompt are not independent, so prompts are resampled.
    Raises: ValueError where there are no values.
    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 13; clusters: Field and Welsh 2007.
    """
    sums = np.array([sum(group) for group in groups], dtype=np.float64)
    counts = np.array([len(group) for group in groups], dtype=np.float64)
    if not counts.sum():
        raise ValueError("a mean over no values")
    value = float(sums.sum() / counts.sum())
    if len(groups) < 2:
        return Estimate(value, None, None, int(counts.sum()))
    picks = np.random.default_rng(seed).integers(len(groups), size=(RESAMPLES, len(groups)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Estimate(value, float(low), float(high), int(counts.sum()))
