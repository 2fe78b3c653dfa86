from random import Random

import pytest

from annotation.quality.positions import position_bias


def test_whoever_always_takes_the_first_is_found() -> None:
    rankings = [(["a", "b", "c"], [["a"], ["b", "c"]])] * 12
    bias = position_bias(rankings)
    assert bias is not None
    assert (bias.position, bias.top.value, bias.top.count, bias.expected) == (1, 1.0, 12, pytest.approx(1 / 3))
    assert bias.is_shown


def test_a_shared_best_tier_counts_in_parts() -> None:
    bias = position_bias([(["a", "b", "c"], [["a", "b"], ["c"]])] * 10)
    assert bias is not None
    assert bias.top.value == 0.5
    assert not bias.is_shown


def test_what_says_nothing_is_left_out() -> None:
    assert position_bias([]) is None
    assert position_bias([(["a", "b"], [["a", "b"]]), ([], [["a"], ["b"]]), (["a"], [["a"]])]) is None


def test_few_rankings_show_nothing() -> None:
    bias = position_bias([(["a", "b", "c"], [["a"], ["b"], ["c"]])] * 9)
    assert bias is not None
    assert not bias.is_shown


def test_people_who_look_at_the_responses_are_hardly_ever_accused() -> None:
    luck, accused = Random(7), 0
    for _ in range(300):
        rankings = []
        for _ in range(60):
            shown = luck.sample("abcd", 4)
            rankings.append((shown, [[key] for key in luck.sample("abcd", 4)]))
        bias = position_bias(rankings)
        assert bias is not None
        accused += bias.is_shown
    assert accused <= 15, "at most 2.5 % are promised, and 5 % of 300 leaves room for chance"
