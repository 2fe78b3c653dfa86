"""The noise rule's figures: questions are drawn again as wholes, and the rule that decides is the product's."""

import numpy
import pytest

from benchmarks.noise_rule import describe, describe_difference, tally
from benchmarks.noise_rule_groups import FACTORS, Judged, Topic, compare, is_kept, judge_groups

LEAD = {("good", "bad"): 3, ("bad", "good"): -3, ("good", "fair"): 1, ("fair", "good"): -1}


def _topic(name):
    return Topic(name, f"What of {name}?", ("good", "fair", "bad"), LEAD)


def _judged(question, right, pairs):
    return Judged(question, (True,) * len(FACTORS), (0.0, 0.0, 0.0), right, pairs)


def test_both_sides_of_a_question_are_drawn_together():
    groups = [_judged(_topic(name).question, 1.0, 2) for name in ("tea_yes", "tea_no", "mud_yes")]
    assert tally(groups, numpy.array([True, True, True])).tolist() == [[1, 2], [2, 4]]
    # Of two sides that err in opposite ways one question is left, and nothing that a draw could change.
    sides = [_judged(_topic(name).question, right, 1) for name, right in (("tea_yes", 1.0), ("tea_no", 0.0))]
    assert describe(sides, numpy.array([True, True])) == "0.500 [0.500, 0.500]"


def test_questions_that_differ_make_the_interval_wide():
    groups = [_judged(question, right, 1) for question, right in (("tea", 1.0), ("mud", 0.0))]
    assert describe(groups, numpy.array([True, True])) == "0.500 [0.000, 1.000]"
    assert describe(groups, numpy.array([False, False])) == "none"
    assert describe_difference(groups, numpy.array([True, True])) == ""


def test_a_groups_pairs_count_where_people_have_a_majority():
    everything = numpy.arange(3)
    assert compare(_topic("tea"), everything, numpy.array([2.0, 1.0, 0.0])) == (2.0, 2)
    assert compare(_topic("tea"), everything, numpy.array([0.0, 0.0, 1.0])) == (0.5, 2)


def test_groups_carry_the_question_of_their_topic():
    topics = [_topic(name) for name in ("tea_yes", "tea_no", "mud_yes")]
    scores = numpy.random.default_rng(0).normal(size=(3, 9))
    found = list(judge_groups(topics, scores, size=2, count=4, seed=0))
    assert [group.question for group in found] == ["tea"] * 8 + ["mud"] * 4


@pytest.mark.parametrize(("factor", "kept"), [(0.5, True), (2.0, False)])
def test_the_products_rule_decides(factor, kept):
    # The rewards' deviation is 1.41.
    assert is_kept(numpy.array([0.0, 2.0]), numpy.array([1.0, 1.0]), factor) is kept
