"""PURE. Each person against everybody else, as sums that follow new judgments."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.comparisons import Comparisons
from annotation.agreement.merging import merge_rows
from annotation.agreement.observations import FIRST, SECOND, Floats, Integers
from annotation.agreement.pairwise import count_value
from annotation.agreement.shares import COLUMNS, share_columns
from annotation.agreement.statistic import sum_by

NEAR = slice(0, COLUMNS)
"""Columns of agreement with the others."""
RIGHT = slice(COLUMNS, 2 * COLUMNS)
"""Columns of leave-one-out accuracy."""
COMPARED = 1


@dataclass(frozen=True, eq=False, slots=True)
class PersonSums:
    """What stands behind each person's two shares."""

    people: Integers
    """[people] ascending ids of those who share something with somebody."""
    rows: Floats
    """[people, 2 * COLUMNS]"""

    @property
    def near(self) -> Floats:
        """[people] as `Closeness.near`."""
        return self.rows[:, 0]

    @property
    def compared(self) -> Floats:
        """[people] as `Closeness.compared`."""
        return self.rows[:, COMPARED]

    def swap(self, old: "PersonSums", new: "PersonSums") -> "PersonSums":
        """These sums after some tasks have changed from the old to the new."""
        people, rows = merge_rows(self.people, self.rows, old.people, old.rows, new.people, new.rows)
        shared = rows[:, COMPARED] > 0
        return PersonSums(people[shared], rows[shared])


def sum_people(comparisons: Comparisons) -> PersonSums:
    """The sums behind each person's agreement with the others, and behind their leave-one-out accuracy.

    Agreement counts every comparison by how near the two are. Accuracy counts strict choices between two responses
    that have a majority of the others to be held against, as `leave_one_out_accuracy` does; scores have none.
    """
    table = comparisons.table
    near = sum_by(comparisons.first, comparisons.agree, table.judgments)
    compared = np.bincount(comparisons.first, minlength=table.judgments).astype(np.float64)
    right, held = _leave_one_out(comparisons)
    people = len(table.annotator_ids)
    columns = [
        share_columns(table.annotator, table.task, hits, trials, people)
        for hits, trials in ((near, compared), (right, held))
    ]
    return PersonSums(np.asarray(table.annotator_ids, np.int64), np.concatenate(columns, axis=1))


def _leave_one_out(comparisons: Comparisons) -> tuple[Floats, Floats]:
    """[judgments] whether it is the majority of the others, and whether there is one that it is held against."""
    table = comparisons.table
    if not comparisons.is_choice:
        return np.zeros(table.judgments), np.zeros(table.judgments)
    value = table.values[table.category]
    lead = (count_value(table, FIRST) - count_value(table, SECOND))[table.unit]
    said = np.select([value == FIRST, value == SECOND], [1.0, -1.0], 0.0)
    others = (lead - said) * said
    return (others > 0).astype(np.float64), (others != 0).astype(np.float64)
