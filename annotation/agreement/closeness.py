"""PURE. How close each annotator is to the others, and how far people are apart on each task."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation.agreement.comparisons import Comparisons, compare_people
from annotation.agreement.observations import Observations
from annotation.agreement.statistic import divide, sum_by


@dataclass(frozen=True, eq=False, slots=True)
class Closeness:
    """Sums over comparisons: two different people on the same unit, each seen from one of the two."""

    near: dict[object, float]
    """Annotator id -> comparisons, each counted by how much the two agree: 1 the same, 0 as far apart as possible."""
    compared: dict[object, float]
    """Annotator id -> comparisons."""
    disagreement: dict[object, float]
    """Task id -> 1 minus the mean agreement of all comparisons on the task."""


def measure_closeness(observations: Observations, *, extent: float | None = None) -> Closeness:
    """Closeness of the people behind observations of one kind; `compare_people` says what is compared.

    extent: the range of all scores given, where these are a part of them. Who shares nothing with anybody is absent.
    """
    return close(compare_people(observations, extent=extent))


def close(comparisons: Comparisons) -> Closeness:
    """The closeness that comparisons come to."""
    table, first, agree = comparisons.table, comparisons.first, comparisons.agree
    people, tasks = len(table.annotator_ids), table.tasks
    near = sum_by(table.annotator[first], agree, people)
    compared = sum_by(table.annotator[first], np.ones(len(first)), people)
    apart = 1 - divide(sum_by(table.task[first], agree, tasks), sum_by(table.task[first], np.ones(len(first)), tasks))
    return Closeness(
        near=dict(zip(table.annotator_ids.tolist(), near.tolist(), strict=True)),
        compared=dict(zip(table.annotator_ids.tolist(), compared.tolist(), strict=True)),
        disagreement=dict(zip(table.task_ids.tolist(), apart.tolist(), strict=True)),
    )


def widest_disagreement(parts: Iterable[Mapping[Any, float]]) -> dict[Any, float]:
    """How far people are apart on each task, where they are furthest of all that they were asked.

    parts: `Closeness.disagreement` of each thing that was asked. A task that stands in none of them is absent.
    """
    worst: dict[Any, float] = {}
    for part in parts:
        for task, apart in part.items():
            worst[task] = max(apart, worst.get(task, 0.0))
    return worst


def order_by_disagreement(apart: Mapping[Any, float]) -> list[Any]:
    """Tasks, the widest disagreement first; those that are equally far apart by their id."""
    return sorted(apart, key=lambda task: (-apart[task], task))
