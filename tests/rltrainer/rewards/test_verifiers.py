import threading

import pytest

from rewardmodel.records import DataError
from rltrainer.rewards import verifiers
from rltrainer.rewards.verifiers import exact_choice, exact_number, matches, parse_pattern
from tests.rltrainer.rewards.answers import make_answer


@pytest.mark.parametrize(
    ("text", "answer", "reward"),
    [
        ("so 18.0", 18, 1.0),
        ("so 1,800", "1800", 1.0),
        ("18 or 19", 18, 0.0),
        ("The answer is 1/2", "2", 0.0),
        (r"\frac{1}{2}", "2", 0.0),
        ("It is \u22122", "2", 0.0),
        (".2", "2", 0.0),
        ("about 1e2", "2", 0.0),
        ("so 0.1", 0.1, 1.0),
        (r"\boxed{18}, which I checked 2 times", 18, 1.0),
        ("nothing", 0, 0.0),
    ],
)
def test_exact_number_takes_the_last_one(text, answer, reward):
    assert exact_number()([make_answer(text, answer=answer)]) == [reward]


def test_a_section_is_the_only_place_that_counts():
    texts = ["<answer>18</answer> or 19", "18", "<answer>18", "<answer>1</answer><answer>18</answer>"]
    assert exact_number(section="answer")([make_answer(text, answer=18) for text in texts]) == [1.0, 0.0, 0.0, 1.0]


def test_exact_choice_follows_the_prompt():
    answers = [
        make_answer("The answer is (B).", answer="B"),
        make_answer("The answer is Paris.", answer="A", choices=["Paris", "Rome"]),
        make_answer("The answer is B.", answer="Paris", choices=["Paris", "Rome"]),
        make_answer("No idea.", answer="A"),
    ]
    assert exact_choice()(answers) == [1.0, 1.0, 0.0, 0.0]


def test_a_pattern_of_the_run_or_of_the_prompt():
    answers = [make_answer("call 555-1234", pattern=r"^\d+$"), make_answer("42", pattern=r"^\d+$")]
    assert matches(pattern=r"\d{3}-\d{4}")(answers) == [1.0, 0.0]
    assert matches(pattern=None)(answers) == [0.0, 1.0]


def test_a_pattern_that_never_ends_is_named(monkeypatch):
    monkeypatch.setattr(verifiers, "PATTERN_SECONDS", 0.2)
    with pytest.raises(DataError, match=r"prompt q: the pattern '\(a\+\)\+\$' did not end within 0.2 seconds"):
        matches(pattern="(a+)+$")([make_answer("a" * 60 + "b")])


def test_a_pattern_works_outside_the_main_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(matches(pattern="b")([make_answer("abc")])))
    thread.start()
    thread.join()
    assert found == [[1.0]]


@pytest.mark.parametrize("value", [None, "", 5, "(", "a{5,2}"])
def test_patterns_that_are_none_are_refused(value):
    with pytest.raises(ValueError, match="regular expression"):
        parse_pattern(value)
