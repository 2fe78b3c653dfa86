"""PURE. Habits of people and of a project as shares with intervals, or the reason why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from annotation.agreement.observations import FIRST, TIE, Floats, Integers
from annotation.agreement.statistic import divide, sum_by
from annotation.consensus.choices import Choices

Z95 = 1.959964
Booleans: TypeAlias = NDArray[np.bool_]
FEWEST_FOR_MEAN = 5
"""Rankings that a mean needs for an interval."""
UNKNOWN_ORDER = "Undefined: the order in which responses were shown is not known, as for imported judgments."
NO_CHOICES = "Undefined: no strict choice between responses that differ in this."
NO_RANKINGS = "Undefined: there is no ranking."
NO_TIMES = "Undefined: no active time was recorded."
FEW_TIMES = "No interval: fewer than 6 active times."
FEW_RANKINGS = "No interval: fewer than 5 rankings."
WILSON = "Wilson interval, 95%; choices of one task counted as far as they are independent"
MEAN = "mean over rankings, normal interval, 95%"
MEDIAN = "median, interval by order statistics, at least 95%"


class EffectRecord(TypedDict):
    """One number of the bias report."""

    annotator: int | None
    """None for the project."""
    effect: str
    value: float | None
    low: float | None
    high: float | None
    baseline: float | None
    """What a person without the habit shows; None where there is no such number."""
    choices: int
    """Choices or rankings behind it."""
    method: str
    note: str


@dataclass(frozen=True, eq=False, slots=True)
class _Groups:
    """Everybody in one group, or each person in a group of their own."""

    of_judgment: Integers
    """[J]"""
    annotators: tuple[int | None, ...]


def measure_effects(choices: Choices, *, of_people: bool) -> list[EffectRecord]:
    """The six effects of the project, or of each annotator in the order of their ids.

    - position: share of strict choices that went to the response shown earlier.
    - first_seen: how much more of the best tier the response shown first makes up than one ranked at random.
    - length, format: share of strict choices that went to the longer text, and to the one with more Markdown. What is
      longer may be better: hold a person's number against the project's, not against one half.
    - ties: share of choices that are ties. - speed: median active seconds of a ranking.

    Missing data: choices that a number does not apply to are left out; orders and times that aren't known likewise.
    Choices between equal texts count for nothing.
    """
    groups = _group(choices, of_people=of_people)
    if not groups.annotators:
        return []
    facts = choices.facts
    length = np.sign(facts.characters[choices.first] - facts.characters[choices.second])
    marks = np.sign(facts.markdown[choices.first] - facts.markdown[choices.second])
    columns = [
        _shares(choices, groups, "position", choices.shown, UNKNOWN_ORDER),
        _first_seen(choices, groups),
        _shares(choices, groups, "length", length, NO_CHOICES),
        _shares(choices, groups, "format", marks, NO_CHOICES),
        _ties(choices, groups),
        _speed(choices, groups),
    ]
    return [record for records in zip(*columns, strict=True) for record in records]


def _group(choices: Choices, *, of_people: bool) -> _Groups:
    if not of_people:
        return _Groups(np.zeros(choices.rankings, np.int64), (None,))
    people, number = np.unique(choices.annotator, return_inverse=True)
    return _Groups(number, tuple(people.tolist()))


def _different(choices: Choices) -> Booleans:
    text = choices.facts.text
    return np.asarray(text[choices.first] != text[choices.second])


def _shares(choices: Choices, groups: _Groups, effect: str, sign: Integers, reason: str) -> Iterator[EffectRecord]:
    """sign: [N] 1 where the first response has more of what is looked at, -1 where the second has, 0 for neither."""
    used = (choices.answer != TIE) & (sign != 0) & _different(choices)
    took = ((choices.answer == FIRST) == (sign > 0)).astype(np.float64)
    return _interval_records(choices, groups, effect, used, took, baseline=0.5, reason=reason)


def _ties(choices: Choices, groups: _Groups) -> Iterator[EffectRecord]:
    tied = (choices.answer == TIE).astype(np.float64)
    used = _different(choices)
    return _interval_records(choices, groups, "ties", used, tied, baseline=None, reason=NO_RANKINGS)


def _interval_records(
    choices: Choices, groups: _Groups, effect: str, used: Booleans, took: Floats, *, baseline: float | None, reason: str
) -> Iterator[EffectRecord]:
    row = np.flatnonzero(used)
    group = groups.of_judgment[choices.judgment[row]]
    size, weight = len(groups.annotators), choices.weight[row]
    total = sum_by(group, weight, size)
    share = divide(sum_by(group, weight * took[row], size), total)
    independent = _independent(choices, groups, row, took, share, total)
    low, high = wilson_interval(share, independent)
    count = np.bincount(group, minlength=size)
    for number, annotator in enumerate(groups.annotators):
        if not count[number]:
            yield _undefined(annotator, effect, baseline, WILSON, reason)
            continue
        yield {
            "annotator": annotator, "effect": effect, "value": float(share[number]), "low": float(low[number]),
            "high": float(high[number]), "baseline": baseline, "choices": int(count[number]), "method": WILSON,
            "note": "",
        }  # fmt: skip


def _independent(
    choices: Choices, groups: _Groups, row: Integers, took: Floats, share: Floats, total: Floats
) -> Floats:
    """[groups] how many independent choices tell as much: never more than were made.

    The variance of a ratio over tasks: Cochran 1977, Sampling Techniques, section 6.
    """
    judgment = choices.judgment[row]
    group = groups.of_judgment[judgment]
    rest = choices.weight[row] * (took[row] - share[group])
    tasks, task = np.unique(choices.task[judgment], return_inverse=True)
    cells, cell = np.unique(group * max(len(tasks), 1) + task, return_inverse=True)
    sums = sum_by(cell, rest, len(cells))
    squares = sum_by(cells // max(len(tasks), 1), sums**2, len(total))
    plain = share * (1 - share)
    robust = np.divide(plain * total**2, squares, out=total.copy(), where=squares > 1e-12)
    return np.minimum(total, robust)


def wilson_interval(share: Floats, count: Floats) -> tuple[Floats, Floats]:
    """The 95% interval of shares of `count` independent choices. Source: Wilson 1927, J. Am. Stat. Assoc. 22."""
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = Z95**2 / count
        centre = (share + weight / 2) / (1 + weight)
        reach = Z95 * np.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    return np.maximum(centre - reach, 0), np.minimum(centre + reach, 1)


def _first_seen(choices: Choices, groups: _Groups) -> Iterator[EffectRecord]:
    """The best tier's share for the first shown, less 1 / ranked: 0 for somebody who doesn't mind the order."""
    known = np.flatnonzero(~np.isnan(choices.top_of_first_shown))
    group, size = groups.of_judgment[known], len(groups.annotators)
    extra = choices.top_of_first_shown[known] - 1 / choices.ranked[known]
    count = np.bincount(group, minlength=size)
    mean = divide(sum_by(group, extra, size), count.astype(np.float64))
    squares = sum_by(group, (extra - mean[group]) ** 2, size)
    for number, annotator in enumerate(groups.annotators):
        if not count[number]:
            yield _undefined(annotator, "first_seen", 0.0, MEAN, UNKNOWN_ORDER)
            continue
        enough = count[number] >= FEWEST_FOR_MEAN
        reach = Z95 * np.sqrt(squares[number] / max(count[number] - 1, 1) / count[number])
        value = float(mean[number])
        yield {
            "annotator": annotator, "effect": "first_seen", "value": value,
            "low": float(value - reach) if enough else None, "high": float(value + reach) if enough else None,
            "baseline": 0.0, "choices": int(count[number]), "method": MEAN, "note": "" if enough else FEW_RANKINGS,
        }  # fmt: skip


def _speed(choices: Choices, groups: _Groups) -> Iterator[EffectRecord]:
    known = np.flatnonzero(~np.isnan(choices.active_ms))
    order = known[np.lexsort((choices.active_ms[known], groups.of_judgment[known]))]
    ends = np.cumsum(np.bincount(groups.of_judgment[known], minlength=len(groups.annotators)))
    for annotator, seconds in zip(groups.annotators, np.split(choices.active_ms[order] / 1000, ends[:-1]), strict=True):
        if not len(seconds):
            yield _undefined(annotator, "speed", None, MEDIAN, NO_TIMES)
            continue
        reach = int(np.floor(len(seconds) / 2 - Z95 * np.sqrt(len(seconds)) / 2))
        known_ends = len(seconds) >= 6
        at = max(reach - 1, 0)
        yield {
            "annotator": annotator, "effect": "speed", "value": float(np.median(seconds)),
            "low": float(seconds[at]) if known_ends else None, "high": float(seconds[-at - 1]) if known_ends else None,
            "baseline": None, "choices": len(seconds), "method": MEDIAN, "note": "" if known_ends else FEW_TIMES,
        }  # fmt: skip


def _undefined(annotator: int | None, effect: str, baseline: float | None, method: str, note: str) -> EffectRecord:
    return {
        "annotator": annotator, "effect": effect, "value": None, "low": None, "high": None, "baseline": baseline,
        "choices": 0, "method": method, "note": note,
    }  # fmt: skip
