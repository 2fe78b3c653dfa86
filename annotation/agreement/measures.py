"""PURE. Which statistics each kind of observation gets."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.observations import Floats
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
    basis: Basis | None = None
    """Where it differs from that of the whole."""
    note: str = ""
    """What to know about a defined number."""


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """What contributions of tasks are measured by, so that those of a part of the data fit those of the whole."""

    values: Floats
    """The distinct values."""
    origin: float
    """A value in their midst."""
    usual_size: int
    """The number of judgments a unit that covers most judgments."""
    extent: float = field(default=1.0)
    """Highest minus lowest value."""


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """What a report says about one criterion."""

    criterion: str
    table: JudgmentTable
    basis: Basis
    measures: tuple[Measure, ...]


def undefined(table: JudgmentTable, level: str, name: str, reason: str) -> Measure:
    """A statistic that these data do not allow."""
    nothing = np.zeros(table.tasks)
    return Measure(level, name, Share(nothing, nothing), reason)


def basis_of(table: JudgmentTable, *, of: JudgmentTable | None = None) -> Basis:
    """What stands behind a table; `of` is the whole that it is a part of."""
    dropped = table.dropped if of is None else of.judgments + of.dropped - table.judgments
    return Basis(table.units, table.annotators, table.judgments, dropped, table.judged_tasks)


def frame_of(table: JudgmentTable) -> Frame:
    """The frame of a whole; of units that two or more judged."""
    value, sizes = np.sort(table.category), table.unit_sizes
    covered = np.bincount(sizes) * np.arange(sizes.max(initial=0) + 1)
    return Frame(
        values=table.values,
        origin=float(table.values[value[len(value) // 2]]) if len(value) else 0.0,
        usual_size=int(len(covered) - 1 - np.argmax(covered[::-1])) if len(value) else 0,
        extent=float(np.ptp(table.values)) if len(table.values) else 0.0,
    )
