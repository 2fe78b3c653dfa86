"""What a ranking may say, and which pairs follow from it."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.kinds.criteria import CriterionSpec
from annotation.kinds.faults import AnswerError
from annotation.kinds.ranking import RankingAnswer, from_mapping, parse_answer, rank_vector, to_preferences
from tests.annotation.drafts import ranking_answers

HELPFUL = CriterionSpec("helpful", 1, 5, 1)


def parse(mapping: Any, *, keys: str = "abc", criteria: list[CriterionSpec] | None = None) -> RankingAnswer:
    return parse_answer(mapping, response_keys=list(keys), criteria=criteria)


def faults_of(mapping: Any, *, keys: str = "abc", criteria: list[CriterionSpec] | None = None) -> dict[str, str]:
    with pytest.raises(AnswerError) as caught:
        parse(mapping, keys=keys, criteria=criteria)
    return {fault["field"]: fault["message"] for fault in caught.value.faults}


def test_a_full_answer_is_read() -> None:
    answer = parse(
        {
            "tiers": [["b"], ["a"]],
            "bad": ["a"],
            "unranked": ["c"],
            "strength": [3],
            "rationale": "b cites a source",
            "scores": {"helpful": {"a": 1, "b": 5, "c": 2}},
            "confidence": 4,
            "active_ms": 900,
        },
        criteria=[HELPFUL],
    )
    assert answer == RankingAnswer(
        tiers=(("b",), ("a",)),
        bad=("a",),
        unranked=("c",),
        strength=(3,),
        scores={"helpful": {"a": 1, "b": 5, "c": 2}},
        rationale="b cites a source",
        confidence=4,
        active_ms=900,
    )


@pytest.mark.parametrize(
    ("mapping", "field", "part"),
    [
        ({}, "tiers", "expected a list of tiers"),
        ({"tiers": []}, "tiers", "nothing is ranked"),
        ({"tiers": [], "unranked": ["a", "b", "c"]}, "tiers", "nothing is ranked"),
        ({"tiers": [["a"], []], "unranked": ["b", "c"]}, "tiers[1]", "at least one response"),
        ({"tiers": [["a"], "b"]}, "tiers[1]", "got text"),
        ({"tiers": [["a", "z"]]}, "tiers[0]", "no response 'z'"),
        ({"tiers": [["a", 3]]}, "tiers[0]", "expected the key of a response, got a number"),
        ({"tiers": [["a"], ["b"]]}, "tiers", "'c' is missing"),
        ({"tiers": [["a", "a"], ["b", "c"]]}, "tiers", "'a' stands 2 times"),
        ({"tiers": [["a"], ["b", "c"]], "unranked": ["c"]}, "tiers", "'c' stands 2 times"),
        ({"tiers": [["a"], ["b", "c"]], "bad": ["c"]}, "bad", "same or a worse tier"),
        ({"tiers": [["a"], ["b", "c"]], "bad": ["a"]}, "bad", "same or a worse tier"),
        ({"tiers": [["a"], ["b"]], "unranked": ["c"], "bad": ["c"]}, "bad", "bad but unranked"),
        ({"tiers": [["a"], ["b", "c"]], "strength": [1, 2]}, "strength", "expected 1 values"),
        ({"tiers": [["a"], ["b", "c"]], "strength": [4]}, "strength[0]", "1 (slightly)"),
        ({"tiers": [["a"], ["b", "c"]], "strength": [True]}, "strength[0]", "1 (slightly)"),
        ({"tiers": [["a", "b", "c"]], "confidence": 6}, "confidence", "between 1 and 5"),
        ({"tiers": [["a", "b", "c"]], "confidence": 2.5}, "confidence", "whole number"),
        ({"tiers": [["a", "b", "c"]], "active_ms": -1}, "active_ms", "between 0"),
        ({"tiers": [["a", "b", "c"]], "rationale": 7}, "rationale", "expected text, got a number"),
        ({"tiers": [["a", "b", "c"]], "rationale": "x\x00"}, "rationale", "NUL"),
        ({"tiers": [["a", "b", "c"]], "rationale": "\ud800"}, "rationale", "surrogate"),
        ({"tiers": [["a", "b", "c"]], "rationale": "x" * 20_001}, "rationale", "too long"),
        ({"tires": [["a", "b", "c"]]}, "tires", "did you mean 'tiers'?"),
        ([], "answer", "expected an object, got a list"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_field(mapping: Any, field: str, part: str) -> None:
    assert part in faults_of(mapping)[field]


def test_every_fault_is_listed_at_once() -> None:
    found = faults_of({"tiers": [["z"]], "confidence": 0, "active_ms": "1", "colour": 1})
    assert set(found) == {"tiers[0]", "confidence", "active_ms", "colour"}


@pytest.mark.parametrize(
    ("scores", "field", "part"),
    [
        ({}, "scores.helpful.a", "required"),
        ({"helpful": {"a": 1, "b": None, "c": 2}}, "scores.helpful.b", "required"),
        ({"helpful": {"a": 1, "b": 6, "c": 2}}, "scores.helpful.b", "between 1 and 5"),
        ({"helpful": {"a": 1, "b": 1.5, "c": 2}}, "scores.helpful.b", "multiple of 1"),
        ({"helpful": {"a": 1, "b": True, "c": 2}}, "scores.helpful.b", "got true or false"),
        ({"helpful": {"a": 1, "b": float("nan"), "c": 2}}, "scores.helpful.b", "NaN"),
        ({"helpful": {"a": 1, "b": float("inf"), "c": 2}}, "scores.helpful.b", "finite"),
        ({"helpful": {"a": 1, "b": 10**400, "c": 2}}, "scores.helpful.b", "finite"),
        ({"helpful": {"a": 1, "b": 2, "c": 2, "d": 1}}, "scores.helpful.d", "unknown key"),
        ({"helpfull": {}}, "scores.helpfull", "did you mean 'helpful'?"),
        ({"helpful": 3}, "scores.helpful", "expected an object"),
        (3, "scores", "expected an object of criteria"),
    ],
)
def test_scores_are_held_against_their_scale(scores: Any, field: str, part: str) -> None:
    assert part in faults_of({"tiers": [["a", "b", "c"]], "scores": scores}, criteria=[HELPFUL])[field]


def test_not_applicable_is_taken_where_a_criterion_is_optional() -> None:
    optional = CriterionSpec("safe", 0, 1, 0.1, required=False)
    answer = parse({"tiers": [["a", "b", "c"]], "scores": {"safe": {"a": None, "b": 0.3}}}, criteria=[optional])
    assert answer.scores == {"safe": {"a": None, "b": 0.3}}


def test_ties_give_no_pair_and_unranked_ones_none_at_all() -> None:
    answer = parse({"tiers": [["a", "c"], ["b"]], "unranked": ["d"]}, keys="abcd")
    assert to_preferences(answer) == [("a", "b", None), ("c", "b", None)]


def test_a_tie_has_no_first() -> None:
    one, other = ({"tiers": [["c", "a"]], "bad": ["c", "a"]}, {"tiers": [["a", "c"]], "bad": ["a", "c"]})
    assert parse({**one, "unranked": ["b", "d"]}, keys="abcd") == parse({**other, "unranked": ["d", "b"]}, keys="abcd")
    assert parse({"tiers": [["b", "c", "a"]]}, keys="cab").tiers == (("c", "a", "b"),)


def test_strength_adds_up_over_the_gaps_between_two_tiers() -> None:
    answer = parse({"tiers": [["a"], ["b"], ["c"], ["d"]], "strength": [1, 3, None]}, keys="abcd")
    strengths = {pair[:2]: pair.strength for pair in to_preferences(answer)}
    assert strengths == {
        ("a", "b"): 1, ("a", "c"): 4, ("a", "d"): None, ("b", "c"): 3, ("b", "d"): None, ("c", "d"): None,
    }  # fmt: skip


def test_everything_bad_still_ranks_what_is_less_bad() -> None:
    answer = parse({"tiers": [["a"], ["b", "c"]], "bad": ["c", "b", "a"]})
    assert answer.bad == ("a", "b", "c")
    assert [pair[:2] for pair in to_preferences(answer)] == [("a", "b"), ("a", "c")]


def test_the_rank_vector_follows_the_keys_not_the_order_of_the_tiers() -> None:
    answer = parse({"tiers": [["c"], ["a", "d"]], "unranked": ["b"]}, keys="abcd")
    assert rank_vector(answer, list("abcd")) == [2, None, 1, 2]


@given(ranking_answers(list("abcde"), free_scores=True))
def test_an_answer_survives_its_own_mapping(answer: RankingAnswer) -> None:
    assert parse(answer.as_mapping(), keys="abcde") == answer
    assert from_mapping(answer.as_mapping()) == answer


@given(ranking_answers(list("abcde")))
def test_pairs_say_just_what_the_rank_vector_says(answer: RankingAnswer) -> None:
    ranks = dict(zip("abcde", rank_vector(answer, list("abcde")), strict=True))
    expected = {(x, y) for x, p in ranks.items() for y, q in ranks.items() if p is not None and q is not None and p < q}
    assert sorted(pair[:2] for pair in to_preferences(answer)) == sorted(expected)


def nest(inner: st.SearchStrategy) -> st.SearchStrategy:
    keys = st.sampled_from(["tiers", "bad", "strength", "scores", "a", "x"])
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text("abx", max_size=2), nest))
def test_no_json_value_makes_the_reader_stumble(value: Any) -> None:
    with contextlib.suppress(AnswerError):
        assert parse(value).tiers
