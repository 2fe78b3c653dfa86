"""What a score may say."""

from typing import Any

import pytest

from annotation.kinds.criteria import CriterionSpec
from annotation.kinds.faults import AnswerError
from annotation.kinds.registry import answer_from_mapping, parse_answer, to_preferences
from annotation.kinds.scalar import ScalarAnswer, select_response

FLUENT = CriterionSpec("fluent", 1, 7, 1)
PENALTY = CriterionSpec("penalty", 0, 25, None, required=False)


def faults_of(mapping: Any, criteria: list[CriterionSpec] | None = None) -> dict[str, str]:
    with pytest.raises(AnswerError) as caught:
        parse_answer("scalar", mapping, response_keys=["a"], criteria=criteria)
    return {fault["field"]: fault["message"] for fault in caught.value.faults}


def test_scores_are_read_on_their_scales() -> None:
    mapping = {"scores": {"fluent": {"a": 7}, "penalty": {"a": 0.1}}, "confidence": 5, "rationale": None}
    answer = parse_answer("scalar", mapping, response_keys=["a"], criteria=[FLUENT, PENALTY])
    assert answer == ScalarAnswer(scores={"fluent": {"a": 7}, "penalty": {"a": 0.1}}, confidence=5)
    assert answer_from_mapping("scalar", answer.as_mapping()) == answer


def test_not_applicable_is_an_answer_but_silence_is_not() -> None:
    answer = parse_answer("scalar", {"scores": {"penalty": {"a": None}}}, response_keys=["a"], criteria=[PENALTY])
    assert answer.scores == {"penalty": {"a": None}}
    assert "nothing is scored" in faults_of({"scores": {}}, [PENALTY])["scores"]


@pytest.mark.parametrize(
    ("scores", "criteria", "field", "part"),
    [
        ({"fluent": {"a": 0}}, [FLUENT], "scores.fluent.a", "between 1 and 7"),
        ({"fluent": {"a": 2.5}}, [FLUENT], "scores.fluent.a", "multiple of 1"),
        ({"fluent": {"a": None}}, [FLUENT], "scores.fluent.a", "required"),
        ({"fluent": {"b": 3}}, [FLUENT], "scores.fluent.b", "unknown key"),
        ({"penalty": {"a": 25.1}}, [PENALTY], "scores.penalty.a", "between 0 and 25"),
        ({"penalty": {"a": "3"}}, [PENALTY], "scores.penalty.a", "got text"),
        ({"not a slug": {"a": 3}}, None, "scores.not a slug", "letters, digits"),
    ],
)
def test_a_wrong_score_is_named(scores: Any, criteria: list[CriterionSpec] | None, field: str, part: str) -> None:
    assert part in faults_of({"scores": scores}, criteria)[field]


def test_tiers_do_not_belong_into_a_scalar_answer() -> None:
    assert "unknown key" in faults_of({"scores": {"x": {"a": 1}}, "tiers": [["a"]]})["tiers"]


def test_one_response_can_be_taken_out_of_an_answer_about_several() -> None:
    answer = ScalarAnswer(scores={"x": {"a": 1, "b": 2}, "y": {"a": 3}}, rationale="same for both", active_ms=5)
    assert select_response(answer, "b") == ScalarAnswer(scores={"x": {"b": 2}}, rationale="same for both", active_ms=5)
    assert select_response(answer, "c") is None


def test_no_pairs_follow_from_scores() -> None:
    assert to_preferences(ScalarAnswer(scores={"x": {"a": 1, "b": 2}})) == []


@pytest.mark.parametrize("value", [0.1 * number for number in range(11)])
def test_a_step_that_binary_numbers_cannot_hold_still_fits(value: float) -> None:
    assert CriterionSpec("safe", 0, 1, 0.1).value_fault(value) == ""
