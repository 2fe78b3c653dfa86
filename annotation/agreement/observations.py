"""PURE. What the statistics read: long form, one row a judgment; a missing judgment is a missing row."""

from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Ids: TypeAlias = NDArray[Any]
"""Row ids of any kind that numpy can sort: integers or text."""

FIRST, TIE, SECOND = 0, 1, 2
"""What can be said of two responses, in the task's stored order; the order of the numbers is the ordinal scale."""


@dataclass(frozen=True, eq=False, slots=True)
class ScoreObservations:
    """Scores on one criterion."""

    criterion: str
    task_id: Ids
    """What is drawn again as a whole by the bootstrap. Responses to one prompt hang together, so where each response
    is a task of its own the prompt's id gives the more honest interval."""
    unit_id: Ids
    """What was scored: one response."""
    annotator_id: Ids
    value: Floats

    def __post_init__(self) -> None:
        check_columns(self)
        if not np.isfinite(self.value).all():
            raise ValueError(f"{self.criterion}: every value must be finite; leave out what is not applicable")


@dataclass(frozen=True, eq=False, slots=True)
class PairObservations:
    """Rankings of tasks with two responses."""

    task_id: Ids
    annotator_id: Ids
    value: Integers
    """FIRST, TIE or SECOND."""

    def __post_init__(self) -> None:
        check_columns(self)
        if not np.isin(self.value, (FIRST, TIE, SECOND)).all():
            raise ValueError("every value must be 0 (first), 1 (tie) or 2 (second)")


@dataclass(frozen=True, eq=False, slots=True)
class RankingObservations:
    """Rankings of tasks with three or more responses: one row for each response that an annotator ranked."""

    task_id: Ids
    annotator_id: Ids
    response_id: Ids
    rank: Integers
    """Tier number, 1 is best; an unranked response has no row."""

    def __post_init__(self) -> None:
        check_columns(self)


Observations: TypeAlias = ScoreObservations | PairObservations | RankingObservations


def check_columns(observations: Observations) -> None:
    """Raises: ValueError unless all columns are one-dimensional and equally long."""
    columns = {each.name: getattr(observations, each.name) for each in fields(observations) if each.name != "criterion"}
    shapes = {name: np.shape(column) for name, column in columns.items()}
    if any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) > 1:
        raise ValueError(f"columns must be one-dimensional and equally long, got {shapes}")
