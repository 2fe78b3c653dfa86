from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.agreement.closeness import measure_closeness, order_by_disagreement, widest_disagreement
from annotation.agreement.observations import PairObservations, RankingObservations, ScoreObservations


def share(found: object, person: int) -> float:
    return found.near[person] / found.compared[person]  # type: ignore[attr-defined]


def test_choices_by_hand() -> None:
    """Task 1: first, first, second. Task 2: tie, tie. Task 3 was judged once and says nothing."""
    found = measure_closeness(
        PairObservations(np.array([1, 1, 1, 2, 2, 3]), np.array([7, 8, 9, 7, 8, 9]), np.array([0, 0, 2, 1, 1, 0]))
    )
    assert (share(found, 7), share(found, 8), share(found, 9)) == (2 / 3, 2 / 3, 0.0)
    assert found.disagreement == {1: pytest.approx(2 / 3), 2: 0.0}


def test_scores_count_by_distance() -> None:
    """Range 1 to 5: 1 against 5 is as far apart as possible, 1 against 2 a quarter of that."""
    found = measure_closeness(
        ScoreObservations(
            "clear",
            np.array([1, 1, 2, 2]),
            np.array([1, 1, 2, 2]),
            np.array([7, 8, 7, 8]),
            np.array([1.0, 5.0, 1.0, 2.0]),
        )
    )
    assert share(found, 7) == pytest.approx((0 + 0.75) / 2)
    assert found.disagreement == {1: 1.0, 2: pytest.approx(0.25)}


def test_rankings_are_compared_pair_by_pair() -> None:
    """a > b > c against a > c > b: two of three pairs alike. The ids that come out are those that went in."""
    found = measure_closeness(
        RankingObservations(
            np.array([50] * 6), np.array([7, 7, 7, 9, 9, 9]), np.array([1, 2, 3, 1, 2, 3]), np.array([1, 2, 3, 1, 3, 2])
        )
    )
    assert (share(found, 7), share(found, 9)) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found.disagreement == {50: pytest.approx(1 / 3)}


def test_the_order_of_the_rows_does_not_matter() -> None:
    generator = np.random.default_rng(3)
    task = np.repeat(np.arange(20), 4)
    person = np.tile(np.arange(4), 20)
    value = generator.integers(0, 3, 80)
    mixed = generator.permutation(80)
    plain = measure_closeness(PairObservations(task, person, value))
    other = measure_closeness(PairObservations(task[mixed], person[mixed], value[mixed]))
    assert (plain.near, plain.compared, plain.disagreement) == (other.near, other.compared, other.disagreement)


def test_without_overlap_there_is_nothing_to_compare() -> None:
    found = measure_closeness(PairObservations(np.array([1, 2]), np.array([7, 8]), np.array([0, 2])))
    assert (found.near, found.compared, found.disagreement) == ({}, {}, {})


def test_a_task_counts_by_what_people_are_furthest_apart_on() -> None:
    assert widest_disagreement([{1: 0.2, 2: 0.0}, {1: 0.1, 3: 1.0}, {}]) == {1: 0.2, 2: 0.0, 3: 1.0}
    assert widest_disagreement([]) == {}


@given(st.dictionaries(st.integers(1, 99), st.sampled_from([0.0, 0.25, 0.5, 1.0])), st.integers(0, 2**32))
def test_equally_split_tasks_keep_the_order_of_their_ids(apart: dict[int, float], seed: int) -> None:
    mixed = list(apart.items())
    Random(seed).shuffle(mixed)
    order = order_by_disagreement(dict(mixed))
    assert order == order_by_disagreement(apart) and set(order) == set(apart)
    keys = [(-apart[task], task) for task in order]
    assert keys == sorted(keys)
