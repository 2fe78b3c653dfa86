"""People against the others, and every two of them, by hand and against the statistics of the whole."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.agreement.comparisons import compare_people
from annotation.agreement.observations import Observations, PairObservations
from annotation.agreement.pair_sums import choose_people, sum_pairs
from annotation.agreement.person_sums import NEAR, RIGHT, PersonSums, sum_people
from annotation.agreement.report import agreement_report
from annotation.agreement.shares import COLUMNS, estimate_share, share_columns
from annotation.agreement.wilson import wilson_interval
from tests.annotation.agreement.test_trend import crowd, observe

KINDS = ["preference", "ranking", "clear"]


def pairs_of(observations: Observations, people: Any = None) -> dict[tuple[int, int], Any]:
    """(lower id, higher id) -> estimate."""
    comparisons = compare_people(observations)
    sums = sum_pairs(comparisons, choose_people(sum_people(comparisons)) if people is None else people)
    both = zip(sums.first.tolist(), sums.second.tolist(), strict=True)
    return {two: estimate_share(row, confidence=0.95) for two, row in zip(both, sums.rows, strict=True)}


def test_choices_by_hand() -> None:
    """7 and 8 agree on tasks 1 and 3 of three, 7 and 9 on neither of two; 8 and 9 on one of one."""
    found = pairs_of(
        PairObservations(
            np.array([1, 1, 1, 2, 2, 2, 3, 3]), np.array([7, 8, 9, 7, 8, 9, 7, 8]), np.array([0, 0, 2, 1, 2, 2, 0, 0])
        )
    )
    assert {two: (each.value, each.trials, each.tasks) for two, each in found.items()} == {
        (7, 8): (pytest.approx(2 / 3), 3, 3), (7, 9): (0.0, 2, 2), (8, 9): (0.5, 2, 2),
    }  # fmt: skip
    assert (found[7, 8].low, found[7, 8].high) == pytest.approx(wilson_interval(2, 3))
    assert (found[7, 9].low, found[7, 9].high) == wilson_interval(0, 2)


def test_who_shares_nothing_is_absent() -> None:
    assert pairs_of(PairObservations(np.array([1, 2]), np.array([7, 8]), np.array([0, 2]))) == {}
    assert len(sum_people(compare_people(PairObservations(np.arange(3), np.arange(3), np.arange(3)))).people) == 0


def test_leave_one_out_by_hand() -> None:
    """Task 1: a, b say first, c second: a and b stand against an even half and are left out; c is against two.
    Task 2: a, b, c say first, d second: a, b, c have the majority behind them, d against them."""
    sums = sum_people(
        compare_people(
            PairObservations(
                np.array([1, 1, 1, 2, 2, 2, 2]), np.array([1, 2, 3, 1, 2, 3, 4]), np.array([0, 0, 2, 0, 0, 0, 2])
            )
        )
    )
    right = [estimate_share(row[RIGHT], confidence=0.95) for row in sums.rows]
    assert [(each.value, each.trials) for each in right] == [(1.0, 1), (1.0, 1), (0.5, 2), (0.0, 1)]


@pytest.mark.parametrize("kind", KINDS)
def test_people_add_up_to_the_statistics_of_the_whole(kind: str) -> None:
    task, person, value = crowd(5)
    observations = observe(kind, task, person, value)
    sums = sum_people(compare_people(observations))
    records = {
        (each["level"], each["statistic"]): each["value"]
        for each in agreement_report([observations], seed=0, resamples=2)
    }
    if kind != "clear":
        near, right = sums.rows[:, NEAR].sum(axis=0), sums.rows[:, RIGHT].sum(axis=0)
        assert near[0] / near[1] == pytest.approx(records["nominal", "pairwise_agreement"])
        assert right[0] / right[1] == pytest.approx(records["nominal", "leave_one_out_accuracy"])
    else:
        assert not sums.rows[:, RIGHT].any()


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_add_up_to_people(kind: str) -> None:
    task, person, value = crowd(6)
    comparisons = compare_people(observe(kind, task, person, value))
    people, pairs = sum_people(comparisons), sum_pairs(comparisons, np.arange(3))
    for who, row in zip(people.people.tolist(), people.rows, strict=True):
        mine = (pairs.first == who) | (pairs.second == who)
        assert pairs.rows[mine, :2].sum(axis=0) == pytest.approx(row[:2])


def test_the_interval_of_pairs_of_a_ranking_counts_tasks_as_far_as_they_scatter() -> None:
    """Twelve tasks of three pairs, of which all or none agree: twelve trials, not thirty-six."""
    task = np.repeat(np.arange(12), 3)
    hits = np.repeat((np.arange(12) < 8).astype(float), 3)
    row = share_columns(np.zeros(36, np.int64), task, hits, np.ones(36), 1)[0]
    found = estimate_share(row, confidence=0.95)
    assert (found.value, found.trials, found.tasks) == (pytest.approx(2 / 3), 36, 12)
    assert (found.low, found.high) == pytest.approx(wilson_interval(8, 12))


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Two people who agree on each task of three pairs with a chance of its own, 0.7 on the average."""
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        chance = generator.beta(3.5, 1.5, 30)
        hits = (generator.random((30, 3)) < chance[:, None]).astype(float).ravel()
        row = share_columns(np.zeros(90, np.int64), np.repeat(np.arange(30), 3), hits, np.ones(90), 1)[0]
        found = estimate_share(row, confidence=0.95)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.7 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_without_a_trial_there_is_no_share() -> None:
    found = estimate_share(np.zeros(COLUMNS), confidence=0.95)
    assert (found.value, found.low, found.high, found.trials) == (None, None, None, 0)


def test_the_people_who_share_most_are_chosen_and_near_equals_by_id() -> None:
    rows = np.zeros((5, 2 * COLUMNS))
    rows[:, 1] = [100, 900, 101, 905, 10]
    sums = PersonSums(np.array([1, 2, 3, 4, 5]), rows)
    assert choose_people(sums, most=3).tolist() == [1, 2, 4]
    assert choose_people(sums, most=1).tolist() == [2]
    assert choose_people(sums, most=5).tolist() == [1, 2, 3, 4, 5]


@given(st.integers(0, 10_000), st.sampled_from(KINDS))
def test_names_and_order_change_nothing(seed: int, kind: str) -> None:
    generator = np.random.default_rng(seed)
    task, person, value = crowd(seed, tasks=15)
    plain = pairs_of(observe(kind, task, person, value))
    names, people, mixed = generator.permutation(15), generator.permutation(3) + 9, generator.permutation(len(task))
    other = pairs_of(observe(kind, names[task[mixed]], people[person[mixed]], value[mixed]))
    for (one, two), each in plain.items():
        low, high = sorted((int(people[one]), int(people[two])))
        renamed = other[low, high]
        assert (each.value, each.low, each.high) == pytest.approx((renamed.value, renamed.low, renamed.high), abs=1e-9)
        assert (each.trials, each.tasks) == (renamed.trials, renamed.tasks)


@given(st.integers(0, 10_000))
def test_who_says_the_same_is_at_one(seed: int) -> None:
    said = np.random.default_rng(seed).integers(0, 3, 12)
    task, person = np.repeat(np.arange(12), 2), np.tile([3, 4], 12)
    found = pairs_of(PairObservations(task, person, np.repeat(said, 2)))[3, 4]
    assert (found.value, found.high, found.tasks) == (1.0, 1.0, 12)
    assert found.low is not None
    assert found.low < 0.8
