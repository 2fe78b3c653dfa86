from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.kinds.criteria import CriterionSpec
from annotation.quality.closeness import share_right, share_same

SCALES = {"help": CriterionSpec("help", 1, 5, 1), "rude": CriterionSpec("rude", 0, 100)}


def ranked(*tiers: str) -> dict[str, Any]:
    return {"tiers": [list(tier) for tier in tiers], "scores": {}}


def right(
    answer: dict[str, Any], known: dict[str, Any], kind: str = "ranking", tolerance: float = 0.25
) -> float | None:
    return share_right(answer, known, kind=kind, criteria=SCALES, tolerance=tolerance)


@pytest.mark.parametrize(
    ("answer", "known", "share"),
    [
        (ranked("a", "b", "c"), ranked("a", "b", "c"), 1.0),
        (ranked("c", "b", "a"), ranked("a", "b", "c"), 0.0),
        (ranked("a", "c", "b"), ranked("a", "b", "c"), 2 / 3),
        (ranked("abc"), ranked("a", "b", "c"), 0.5),
        (ranked("a", "bc"), ranked("a", "b", "c"), 5 / 6),
        (ranked("a", "b", "c"), ranked("a", "bc"), 1.0),  # the known answer does not say which of b and c is better
        (ranked("a", "b"), ranked("a", "b", "c"), 1 / 3),  # c was left unranked: its two pairs are not right
        (ranked("abc"), ranked("abc"), 1.0),
        (ranked("a", "bc"), ranked("abc"), 1 / 3),
        (ranked("a"), ranked("a"), None),
    ],
)
def test_a_ranking_is_as_right_as_its_pairs(answer: dict[str, Any], known: dict[str, Any], share: float | None) -> None:
    assert right(answer, known) == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    ("given_score", "known_score", "tolerance", "share"),
    [(4, 5, 0.25, 1.0), (3, 5, 0.25, 0.0), (5, 5, 0.0, 1.0), (None, 5, 1.0, 0.0), (None, None, 0.0, 1.0)],
)
def test_a_score_is_right_within_the_tolerance(
    given_score: float | None, known_score: float | None, tolerance: float, share: float
) -> None:
    answer, known = ({"scores": {"help": {"r": score}}} for score in (given_score, known_score))
    assert right(answer, known, "scalar", tolerance) == share


def test_a_known_score_that_was_not_given_is_wrong_and_others_are_not_asked_for() -> None:
    answer = {"scores": {"help": {"r": 5}, "extra": {"r": 1}}}
    assert right(answer, {"scores": {"help": {"r": 5}, "rude": {"r": 0}}}, "scalar") == 0.5
    assert right(answer, {"scores": {}}, "scalar") is None


def test_the_same_said_twice_is_the_same() -> None:
    def same(one: dict[str, Any], two: dict[str, Any], kind: str = "ranking") -> float | None:
        return share_same(one, two, kind=kind, criteria=SCALES, tolerance=0.25)

    assert same(ranked("a", "b", "c"), ranked("a", "b", "c")) == 1.0
    assert same(ranked("ab", "c"), ranked("ab", "c")) == 1.0
    assert same(ranked("a", "b"), ranked("b", "a")) == 0.0
    assert same(ranked("ab"), ranked("b", "a")) == 0.5
    assert same(ranked("a", "b"), ranked("c", "d")) is None
    assert same({"scores": {"rude": {"r": 50}}}, {"scores": {"rude": {"r": 76}}}, "scalar") == 0.0
    assert same({"scores": {"rude": {"r": 50}}}, {"scores": {"rude": {"r": 75}}}, "scalar") == 1.0
    assert same({"scores": {}}, {"scores": {"rude": {"r": 75}}}, "scalar") is None


@st.composite
def rankings(draw: st.DrawFn) -> dict[str, Any]:
    places = draw(st.lists(st.integers(0, 4), min_size=5, max_size=5))
    return ranked(
        *("".join(key for key, at in zip("abcde", places, strict=True) if at == tier) for tier in sorted({*places}))
    )


@given(rankings(), rankings())
def test_being_the_same_has_no_direction_and_ends_at_one(one: dict[str, Any], two: dict[str, Any]) -> None:
    there = share_same(one, two, kind="ranking", criteria={}, tolerance=0)
    back = share_same(two, one, kind="ranking", criteria={}, tolerance=0)
    assert there == back
    assert there is not None
    assert 0 <= there <= 1
    assert share_same(one, one, kind="ranking", criteria={}, tolerance=0) == 1
    assert right(one, one) == 1


@given(rankings(), rankings(), st.permutations("abcde"))
def test_names_of_responses_do_not_matter(one: dict[str, Any], two: dict[str, Any], names: list[str]) -> None:
    new = dict(zip("abcde", names, strict=True))
    moved = [ranked(*("".join(new[key] for key in tier) for tier in each["tiers"])) for each in (one, two)]
    assert right(one, two) == pytest.approx(right(*moved))
