"""PURE. Drawing whole tasks again: how a statistic would scatter over other tasks of the same kind."""

import numpy as np
from numpy.typing import NDArray

from annotation.agreement.observations import Floats
from annotation.agreement.statistic import Statistic

Words = NDArray[np.uint64]
TASKS_AT_ONCE = 2048
CELLS_AT_ONCE = 4_000_000
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
DRAWS_PER_WORD = 4
KEPT_BITS = 33


def task_keys(columns: Floats, *, seed: int) -> Words:
    """[tasks] what a task's draws follow from: its contribution, and how many tasks before it contribute the same.

    So the draws depend on neither names nor order of tasks, and one task can change without touching the others.
    A contribution counts to ten digits, since sums in another order differ in the last.

    columns: [tasks, columns].
    """
    digest = digest_rows(columns)
    return number_keys(digest, count_earlier(digest), seed=seed)


def digest_rows(columns: Floats) -> Words:
    """[tasks] 64 bits that stand for a row."""
    mantissa, exponent = np.frexp(columns)
    digest = np.zeros(len(columns), np.uint64)
    for part in (np.rint(mantissa * 2.0**KEPT_BITS).astype(np.int64), exponent.astype(np.int64)):
        for column in part.T:
            digest = _mix(digest + GOLDEN ^ column.astype(np.uint64))
    return digest


def number_keys(digest: Words, number: NDArray[np.int64], *, seed: int) -> Words:
    """[tasks] the key of the number-th (from 0) task with this digest."""
    return _mix(_mix(digest ^ np.uint64(seed)) + number.astype(np.uint64) * GOLDEN)


def draw_weights(keys: Words, *, resamples: int) -> Floats:
    """[tasks, resamples] how often each task counts in each resample: independent Poisson draws of mean 1.

    Source: Hanley and MacGibbon 2006, "Creating non-parametric bootstrap samples using Poisson frequencies"; the
    generator is SplitMix64 (Steele, Lea and Flood 2014), of which each word gives four draws of 16 bits.
    """
    words = -(-resamples // DRAWS_PER_WORD)
    steps = np.arange(1, words + 1, dtype=np.uint64) * GOLDEN
    return POISSON[_mix(keys[:, None] + steps).view(np.uint16)][:, :resamples]


def resample_sums(columns: Floats, keys: Words, *, resamples: int) -> Floats:
    """[resamples, columns] sums over tasks, each task counted as often as it was drawn."""
    total = np.zeros((resamples, columns.shape[1]))
    for start in range(0, len(columns), TASKS_AT_ONCE):
        part = slice(start, start + TASKS_AT_ONCE)
        total += draw_weights(keys[part], resamples=resamples).T @ columns[part]
    return total


def resample(statistic: Statistic, keys: Words, *, resamples: int, width: int) -> Floats:
    """[resamples] values of a statistic that does not follow from sums; NaN where it is undefined.

    width: the longest row it makes for one resample, which bounds the memory.
    """
    weights = draw_weights(keys, resamples=resamples).T
    rows = max(1, CELLS_AT_ONCE // max(width, 1))
    parts = [statistic.evaluate(np.ascontiguousarray(weights[at : at + rows])) for at in range(0, resamples, rows)]
    return np.concatenate(parts)


def count_earlier(digest: Words) -> NDArray[np.int64]:
    """[tasks] how many tasks before each have its digest."""
    order = np.argsort(digest, kind="stable")
    ordered = digest[order]
    number = np.empty(len(digest), np.int64)
    number[order] = np.arange(len(digest)) - np.searchsorted(ordered, ordered)
    return number


def _mix(word: Words) -> Words:
    """SplitMix64's output function: every bit of the input moves every bit of the output."""
    word = (word ^ word >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ word >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return word ^ word >> np.uint64(31)


def _tabulate_poisson() -> Floats:
    """[65536] the Poisson draw of mean 1 for each 16 random bits."""
    chances = np.exp(-1) / np.cumprod([1, 1, 2, 3, 4, 5, 6, 7, 8])
    return np.searchsorted(np.cumsum(chances), (np.arange(65536) + 0.5) / 65536).astype(np.float64)


POISSON = _tabulate_poisson()
