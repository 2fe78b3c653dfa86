"""Agreement between rankings: distance, tau-b, and the choices inside them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from annotation.agreement.observations import RankingObservations
from annotation.agreement.pairwise import leave_one_out_accuracy, pairwise_agreement
from annotation.agreement.rank_distance import rank_distance_alpha
from annotation.agreement.rankings import build_ranking_table
from annotation.agreement.tau import mean_tau_b
from tests.annotation.agreement.judgments import value_of

Tasks = list[list[list[int | None]]]
"""[tasks][annotators][responses] tier numbers; None is unranked."""


def observe(tasks: Tasks, *, shuffle: int | None = None) -> RankingObservations:
    rows = [
        (f"t{task}", f"p{person}", f"r{response}", rank)
        for task, rankings in enumerate(tasks)
        for person, ranking in enumerate(rankings)
        for response, rank in enumerate(ranking)
        if rank is not None
    ]
    if shuffle is not None:
        np.random.default_rng(shuffle).shuffle(rows)
        rows = [(task, person, response, int(rank)) for task, person, response, rank in rows]
    task, person, response, rank = zip(*rows, strict=True) if rows else ((), (), (), ())
    return RankingObservations(np.array(task), np.array(person), np.array(response), np.array(rank, int))


def rank_alpha(tasks: Tasks) -> float:
    table = build_ranking_table(observe(tasks))
    return value_of(rank_distance_alpha(table), table.tasks)


def tau_b(tasks: Tasks) -> float:
    table = build_ranking_table(observe(tasks))
    return value_of(mean_tau_b(table), table.tasks)


tiers = st.integers(1, 3)
rankings_of_4 = st.lists(st.lists(tiers, min_size=4, max_size=4), min_size=2, max_size=4)
many_rankings = st.lists(rankings_of_4, min_size=2, max_size=4)
untied = st.lists(st.permutations([1, 2, 3, 4, 5]), min_size=3, max_size=3)


@given(many_rankings)
def test_tau_b_is_the_mean_over_annotator_pairs_of_each_task(tasks: Tasks) -> None:
    each = [kendalltau(x, y).statistic for rankings in tasks for x, y in combinations(rankings, 2)]
    defined = [value for value in each if not np.isnan(value)]
    assume(defined)
    assert tau_b(tasks) == pytest.approx(np.mean(defined), abs=1e-12)


@given(st.lists(untied, min_size=1, max_size=5))
def test_without_ties_the_alpha_is_the_mean_tau(tasks: Tasks) -> None:
    expected = np.mean([kendalltau(x, y).statistic for rankings in tasks for x, y in combinations(rankings, 2)])
    assert rank_alpha(tasks) == pytest.approx(expected, abs=1e-12)


def test_alpha_with_ties_worked_by_hand() -> None:
    # Pairs (ab, ac, bc): first ranking < < tie, second < tie >. Distance (0 + 1/2 + 1/2) / 3 = 1/3; a third of all
    # pairs is tied, so the expected distance is (1 - 1/9) / 2 = 4/9 and alpha 1 - 3/4.
    assert rank_alpha([[[1, 2, 2], [1, 2, 1]]]) == pytest.approx(1 / 4)


def test_opposite_rankings_are_at_minus_one() -> None:
    assert rank_alpha([[[1, 2, 3], [3, 2, 1]]]) == pytest.approx(-1)
    assert tau_b([[[1, 2, 3], [3, 2, 1]]]) == pytest.approx(-1)


@given(many_rankings)
def test_the_same_said_by_all_is_one(tasks: Tasks) -> None:
    alike = [[rankings[0], rankings[0]] for rankings in tasks]
    assume(any(len(set(rankings[0])) > 1 for rankings in alike))
    assert rank_alpha(alike) == pytest.approx(1)
    assert tau_b(alike) == pytest.approx(1)


@given(many_rankings, st.permutations(range(4)))
def test_the_stored_order_of_responses_does_not_matter(tasks: Tasks, order: list[int]) -> None:
    moved = [[[ranking[place] for place in order] for ranking in rankings] for rankings in tasks]
    np.testing.assert_allclose(rank_alpha(moved), rank_alpha(tasks), atol=1e-12)
    np.testing.assert_allclose(tau_b(moved), tau_b(tasks), atol=1e-12)


@given(many_rankings, st.integers(0, 9))
def test_the_order_of_rows_does_not_matter(tasks: Tasks, seed: int) -> None:
    tables = [build_ranking_table(observe(tasks)), build_ranking_table(observe(tasks, shuffle=seed))]
    alphas = [value_of(rank_distance_alpha(table), table.tasks) for table in tables]
    np.testing.assert_allclose(alphas[0], alphas[1], atol=1e-12)


def test_everything_tied_is_undefined() -> None:
    tasks = [[[1, 1, 1], [1, 1, 1]], [[1, 1, 1], [1, 1, 1]]]
    assert np.isnan(rank_alpha(tasks))
    assert np.isnan(tau_b(tasks))


def test_unranked_responses_are_left_out_pair_by_pair() -> None:
    partial = [[[1, 2, 3, None], [1, 2, None, 3], [2, 1, 3, 4]]]
    table = build_ranking_table(observe(partial))
    expected = np.mean([1, kendalltau([1, 2, 3], [2, 1, 3]).statistic, kendalltau([1, 2, 3], [2, 1, 4]).statistic])
    assert value_of(mean_tau_b(table), 1) == pytest.approx(expected)
    # ab by three, ac and bc by two, ad and bd by two; cd by one and so out.
    assert table.pairs.units == 5


def test_tasks_of_different_length_mix() -> None:
    tasks = [[[1, 2, 3], [1, 2, 3]], [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]]]
    assert rank_alpha(tasks) == pytest.approx(0)
    assert tau_b(tasks) == pytest.approx(0)


def test_rankings_that_meet_no_other_are_dropped_and_counted() -> None:
    tasks = [[[1, 2, 3], [1, 3, 2]], [[1, 2, 3]], [[1, None, None], [None, 1, 2]]]
    table = build_ranking_table(observe(tasks))
    assert (table.rankings, table.dropped, table.tasks) == (2, 3, 1)


def test_a_response_ranked_twice_is_refused() -> None:
    twice = RankingObservations(
        np.array(["t"] * 3), np.array(["p"] * 3), np.array(["a", "b", "a"]), np.array([1, 2, 3])
    )
    with pytest.raises(ValueError, match="task t: an annotator ranked a response more than once"):
        build_ranking_table(twice)


@given(many_rankings)
def test_pairwise_agreement_and_ceiling_by_counting(tasks: Tasks) -> None:
    table = build_ranking_table(observe(tasks))
    same, possible, right, decided = 0, 0, 0, 0
    for rankings in tasks:
        for one, other in combinations(range(4), 2):
            signs = [int(np.sign(ranking[other] - ranking[one])) for ranking in rankings]
            same += sum(x == y for x, y in combinations(signs, 2))
            possible += len(list(combinations(signs, 2)))
            for sign in signs:
                others = np.sign(sum(signs) - sign)
                decided += bool(sign and others)
                right += bool(sign and others == sign)
    assert value_of(pairwise_agreement(table.pairs), table.tasks) == pytest.approx(same / possible)
    ceiling = value_of(leave_one_out_accuracy(table.pairs), table.tasks)
    assert np.isnan(ceiling) if not decided else ceiling == pytest.approx(right / decided)
