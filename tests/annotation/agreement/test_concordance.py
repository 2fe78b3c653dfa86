"""Kendall's W, Spearman's rho and the best response."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from scipy.stats import spearmanr

from annotation.agreement.concordance import kendall_w, mean_kendall_w, mean_spearman
from annotation.agreement.observations import RankingObservations
from annotation.agreement.rankings import build_ranking_table
from annotation.agreement.top_choice import top_choice_agreement
from tests.annotation.agreement.judgments import read_data, value_of
from tests.annotation.agreement.published import SIEGEL_1956, SIEGEL_1956_TIES
from tests.annotation.agreement.test_rankings import Tasks, many_rankings, observe


def evaluate(statistic: object, tasks: Tasks) -> float:
    table = build_ranking_table(observe(tasks))
    return value_of(statistic(table), table.tasks)  # type: ignore[operator]


@pytest.mark.parametrize(("table", "published"), [(SIEGEL_1956, 0.162), (SIEGEL_1956_TIES, 0.828)])
def test_published_values_come_out_to_the_printed_digits(table: list, published: float) -> None:
    assert round(float(kendall_w(np.array([table], float))[0]), 3) == published


def test_translation_penalties_run_together_as_known() -> None:
    rows = [
        (row["item_id"], said["annotator"], f"{row['item_id']} {said['system']}", said["mqm_penalty"])
        for row in read_data("wmt23_sxs_mqm_ende.jsonl.gz") for said in row["annotations"]
    ]  # fmt: skip
    task, person, response, penalty = map(np.array, zip(*rows, strict=True))
    rank = np.unique(penalty, return_inverse=True)[1]
    table = build_ranking_table(RankingObservations(task, person, response, rank))
    assert round(value_of(mean_kendall_w(table), table.tasks), 3) == 0.612


@given(many_rankings)
def test_rho_is_the_mean_over_annotator_pairs_of_each_task(tasks: Tasks) -> None:
    pairs = [pair for rankings in tasks for pair in combinations(rankings, 2)]
    each = [spearmanr(x, y).statistic for x, y in pairs if len(set(x)) > 1 and len(set(y)) > 1]
    assume(each)
    assert evaluate(mean_spearman, tasks) == pytest.approx(np.mean(each), abs=1e-12)


def test_rho_of_partial_rankings_uses_what_both_ranked() -> None:
    assert evaluate(mean_spearman, [[[1, 2, 3, None], [2, 1, None, 3]]]) == pytest.approx(-1)


def test_w_leaves_out_whoever_left_a_response_unranked() -> None:
    full = [[1, 2, 3], [1, 3, 2]]
    assert evaluate(mean_kendall_w, [[*full, [3, 2, None]]]) == pytest.approx(evaluate(mean_kendall_w, [full]))
    table = build_ranking_table(observe([[[1, 2, 3], [1, 2, None]]]))
    assert np.isnan(value_of(mean_kendall_w(table), 1))


@given(many_rankings)
def test_the_same_said_by_all_is_one(tasks: Tasks) -> None:
    alike = [[rankings[0], rankings[0], rankings[0]] for rankings in tasks]
    assert evaluate(top_choice_agreement, alike) == 1
    assume(any(len(set(rankings[0])) > 1 for rankings in alike))
    assert evaluate(mean_spearman, alike) == pytest.approx(1)
    assert evaluate(mean_kendall_w, alike) == pytest.approx(1)


def test_everything_tied_is_undefined() -> None:
    tied = [[[1, 1, 1], [1, 1, 1]]]
    assert np.isnan(evaluate(mean_spearman, tied))
    assert np.isnan(evaluate(mean_kendall_w, tied))


@pytest.mark.parametrize(
    ("one", "other", "agreement"),
    [
        ([1, 2, 3], [1, 3, 2], 1),
        ([1, 2, 3], [2, 1, 3], 0),
        ([1, 1, 2], [1, 2, 3], 1 / 2),
        ([1, 1, 1], [1, 1, 2], 2 / 3),
        ([1, 2, None], [None, 1, 2], None),
        ([None, 1, 2], [3, 1, 2], 1),
    ],
)
def test_top_choice_by_hand(one: list, other: list, agreement: float | None) -> None:
    found = evaluate(top_choice_agreement, [[one, other]]) if agreement is not None else np.nan
    if agreement is None:
        table = build_ranking_table(observe([[one, other], [[1, 2, 3], [1, 2, 3]]]))
        found, agreement = value_of(top_choice_agreement(table), table.tasks), 1
    assert found == pytest.approx(agreement)
