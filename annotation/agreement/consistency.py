"""PURE. Whether a person says the same when the same task comes again."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import Floats, Ids
from annotation.agreement.statistic import Share, divide, sum_by
from annotation.agreement.wilson import wilson_interval


@dataclass(frozen=True, eq=False, slots=True)
class Repeats:
    """Things that one person judged twice: one row for each, whoever the person."""

    annotator_id: Ids
    first: Floats
    """What was said first: a score, or what was chosen between two responses (FIRST, TIE, SECOND)."""
    second: Floats
    """What was said of the same when it came again."""

    def __post_init__(self) -> None:
        if not len(self.annotator_id) == len(self.first) == len(self.second):
            raise ValueError("columns must be equally long")
        if not (np.isfinite(self.first).all() and np.isfinite(self.second).all()):
            raise ValueError("every value must be finite; leave out repeats of which one answer is missing")


@dataclass(frozen=True, slots=True)
class Consistency:
    """How often one person repeated themselves exactly, with Wilson's interval, and how near they came."""

    repeats: int
    same: int
    share: float
    low: float
    high: float
    nearness: float
    """Mean of 1 minus the distance as a share of the range of all values; for choices a tie is half way."""


def measure_consistency(repeats: Repeats, *, confidence: float = 0.95) -> dict[object, Consistency]:
    """Annotator id -> their consistency. Who has no repeats is absent: there is nothing to tell.

    A person's repeats count as independent of each other, so give one row a task, not one for each criterion.
    """
    people, person = np.unique(repeats.annotator_id, return_inverse=True)
    count = np.bincount(person, minlength=len(people))
    same = np.bincount(person, weights=repeats.first == repeats.second, minlength=len(people))
    near = sum_by(person, _nearness(repeats), len(people)) / np.maximum(count, 1)
    found: dict[object, Consistency] = {}
    for annotator, n, hits, nearness in zip(people.tolist(), count.tolist(), same.tolist(), near.tolist(), strict=True):
        interval = wilson_interval(hits, n, confidence=confidence)
        assert interval is not None, "everybody here has a repeat"
        found[annotator] = Consistency(n, int(hits), hits / n, *interval, nearness)
    return found


def self_agreement(repeats: Repeats) -> Share:
    """The share of repeats answered the same, over all people; what is drawn again is a person with all repeats."""
    people, person = np.unique(repeats.annotator_id, return_inverse=True)
    same = (repeats.first == repeats.second).astype(np.float64)
    return Share(sum_by(person, same, len(people)), sum_by(person, np.ones_like(same), len(people)))


def _nearness(repeats: Repeats) -> Floats:
    values = np.concatenate([repeats.first, repeats.second])
    extent = np.full(len(repeats.first), np.ptp(values) if len(values) else 1.0)
    distance = divide(np.abs(repeats.first - repeats.second), extent)
    return 1 - np.where(extent > 0, distance, 0.0)
