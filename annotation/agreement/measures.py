"""PURE. Which statistics each kind of observation gets."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats, Ids, Integers
from annotation.agreement.rankings import RankingTable
from annotation.agreement.statistic import Share, Statistic

ONE_VALUE = "Undefined: all judgments say the same, so agreement can't be told from chance."
ALL_TIED = "Undefined: every ranking ties all responses."
NO_MAJORITY = "Undefined: no strict choice has a majority of other annotators to be held against."
NO_PAIRS = "Undefined: no two annotators judged the same."
NO_STRICT_PAIRS = "Undefined: no two annotators both preferred one of the same two responses."
NEGATIVE = "Undefined: a ratio scale has no values below 0."
Formula = Literal["bootstrap", "linearised", "f"]
FEW_TASKS = 2000
"""Up to here intervals take each task's own influence into account; beyond it they follow from sums alone."""


UNITS, JUDGMENTS, DROPPED, TASKS = range(4)
"""Columns of what a statistic stands on, by task."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a statistic stands on."""

    units: int
    annotators: int
    judgments: int
    dropped: int
    tasks: int


@dataclass(frozen=True, eq=False, slots=True)
class Measure:
    """A statistic with its name and the reason it has when it has no value."""

    level: str
    name: str
    statistic: Statistic
    when_undefined: str
    formula: Formula = "bootstrap"
    """How its interval is found where each task's contribution is at hand."""
    counts: Floats | None = None
    """[tasks, 4] what it stands on, if not the whole: units, judgments, dropped, 1 for a task that counts."""
    annotators: int | None = None
    """How many people it stands on, where that is not the whole."""
    note: str = ""
    """What to know about a defined number."""
    note_if_dropped: str = ""
    """The same, where it leaves out more than the whole does."""
    when_empty: str = ""
    """Why it is undefined where it stands on nothing at all."""


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """What contributions of tasks are measured by, so that those of a part of the data fit those of the whole."""

    values: Floats
    """The distinct values."""
    usual_size: int
    """The number of judgments a unit that covers most judgments."""
    tasks: int
    """How many tasks the whole has."""

    @property
    def origin(self) -> float:
        """A value in their midst."""
        return float(self.values[len(self.values) // 2]) if len(self.values) else 0.0

    @property
    def extent(self) -> float:
        """Highest minus lowest value."""
        return float(np.ptp(self.values)) if len(self.values) else 0.0

    @property
    def is_large(self) -> bool:
        return self.tasks > FEW_TASKS


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """What a report says about one criterion."""

    criterion: str
    table: JudgmentTable
    task_ids: Ids
    """[tasks] the ids behind the rows of all contributions."""
    counts: Floats
    """[tasks, 4] what the whole stands on."""
    sizes: Integers
    """[sizes] how many units have each number of judgments."""
    frame: Frame
    measures: tuple[Measure, ...]

    def basis(self, measure: Measure | None = None) -> Basis:
        """What a measure, or the whole, stands on."""
        counts = self.counts if measure is None or measure.counts is None else measure.counts
        people = self.table.annotators if measure is None or measure.annotators is None else measure.annotators
        return make_basis(counts.sum(axis=0), people)


def make_basis(counts: Floats, annotators: int) -> Basis:
    """counts: [4] summed over tasks."""
    units, judgments, dropped, tasks = (round(each) for each in counts.tolist())
    return Basis(units, annotators, judgments, dropped, tasks)


def undefined(table: JudgmentTable, level: str, name: str, reason: str) -> Measure:
    """A statistic that these data do not allow."""
    nothing = np.zeros(table.tasks)
    return Measure(level, name, Share(nothing, nothing), reason)


def count_table(table: JudgmentTable, *, of: JudgmentTable) -> Floats:
    """[tasks, 4] what stands behind a table; `of` is the whole that it is a part of."""
    counts = np.zeros((table.tasks, 4))
    counts[:, UNITS] = np.bincount(table.task_of_unit, minlength=table.tasks)
    counts[:, JUDGMENTS] = np.bincount(table.task, minlength=table.tasks)
    counts[:, DROPPED] = np.bincount(of.task, minlength=table.tasks) - counts[:, JUDGMENTS]
    counts[:, TASKS] = counts[:, UNITS] > 0
    return counts


def count_rankings(table: RankingTable, tasks: int) -> Floats:
    """[tasks, 4] the same for rankings, whose units are pairs of responses; rows are all tasks that came in."""
    counts, place, pairs = np.zeros((tasks, 4)), table.pairs.task_ids, table.pairs
    counts[place, UNITS] = np.bincount(pairs.task_of_unit, minlength=pairs.tasks)
    counts[place, JUDGMENTS] = table.by_task
    counts[:, DROPPED] = table.dropped_by_task
    counts[place, TASKS] = 1
    return counts


def frame_of(table: JudgmentTable) -> Frame:
    """The frame of a whole; of units that two or more judged."""
    return Frame(values=table.values, usual_size=usual_size(np.bincount(table.unit_sizes)), tasks=table.tasks)


def usual_size(sizes: Integers) -> int:
    """The number of judgments a unit that covers most judgments; of two such numbers the larger.

    sizes: how many units have 0, 1, 2 ... judgments.
    """
    covered = sizes * np.arange(len(sizes))
    return int(len(covered) - 1 - np.argmax(covered[::-1])) if covered.any() else 0
