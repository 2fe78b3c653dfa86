"""Small judgment sets, published tables and real ones."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotation.agreement.judgment_table import JudgmentTable, build_table
from annotation.agreement.observations import RankingObservations
from annotation.agreement.rankings import build_ranking_table
from annotation.agreement.statistic import Statistic
from annotation.agreement.tau import mean_tau_b

DATA = Path(__file__).parents[3] / "../shared/data"
GAP = float("nan")

KRIPPENDORFF_2011 = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
    [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP],
]
"""Example D: four observers, twelve units, gaps."""


def table_of(matrix: Any, *, units_a_task: int = 1) -> JudgmentTable:
    """matrix: [annotators, units], NaN where there is no judgment."""
    values = np.asarray(matrix, float)
    annotator, unit = np.nonzero(~np.isnan(values))
    return build_table(
        task_id=unit // units_a_task, unit_id=unit, annotator_id=annotator, value=values[annotator, unit]
    )


def value_of(statistic: Statistic, tasks: int) -> float:
    return float(statistic.evaluate(np.ones((1, tasks)))[0])


def read_data(name: str) -> Iterator[dict[str, Any]]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs the feedback data {name} beside the project, in ../shared/data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def tau_of(one: np.ndarray, other: np.ndarray) -> float:
    """tau-b of two annotators' ranks of one task's responses."""
    places = np.arange(len(one))
    rank = np.unique(np.concatenate([one, other]), return_inverse=True)[1]
    people = np.repeat([0, 1], len(one))
    table = build_ranking_table(RankingObservations(np.zeros_like(people), people, np.tile(places, 2), rank))
    return value_of(mean_tau_b(table), table.tasks)
