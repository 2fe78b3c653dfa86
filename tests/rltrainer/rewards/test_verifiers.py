from decimal import Decimal

import pytest

from rewardmodel.records import PromptRecord
from rltrainer.records import Completion
from rltrainer.rewards.answer import Answer
from rltrainer.rewards.verifiers import brevity, exact_number, last_number, parse_number, unfinished, wished_length


def _answer(tokens=4, *, text="", answer=None, reason="stop"):
    record = PromptRecord("q", ({"role": "user", "content": "?"},), {"answer": answer})
    return Answer(record, Completion((1,) * tokens, (0.0,) * tokens, reason, 0), text)


def test_brevity_is_the_share_of_the_longest():
    assert brevity(max_new_tokens=8)([_answer(2), _answer(8)]) == [-0.25, -1.0]


def test_wished_length_is_best_at_the_wish():
    assert wished_length(tokens=4)([_answer(4), _answer(6), _answer(1)]) == [0.0, -0.5, -0.75]


def test_unfinished_marks_cut_answers():
    assert unfinished([_answer(), _answer(reason="length")]) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("First 3, then 4.", "4"),
        ("It costs $1,234.50", "1234.50"),
        ("minus: -7", "-7"),
        ("12,34", "34"),
        ("no number", None),
        ("x2y", "2"),
    ],
)
def test_last_number(text, number):
    assert last_number(text) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("text", "answer", "reward"), [("so 18.0", 18, 1.0), ("so 18", "1,8", 1.0), ("18 or 19", 18, 0.0)]
)
def test_exact_number_takes_the_last_one(text, answer, reward):
    assert exact_number([_answer(text=text, answer=answer)]) == [reward]


@pytest.mark.parametrize("value", [None, "seven", True, float("nan")])
def test_answers_that_are_no_numbers_are_refused(value):
    with pytest.raises(ValueError, match="expected a number"):
        parse_number(value)
