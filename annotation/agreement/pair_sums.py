"""PURE. Every two people against each other, as sums that follow new judgments; of the people who share most."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.comparisons import Comparisons
from annotation.agreement.merging import merge_rows
from annotation.agreement.observations import Floats, Integers
from annotation.agreement.person_sums import PersonSums
from annotation.agreement.shares import COLUMNS, share_columns

MOST_PEOPLE = 100
"""Whose pairs are kept: 4,950 of them. Thousands of people have millions of pairs, nearly all without a shared task."""
STEPS = 4
"""How finely people are told apart by how much they share: so many steps for each doubling. Within a step the lower id
comes first, so that not every new judgment changes who is among the first."""
WIDTH = 32
TASKS = COLUMNS - 1


@dataclass(frozen=True, eq=False, slots=True)
class PairSums:
    """What stands behind the agreement of two people."""

    key: Integers
    """[pairs] ascending: the lower id, shifted by WIDTH bits, and the higher one."""
    rows: Floats
    """[pairs, COLUMNS]"""

    @property
    def first(self) -> Integers:
        return self.key >> WIDTH

    @property
    def second(self) -> Integers:
        return self.key & ((1 << WIDTH) - 1)

    def among(self, people: Integers) -> "PairSums":
        """The pairs of which both are among these people."""
        kept = np.isin(self.first, people) & np.isin(self.second, people)
        return PairSums(self.key[kept], self.rows[kept])

    def swap(self, old: "PairSums", new: "PairSums") -> "PairSums":
        """These sums after some tasks have changed from the old to the new."""
        key, rows = merge_rows(self.key, self.rows, old.key, old.rows, new.key, new.rows)
        shared = rows[:, TASKS] > 0
        return PairSums(key[shared], rows[shared])

    def with_pairs_of(self, people: Integers, whole: "PairSums") -> "PairSums":
        """These sums with all pairs that one of the people is part of taken from the whole."""
        mine = ~(np.isin(self.first, people) | np.isin(self.second, people))
        theirs = np.isin(whole.first, people) | np.isin(whole.second, people)
        key = np.concatenate([self.key[mine], whole.key[theirs]])
        order = np.argsort(key)
        return PairSums(key[order], np.concatenate([self.rows[mine], whole.rows[theirs]])[order])


def choose_people(sums: PersonSums, *, most: int = MOST_PEOPLE) -> Integers:
    """Ids, ascending, of the people who are compared with others most often.

    Where not all are chosen, people whose numbers of comparisons are within one step of each other count as equal.
    """
    if len(sums.people) <= most:
        return sums.people
    step = np.floor(STEPS * np.log2(sums.compared))
    return np.sort(sums.people[np.lexsort((sums.people, -step))[:most]])


def sum_pairs(comparisons: Comparisons, people: Integers) -> PairSums:
    """The sums behind the agreement of every two of these people who share something."""
    table = comparisons.table
    known = np.isin(table.annotator_ids, people)
    first, second = table.annotator[comparisons.first], table.annotator[comparisons.second]
    rows = np.flatnonzero((first < second) & known[first] & known[second])
    ids = np.asarray(table.annotator_ids, np.int64)
    key, pair = np.unique(ids[first[rows]] << WIDTH | ids[second[rows]], return_inverse=True)
    task = table.task[comparisons.first[rows]]
    agree = comparisons.agree[rows]
    return PairSums(key, share_columns(pair, task, agree, np.ones(len(rows)), len(key)))
