import math

import numpy
import pytest

from rewardmodel.metrics import (
    JudgedPairs,
    accuracy,
    accuracy_by_agreement,
    brier,
    calibration_error,
    correlation,
    human_ceiling,
    negative_log_likelihood,
)

CONFIDENCE = 0.95


def judged(votes: list[tuple[int, int, int]], prompts: list[str] | None = None) -> JudgedPairs:
    chosen, rejected, tie = numpy.array(votes).T
    scores = numpy.zeros(len(votes))
    return JudgedPairs(prompts or [str(i) for i in range(len(votes))], scores + 1, scores, chosen, rejected, tie)


def test_accuracy_counts_ties_half() -> None:
    estimate = accuracy(numpy.array([1.0, -1.0, 0.0, 2.0]), ["a", "b", "c", "d"], CONFIDENCE)
    assert (estimate.value, estimate.n) == (2.5 / 4, 4)


def test_interval_of_whole_prompts_is_wider_than_of_single_pairs() -> None:
    difference = numpy.repeat([1.0, -1.0, 1.0, 1.0, -1.0], 20)
    together = accuracy(difference, numpy.repeat(list("abcde"), 20).tolist(), CONFIDENCE)
    apart = accuracy(difference, list(range(100)), CONFIDENCE)
    assert together.value == apart.value == 0.6
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_interval_of_independent_pairs_agrees_with_the_binomial() -> None:
    difference = numpy.where(numpy.arange(400) % 4 == 0, -1.0, 1.0)
    estimate = accuracy(difference, list(range(400)), CONFIDENCE)
    half_width = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert estimate.low == pytest.approx(0.75 - half_width, abs=0.006)
    assert estimate.high == pytest.approx(0.75 + half_width, abs=0.006)


def test_one_prompt_gives_a_value_and_no_interval() -> None:
    estimate = accuracy(numpy.array([1.0, -1.0]), ["a", "a"], CONFIDENCE)
    assert (estimate.value, estimate.low, estimate.high) == (0.5, None, None)


def test_ceiling_worked_out_by_hand() -> None:
    # 4:1 -> four agree with 3:1, the fifth does not agree with 4:0: 4 of 5.
    assert human_ceiling(judged([(4, 1, 0)]), CONFIDENCE).value == 4 / 5
    # 3:2 -> each of the three faces 2:2 (half), each of the two faces 3:1 (wrong): 1.5 of 5.
    assert human_ceiling(judged([(3, 2, 0)]), CONFIDENCE).value == 1.5 / 5
    # 2:0 and one tie -> two agree with the one other, the tie counts half: 2.5 of 3.
    assert human_ceiling(judged([(2, 0, 1)]), CONFIDENCE).value == 2.5 / 3
    pooled = human_ceiling(judged([(4, 1, 0), (3, 2, 0), (2, 0, 1), (1, 0, 0), (0, 0, 0)]), CONFIDENCE)
    assert pooled.value == pytest.approx((4 + 1.5 + 2.5) / 13)
    assert pooled.n == 13


def test_ceiling_is_undefined_without_second_votes() -> None:
    assert human_ceiling(judged([(1, 0, 0), (0, 0, 0)]), CONFIDENCE).value is None


def test_likelihood_and_brier_worked_out_by_hand() -> None:
    difference = numpy.array([0.0, math.log(3)])  # probabilities 1/2 and 3/4
    assert negative_log_likelihood(difference) == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    assert brier(difference) == pytest.approx((0.25 + 0.0625) / 2)


def test_calibration_error_worked_out_by_hand() -> None:
    # Probability 3/4 four times, right three times: calibrated. The same, right once: off by a half.
    up = math.log(3)
    assert calibration_error(numpy.array([up, up, up, -up])) == pytest.approx(0.0)
    assert calibration_error(numpy.array([up, -up, -up, -up])) == pytest.approx(0.5)


def test_huge_differences_stay_finite() -> None:
    difference = numpy.array([1e4, -1e4])
    assert negative_log_likelihood(difference) == pytest.approx(5e3)
    assert brier(difference) == pytest.approx(0.5)
    assert calibration_error(difference) == pytest.approx(0.5)


def test_correlation_is_undefined_for_constant_scores() -> None:
    assert correlation(numpy.array([1.0, 1.0]), numpy.array([1.0, 2.0])) is None
    assert correlation(numpy.array([1.0, 2.0, 3.0]), numpy.array([2.0, 4.0, 6.0])) == pytest.approx(1.0)


def test_accuracy_is_split_by_how_much_people_agreed() -> None:
    rows = accuracy_by_agreement(judged([(5, 0, 0), (4, 1, 0), (3, 2, 0), (2, 2, 1), (0, 0, 0)]), CONFIDENCE)
    assert [(row["votes_for_chosen"], row["n"]) for row in rows] == [
        ("under 60 %", 1),
        ("60 to 79 %", 1),
        ("80 to 99 %", 1),
        ("all", 1),
    ]
