"""PURE. Judgments as small integers, by unit."""

from dataclasses import dataclass, replace

import numpy as np

from annotation.agreement.numbering import number_ids
from annotation.agreement.observations import Bools, Floats, Ids, Integers


@dataclass(frozen=True, eq=False, slots=True)
class JudgmentTable:
    """Judgments by unit. N judgments, U units, T tasks, C distinct values."""

    unit: Integers
    """[N] number of the unit, ascending."""
    annotator: Integers
    """[N] number of the annotator."""
    category: Integers
    """[N] number of the value among the distinct values, in their order; ascending within a unit."""
    values: Floats
    """[C] the distinct values, ascending."""
    task_of_unit: Integers
    """[U] number of the task."""
    unit_ids: Ids
    """[U] the ids that came in."""
    annotator_ids: Ids
    task_ids: Ids
    dropped: int
    """Judgments left out because nobody else judged their unit."""

    @property
    def judgments(self) -> int:
        return len(self.unit)

    @property
    def units(self) -> int:
        return len(self.task_of_unit)

    @property
    def tasks(self) -> int:
        return len(self.task_ids)

    @property
    def unit_sizes(self) -> Integers:
        """[U] judgments of each unit."""
        return np.bincount(self.unit, minlength=self.units)

    @property
    def task(self) -> Integers:
        """[N] number of the task of each judgment."""
        return self.task_of_unit[self.unit]

    @property
    def annotators(self) -> int:
        """How many people the judgments are by."""
        return int((np.bincount(self.annotator) > 0).sum())

    @property
    def judged_tasks(self) -> int:
        """How many tasks the judgments are of."""
        return int((np.bincount(self.task_of_unit) > 0).sum())

    def keep_shared(self) -> "JudgmentTable":
        """Without the units that one annotator alone judged."""
        return self.keep_units(self.unit_sizes > 1)

    def keep_units(self, kept: Bools) -> "JudgmentTable":
        """The same tasks, people and values with these units only; the judgments of the others count as dropped.

        kept: [U].
        """
        return self.keep_judgments(kept[self.unit])

    def keep_judgments(self, kept: Bools) -> "JudgmentTable":
        """The same with these judgments only; numbers of tasks, people and values stay.

        kept: [N].
        """
        left = np.bincount(self.unit[kept], minlength=self.units) > 0
        number = np.cumsum(left) - 1
        return replace(
            self, unit=number[self.unit[kept]], annotator=self.annotator[kept], category=self.category[kept],
            task_of_unit=self.task_of_unit[left], unit_ids=self.unit_ids[left],
            dropped=self.dropped + int((~kept).sum()),
        )  # fmt: skip

    def count_categories(self) -> tuple[Integers, Integers, Floats]:
        """(unit, category, judgments) for each pair of the first two that occurs; memory in proportion to the data."""
        joint = self.unit * len(self.values) + self.category
        # Ascending already: the rows are sorted by unit and value.
        starts = np.flatnonzero(np.diff(joint, prepend=-1))
        counts = np.diff(starts, append=len(joint)).astype(np.float64)
        return self.unit[starts], self.category[starts], counts


def build_table(
    *, task_id: Ids, unit_id: Ids, annotator_id: Ids, value: Floats | Integers, values: Floats | None = None,
    fewest: int = 2,
) -> JudgmentTable:  # fmt: skip
    """The table of long-form columns of equal length.

    values: the distinct values to number by, ascending, for instance those of a larger set; else those that occur.
    fewest: Units with fewer judgments are left out and counted. Missing data: what isn't there is simply absent.
    Raises: ValueError when an annotator judged a unit twice, a unit belongs to two tasks, or `values` lacks a value.
    """
    unit_id, given = np.asarray(unit_id), np.asarray(value, np.float64)
    unit = number_ids(unit_id)[1]
    sizes = np.bincount(unit) if len(unit) else np.zeros(0, np.int64)
    shared = sizes[unit] >= fewest
    values, category = _number_values(given[shared], values)
    # By value within a unit, so that sums come out the same to the last digit in whatever order the rows come.
    order = np.argsort(unit[shared] * (len(values) + 1) + category, kind="stable")
    rows = np.flatnonzero(shared)[order]
    category = category[order]
    unit_ids, unit = number_ids(unit_id[rows])
    annotator_ids, annotator = number_ids(np.asarray(annotator_id)[rows])
    task_ids, task = number_ids(np.asarray(task_id)[rows])
    _refuse_doubles(unit, annotator, unit_ids, annotator_ids)
    return JudgmentTable(
        unit=unit, annotator=annotator, category=category, values=values,
        task_of_unit=_task_of_unit(unit, task, unit_ids), unit_ids=unit_ids, annotator_ids=annotator_ids,
        task_ids=task_ids, dropped=int((~shared).sum()),
    )  # fmt: skip


def _number_values(value: Floats, values: Floats | None) -> tuple[Floats, Integers]:
    if values is None:
        return number_ids(value)
    category = np.minimum(np.searchsorted(values, value), max(len(values) - 1, 0))
    strays = value[values[category] != value] if len(values) else value
    if len(strays):
        raise ValueError(f"{strays[0]:g} is none of the {len(values)} values")
    return values, category


def _refuse_doubles(unit: Integers, annotator: Integers, unit_ids: Ids, annotator_ids: Ids) -> None:
    joint = np.sort(unit * max(len(annotator_ids), 1) + annotator)
    twice = joint[1:][joint[1:] == joint[:-1]]
    if len(twice):
        at_unit, by = divmod(int(twice[0]), len(annotator_ids))
        raise ValueError(f"annotator {annotator_ids[by]} judged unit {unit_ids[at_unit]} more than once")


def _task_of_unit(unit: Integers, task: Integers, unit_ids: Ids) -> Integers:
    task_of_unit = np.zeros(len(unit_ids), np.int64)
    task_of_unit[unit] = task
    strays = np.flatnonzero(task_of_unit[unit] != task)
    if len(strays):
        raise ValueError(f"unit {unit_ids[unit[strays[0]]]} belongs to more than one task")
    return task_of_unit
