"""PURE. Judgments as small integers, with everything dropped that can't be compared."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.observations import Floats, Ids, Integers


@dataclass(frozen=True, eq=False, slots=True)
class JudgmentTable:
    """Judgments of units that two or more annotators judged. N judgments, U units, T tasks, C distinct values."""

    unit: Integers
    """[N] number of the unit, ascending."""
    annotator: Integers
    """[N] number of the annotator."""
    category: Integers
    """[N] number of the value among the distinct values, in their order."""
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
        """[U] judgments of each unit, at least 2."""
        return np.bincount(self.unit, minlength=self.units)

    @property
    def task(self) -> Integers:
        """[N] number of the task of each judgment."""
        return self.task_of_unit[self.unit]

    def count_categories(self) -> tuple[Integers, Integers, Floats]:
        """(unit, category, judgments) for each pair of the first two that occurs; memory in proportion to the data."""
        joint, counts = np.unique(self.unit * len(self.values) + self.category, return_counts=True)
        unit, category = np.divmod(joint, max(len(self.values), 1))
        return unit, category, counts.astype(np.float64)


def build_table(*, task_id: Ids, unit_id: Ids, annotator_id: Ids, value: Floats | Integers) -> JudgmentTable:
    """The table of long-form columns of equal length.

    Missing data: a judgment that isn't there is simply absent. Units with one judgment are left out and counted.
    Raises: ValueError when an annotator judged a unit twice, or a unit belongs to two tasks.
    """
    unit = np.unique(unit_id, return_inverse=True)[1].ravel()
    sizes = np.bincount(unit) if len(unit) else np.zeros(0, np.int64)
    shared = sizes[unit] > 1
    order = np.flatnonzero(shared)[np.argsort(unit[shared], kind="stable")]
    unit_ids, unit = np.unique(np.asarray(unit_id)[order], return_inverse=True)
    annotator_ids, annotator = np.unique(np.asarray(annotator_id)[order], return_inverse=True)
    task_ids, task = np.unique(np.asarray(task_id)[order], return_inverse=True)
    values, category = np.unique(np.asarray(value)[order], return_inverse=True)
    _refuse_doubles(unit, annotator, unit_ids, annotator_ids)
    return JudgmentTable(
        unit=unit, annotator=annotator, category=category, values=values.astype(np.float64),
        task_of_unit=_task_of_unit(unit, task, unit_ids), unit_ids=unit_ids, annotator_ids=annotator_ids,
        task_ids=task_ids, dropped=int((~shared).sum()),
    )  # fmt: skip


def _refuse_doubles(unit: Integers, annotator: Integers, unit_ids: Ids, annotator_ids: Ids) -> None:
    joint, counts = np.unique(unit * max(len(annotator_ids), 1) + annotator, return_counts=True)
    twice = joint[counts > 1]
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
