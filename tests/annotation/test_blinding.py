import pytest

from annotation.blinding import answer_to_keys, answer_to_letters, letters
from annotation.exceptions import InvalidAnswer

ORDER = ["model-x", "model-z", "model-y"]


def test_letters_follow_the_shown_order() -> None:
    assert letters(ORDER) == {"A": "model-x", "B": "model-z", "C": "model-y"}


def test_an_answer_goes_to_keys_and_back() -> None:
    lettered = {
        "tiers": [["C"], ["A", "B"]],
        "bad": ["A", "B"],
        "unranked": [],
        "strength": [2],
        "scores": {"clear": {"A": 1, "C": 5}},
        "rationale": "A and B repeat themselves",
        "confidence": 3,
    }
    keyed = answer_to_keys(lettered, ORDER)
    assert keyed["tiers"] == [["model-y"], ["model-x", "model-z"]]
    assert keyed["scores"] == {"clear": {"model-x": 1, "model-y": 5}}
    assert keyed["rationale"] == "A and B repeat themselves"
    assert answer_to_letters(keyed, ORDER) == lettered


def test_letters_of_a_tie_do_not_tell_in_which_order_keys_are_stored() -> None:
    keyed = {"tiers": [["model-y"], ["model-z", "model-x"]], "bad": ["model-z", "model-x"], "unranked": []}
    assert answer_to_letters(keyed, ORDER) == {"tiers": [["C"], ["A", "B"]], "bad": ["A", "B"], "unranked": []}


@pytest.mark.parametrize("field", ["bad", "unranked"])
def test_keys_cannot_be_guessed_through_letters(field: str) -> None:
    with pytest.raises(InvalidAnswer) as caught:
        answer_to_keys({"tiers": [["A", "B", "C"]], field: ["model-x"]}, ORDER)
    assert [fault["field"] for fault in caught.value.extra["faults"]] == [field]
    assert "model-z" not in str(caught.value.extra)


def test_every_unknown_letter_is_named() -> None:
    with pytest.raises(InvalidAnswer) as caught:
        answer_to_keys({"tiers": [["A", "D"]], "scores": {"clear": {"E": 1}}}, ORDER)
    assert [fault["field"] for fault in caught.value.extra["faults"]] == ["tiers[0]", "scores.clear"]


@pytest.mark.parametrize("value", [None, "A", 3, {"A": 1}, [None], [[["A"]]], [3]])
def test_values_of_a_wrong_shape_pass_through(value: object) -> None:
    answer = {"tiers": value, "bad": value, "scores": value}
    assert answer_to_keys(answer, ORDER) == answer


def test_more_responses_than_letters_are_our_fault() -> None:
    with pytest.raises(ValueError):
        letters([str(number) for number in range(27)])
