"""Derivatives by each task's weight against differences."""

from collections.abc import Callable

import numpy as np
import pytest

from annotation.agreement import nominal, ordinal, ratio
from annotation.agreement.judgment_table import JudgmentTable
from annotation.agreement.linear import linearise
from annotation.agreement.statistic import Additive, Share, Statistic
from tests.annotation.agreement.judgments import GAP, table_of

STEP = 1e-5


@pytest.fixture
def table() -> JudgmentTable:
    generator = np.random.default_rng(0)
    matrix = generator.integers(1, 7, size=(4, 40)).astype(float)
    matrix[generator.random(matrix.shape) < 0.3] = GAP
    return table_of(matrix, units_a_task=3)


def differences(statistic: Statistic, tasks: int) -> np.ndarray:
    """[tasks] central differences of the value by each weight."""
    nudges = STEP * np.eye(tasks)
    return (statistic.evaluate(1 + nudges) - statistic.evaluate(1 - nudges)) / (2 * STEP)


@pytest.mark.parametrize(
    ("module", "build"),
    [(nominal, nominal.nominal_alpha), (ordinal, ordinal.ordinal_alpha), (ratio, ratio.ratio_alpha)],
)
def test_many_values_and_few_give_one_number_and_one_derivative(
    module: object, build: Callable[[JudgmentTable], Statistic], table: JudgmentTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = build(table)
    monkeypatch.setattr(module, "MOST_VALUES", 1)
    many = build(table)
    assert isinstance(few, Additive)
    assert not isinstance(many, Additive)
    by_sums, by_hand = linearise(few), many.linearise()  # type: ignore[attr-defined]
    assert by_hand.value == pytest.approx(by_sums.value, abs=1e-10)
    np.testing.assert_allclose(by_hand.influence, differences(many, table.tasks), atol=1e-9)
    np.testing.assert_allclose(by_sums.influence, differences(few, table.tasks), atol=1e-7)


def test_the_interval_of_a_mean_is_that_of_a_t_test() -> None:
    values = np.random.default_rng(1).normal(size=12)
    statistic = mean_of(values)
    low, high = linearise(statistic).interval(tasks=12, confidence=0.95)
    half = 2.200985 * values.std(ddof=1) / np.sqrt(12)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-6)


def mean_of(values: np.ndarray) -> Additive:
    return Share(values, np.ones_like(values), is_proportion=False)


def test_one_task_has_no_interval() -> None:
    assert linearise(mean_of(np.array([0.5]))).interval(tasks=1, confidence=0.95) is None
