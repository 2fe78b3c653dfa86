"""PURE. How often each value occurs when tasks count more than once or not at all."""

from dataclasses import dataclass

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats, Integers
from annotation.agreement.statistic import sum_by

LARGEST_TABLE = 16_000_000
"""Cells of a tasks x columns table that is worth holding for a fast matrix product; beyond it sparse sums are used."""


@dataclass(frozen=True, eq=False, slots=True)
class PooledCounts:
    """Counts by task and column; `evaluate` gives weights @ counts. Make it with `pool_counts`."""

    task: Integers
    column: Integers
    count: Floats
    columns: int
    dense: Floats | None
    """[tasks, columns]; None where that table would be too large."""

    def evaluate(self, weights: Floats) -> Floats:
        """[resamples, columns] how often each column counts in each resample."""
        if self.dense is not None:
            return weights @ self.dense
        return np.stack([sum_by(self.column, row[self.task] * self.count, self.columns) for row in weights])


def pool_counts(*, task: Integers, column: Integers, count: Floats, tasks: int, columns: int) -> PooledCounts:
    """The counts from rows (task, column, count); rows of one task and column add up."""
    dense = None
    if tasks * columns <= LARGEST_TABLE:
        dense = sum_by(task * columns + column, count, tasks * columns).reshape(tasks, columns)
    return PooledCounts(task, column, count, columns, dense)


def count_values(table: JudgmentTable) -> PooledCounts:
    """Judgments by task and distinct value."""
    return pool_counts(
        task=table.task,
        column=table.category,
        count=np.ones(table.judgments),
        tasks=table.tasks,
        columns=len(table.values),
    )


def tabulate_values(table: JudgmentTable, *, amounts: Floats | None = None) -> Floats:
    """[tasks, values] judgments, or amounts [N] of judgments, added up. For data with few distinct values."""
    width = len(table.values)
    counted = np.ones(table.judgments) if amounts is None else amounts
    return sum_by(table.task * width + table.category, counted, table.tasks * width).reshape(table.tasks, width)
