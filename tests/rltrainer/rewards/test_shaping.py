import random

import pytest
from trl.rewards import get_repetition_penalty_reward, get_soft_overlong_punishment

from rltrainer.rewards.shaping import brevity, repetition, soft_overlong, unfinished, wished_length
from tests.rltrainer.rewards.answers import make_answer


def _of_length(*lengths):
    return [make_answer(tokens=(1,) * length) for length in lengths]


def test_brevity_is_the_share_of_the_longest():
    assert brevity(max_new_tokens=8)(_of_length(2, 8)) == [-0.25, -1.0]


def test_wished_length_is_best_at_the_wish():
    assert wished_length(tokens=4)(_of_length(4, 6, 1)) == [0.0, -0.5, -0.75]


def test_unfinished_marks_cut_answers():
    assert unfinished([make_answer(), make_answer(reason="length")]) == [0.0, 1.0]


def test_soft_overlong_by_hand():
    assert soft_overlong(max_new_tokens=100, margin_tokens=20)(_of_length(1, 80, 81, 90, 100)) == [
        0.0, 0.0, -0.05, -0.5, -1.0,
    ]  # fmt: skip


@pytest.mark.parametrize(("longest", "margin"), [(64, 13), (100, 20), (7, 7), (1, 1), (20480, 4096)])
def test_soft_overlong_is_exactly_trls(longest, margin):
    lengths = [*range(1, min(longest, 300) + 3), longest - margin, longest - 1, longest, longest + 5]
    lengths = [length for length in lengths if length > 0]
    expected = get_soft_overlong_punishment(longest, margin)([[1] * length for length in lengths])
    assert soft_overlong(max_new_tokens=longest, margin_tokens=margin)(_of_length(*lengths)) == expected


@pytest.mark.parametrize("margin", [0, 11])
def test_a_margin_that_leaves_no_room_is_refused(margin):
    with pytest.raises(ValueError, match="between 1 and 10"):
        soft_overlong(max_new_tokens=10, margin_tokens=margin)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_repetition_is_exactly_trls(size):
    generator = random.Random(size)
    rows = [tuple(generator.choices(range(4), k=generator.randint(1, 40))) for _ in range(200)]
    expected = get_repetition_penalty_reward(ngram_size=size, max_penalty=-1.0)([list(row) for row in rows])
    assert repetition(run_tokens=size)([make_answer(tokens=row) for row in rows]) == expected


def test_a_weighted_repetition_is_trls_with_that_penalty():
    row = (5, 5, 5, 5, 5, 1, 2)
    expected = get_repetition_penalty_reward(ngram_size=2, max_penalty=-0.3)([list(row)])
    assert [0.3 * value for value in repetition(run_tokens=2)([make_answer(tokens=row)])] == pytest.approx(expected)
