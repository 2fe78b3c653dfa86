import itertools
import json

import pytest

from rltrainer.marks import Marks, count_right, count_wins, pass_at, read_marks


def _marks(rewards, lengths=None, **parts):
    return Marks(tuple(rewards), {name: tuple(own) for name, own in parts.items()}, lengths or (10,) * len(rewards))


def test_wins_by_hand():
    # 3 beats 1 and 2; 2 beats 1 and ties with 2.
    assert count_wins(_marks((3.0, 2.0)), _marks((1.0, 2.0)), part=None) == (3.5, 4)


def test_a_part_may_judge_instead_of_the_whole_reward():
    own, other = _marks((0.0,), model=(2.0,)), _marks((5.0,), model=(1.0,))
    assert count_wins(own, other, part="model") == (1.0, 1)
    assert count_wins(own, other, part=None) == (0.0, 1)


def test_only_pairs_of_similar_length_count_when_asked_for():
    own, other = _marks((3.0, 0.0), (100, 10)), _marks((1.0, 1.0), (80, 20))
    assert count_wins(own, other, part=None, similar_length=True) == (1.0, 1)


@pytest.mark.parametrize("right", range(6))
@pytest.mark.parametrize("draws", range(1, 6))
def test_pass_at_k_is_the_share_of_subsets_that_hold_a_right_answer(right, draws):
    answers = [place < right for place in range(5)]
    subsets = list(itertools.combinations(answers, draws))
    assert pass_at(5, right, draws) == pytest.approx(sum(map(any, subsets)) / len(subsets), abs=1e-12)


def test_pass_at_k_needs_k_answers():
    with pytest.raises(ValueError, match="pass@6 needs"):
        pass_at(5, 1, 6)


def test_right_is_full_marks():
    assert count_right(_marks((0.0,) * 3, instructions=(1.0, 0.5, 0.0)), "instructions") == 1


def test_marks_survive_json():
    marks = _marks((0.1, 1 / 3), (7, 8), number=(0.0, 1.0))
    assert read_marks(json.loads(json.dumps(marks.to_dict()))) == marks
