"""Agreement by week against the same statistics of that week's tasks alone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.agreement.estimates import Settings
from annotation.agreement.linear import linearise
from annotation.agreement.observations import Observations, PairObservations, RankingObservations, ScoreObservations
from annotation.agreement.ordinal import ordinal_alpha
from annotation.agreement.report import agreement_report, measure
from annotation.agreement.trend import FEWEST_TASKS, TrendRecord, Weeks, sum_weeks, trend_records
from tests.annotation.agreement.judgments import KRIPPENDORFF_2011, table_of

HOW = Settings(seed=0, resamples=20, confidence=0.95)
MONDAY = 20_486  # 2026-02-02


def observe(kind: str, task: Any, person: Any, value: Any) -> Observations:
    """value: [rows, 3] from 0 to 2."""
    if kind == "preference":
        return PairObservations(task, person, value[:, 0])
    rows = np.repeat(task, 3), np.repeat(person, 3), np.tile(np.arange(3), len(task))
    if kind == "ranking":
        return RankingObservations(*rows, value.ravel() + 1)
    return ScoreObservations("clear", rows[0], rows[0] * 3 + rows[2], rows[1], value.ravel().astype(float))


def crowd(seed: int, tasks: int = 40) -> tuple[Any, Any, Any]:
    """Three people who see a truth through noise."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, (tasks, 1, 3))
    value = np.where(generator.random((tasks, 3, 3)) < 0.6, truth, generator.integers(0, 3, (tasks, 3, 3)))
    return np.repeat(np.arange(tasks), 3), np.tile(np.arange(3), tasks), value.reshape(-1, 3)


def trend(observations: Observations, weeks: Weeks) -> list[TrendRecord]:
    measured = measure(observations)
    return trend_records(measured, sum_weeks(measured, weeks), HOW)


@pytest.mark.parametrize("kind", ["preference", "ranking", "clear"])
def test_a_week_is_the_report_of_its_tasks(kind: str) -> None:
    task, person, value = crowd(1)
    weeks = Weeks(np.arange(40), MONDAY + 7 * (np.arange(40) % 2))
    records = trend(observe(kind, task, person, value), weeks)
    assert {each["week"] for each in records} == {"2026-02-02", "2026-02-09"}
    for week, monday in enumerate(("2026-02-02", "2026-02-09")):
        mine = task % 2 == week
        alone = agreement_report([observe(kind, task[mine], person[mine], value[mine])], seed=0, resamples=20)
        by_name = {(each["level"], each["statistic"]): each for each in alone}
        found = [each for each in records if each["week"] == monday]
        assert {each["statistic"] for each in found} >= {"krippendorff_alpha", "pairwise_agreement"}
        for each in found:
            same = by_name[each["level"], each["statistic"]]
            assert each["value"] == pytest.approx(same["value"], abs=1e-9)
            assert (each["units"], each["judgments"], each["tasks"]) == (same["units"], same["judgments"], 20)
            assert each["low"] < each["value"] < each["high"]


def test_the_interval_is_the_linearised_one() -> None:
    """Student's t at 19 degrees of freedom is 2.0930."""
    task, person, value = crowd(2, tasks=20)
    (alpha, *_) = trend(observe("preference", task, person, value), Weeks(np.arange(20), np.full(20, MONDAY)))
    linear = linearise(ordinal_alpha(table_of(value[:, 0].reshape(20, 3).T)))
    half = 2.0930240544 * linear.standard_error * (20 / 19) ** 0.5
    assert (alpha["low"], alpha["high"]) == pytest.approx((linear.value - half, linear.value + half), abs=1e-6)


def test_published_alpha_in_a_week_of_its_own() -> None:
    """Krippendorff 2011, example D, interval: 0.849; a second week has other tasks."""
    table = np.array(KRIPPENDORFF_2011)
    person, unit = np.nonzero(~np.isnan(table))
    score = table[person, unit]
    other = np.random.default_rng(0).integers(1, 6, 36).astype(float)
    observations = ScoreObservations(
        "x", np.concatenate([unit, 100 + np.repeat(np.arange(12), 3)]),
        np.concatenate([unit, 100 + np.repeat(np.arange(12), 3)]),
        np.concatenate([person, np.tile(np.arange(3), 12)]), np.concatenate([score, other]),
    )  # fmt: skip
    ids = np.concatenate([np.arange(12), 100 + np.arange(12)])
    records = trend(observations, Weeks(ids, MONDAY + 7 * (ids >= 100)))
    assert records[0]["statistic"] == "krippendorff_alpha"
    assert round(records[0]["value"] or 0, 3) == 0.849


def test_a_week_with_few_tasks_says_so() -> None:
    task, person, value = crowd(3)
    weeks = Weeks(np.arange(40), MONDAY + 7 * (np.arange(40) < FEWEST_TASKS - 1))
    few = [each for each in trend(observe("preference", task, person, value), weeks) if each["week"] == "2026-02-09"]
    assert [(each["value"], each["low"], each["tasks"]) for each in few] == [(None, None, 9)] * 3
    assert all(each["note"].startswith("Too few: 9 ") for each in few)


def test_a_week_judged_once_says_so_too() -> None:
    task = np.arange(30)
    records = trend(PairObservations(task, task, task % 3), Weeks(task, np.full(30, MONDAY)))
    assert {(each["value"], each["tasks"]) for each in records} == {(None, 0)}


def test_full_agreement_is_one_without_a_false_interval() -> None:
    value = np.repeat(np.arange(20) % 3, 2)
    task, person = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    records = {
        each["statistic"]: each
        for each in trend(PairObservations(task, person, value), Weeks(np.arange(20), np.full(20, MONDAY)))
    }
    alpha, equal = records["krippendorff_alpha"], records["pairwise_agreement"]
    assert (alpha["value"], alpha["low"], alpha["note"]) == (
        1.0,
        None,
        "No interval: the tasks of the week are all alike.",
    )
    # Wilson's interval of 20 of 20: 1 / (1 + 1.96^2 / 20).
    assert (equal["value"], equal["low"]) == (1.0, pytest.approx(1 / (1 + 1.959964**2 / 20), abs=1e-6))


def test_a_task_without_a_week_is_refused() -> None:
    task, person, value = crowd(4)
    with pytest.raises(ValueError, match="every task needs a week"):
        trend(observe("preference", task, person, value), Weeks(np.arange(39), np.full(39, MONDAY)))


@given(st.integers(0, 10_000), st.sampled_from(["preference", "ranking", "clear"]))
def test_names_and_order_change_nothing(seed: int, kind: str) -> None:
    generator = np.random.default_rng(seed)
    task, person, value = crowd(seed, tasks=24)
    week = MONDAY + 7 * generator.integers(0, 2, 24)
    plain = trend(observe(kind, task, person, value), Weeks(np.arange(24), week))
    names, people, mixed = (
        generator.permutation(24) + 50,
        generator.permutation(3) + 9,
        generator.permutation(len(task)),
    )
    order = np.argsort(names)
    other = trend(
        observe(kind, names[task[mixed]], people[person[mixed]], value[mixed]), Weeks(names[order], week[order])
    )
    for mine, yours in zip(plain, other, strict=True):
        assert mine == {
            name: pytest.approx(each, abs=1e-7) if isinstance(each, float) else each for name, each in yours.items()
        }
