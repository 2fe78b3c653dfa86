"""PURE. How often each value occurs when tasks count more than once or not at all."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats, Integers
from annotation.agreement.statistic import sum_by

LARGEST_TABLE = 4_000_000
"""Cells of a tasks x columns table that is worth holding for a fast matrix product; beyond it sparse sums are used."""


@dataclass(frozen=True, eq=False, slots=True)
class PooledCounts:
    """Sparse counts [tasks, columns]; `evaluate` gives weights @ counts without ever holding a large table."""

    task: Integers
    column: Integers
    count: Floats
    tasks: int
    columns: int

    def evaluate(self, weights: Floats) -> Floats:
        """[resamples, columns] how often each column counts in each resample."""
        if self.tasks * self.columns <= LARGEST_TABLE:
            table = sum_by(self.task * self.columns + self.column, self.count, self.tasks * self.columns)
            return weights @ table.reshape(self.tasks, self.columns)
        return np.stack([sum_by(self.column, row[self.task] * self.count, self.columns) for row in weights])


def count_values(table: JudgmentTable) -> PooledCounts:
    """Judgments by task and distinct value."""
    ones = np.ones(table.judgments)
    return PooledCounts(table.task, table.category, ones, table.tasks, len(table.values))
