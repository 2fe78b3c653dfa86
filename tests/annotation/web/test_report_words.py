"""Headlines of report pages say what the numbers say, at the edges too."""

from typing import Any

import pytest

from annotation.web.report_words import describe_bias, describe_consensus, describe_health


def board(*ranks: tuple[int, int]) -> dict[str, Any]:
    """Sources A, B, C ... with the best and the worst rank that each may have."""
    sources = [
        {"source": chr(65 + number), "best_rank": best, "worst_rank": worst}
        for number, (best, worst) in enumerate(ranks)
    ]
    return {"leaderboard": {"sources": sources}, "crowd": {"choices": 9}}


@pytest.mark.parametrize(
    ("ranks", "sentence"),
    [
        ([(1, 1), (2, 2)], "People prefer A to every other source."),
        ([(1, 2), (1, 2), (3, 3)], "A leads, but B could be as good."),
        ([(1, 3), (1, 3), (1, 3), (4, 4)], "A leads, but 2 others could be as good."),
        ([(1, 2), (1, 2)], "No source stands out: any of the 2 could be the best."),
        ([(1, 3), (2, 2), (2, 3)], "A leads, but not surely over every other source."),
        ([(1, 1)], "Not enough to compare sources."),
        ([], "Not enough to compare sources."),
    ],
)
def test_sources(ranks: list[tuple[int, int]], sentence: str) -> None:
    assert describe_consensus(board(*ranks)) == sentence


def test_without_choices_nothing_is_said_of_sources() -> None:
    nothing = {"leaderboard": None, "crowd": None}
    assert describe_consensus(nothing) == "Nobody has compared two responses yet."
    assert describe_consensus(nothing, is_ranking=False).startswith("Single responses are scored here")


def effect(name: str, value: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    baseline = {"first_seen": 0.0, "ties": None, "speed": None}.get(name, 0.5)
    return {"effect": name, "value": value, "low": low, "high": high, "baseline": baseline}


def bias(*effects: dict[str, Any]) -> str:
    return describe_bias({"project": list(effects), "scores": []})


def test_leanings_are_said_where_the_interval_leaves_no_doubt() -> None:
    even = effect("position", 0.52, 0.48, 0.56)
    assert bias(even) == "No leaning that the numbers could show."
    assert bias(even, effect("length", 0.7, 0.6, 0.8)) == "Choices lean: the longer response wins 70% of the time."
    assert bias(effect("position", 0.4, 0.3, 0.49)) == "Choices lean: what was shown later wins 60% of the time."
    assert bias(effect("position", 0.504, 0.501, 0.507)) == (
        "Choices lean: what was shown earlier wins 50.4% of the time."
    )
    assert bias(even, effect("first_seen", 0.1, 0.02, 0.2)).endswith("on top too often.")


def test_what_is_not_known_of_bias_is_said() -> None:
    untold = effect("position", None, None, None)
    assert bias() == bias(untold, effect("ties", 0.1, 0.0, 0.2)) == "Nothing is known about bias yet."
    assert bias(untold, effect("length", 0.5, 0.4, 0.6)) == (
        "No leaning that the numbers could show. Whether the place matters is not known."
    )


def scores(**severity: tuple[float, float]) -> dict[str, Any]:
    people = [{"pseudonym": name, "severity": {"low": low, "high": high}} for name, (low, high) in severity.items()]
    return {"project": [], "scores": [{"people": people}, {"people": None}]}


def test_of_scores_the_severe_and_the_lenient_are_counted() -> None:
    assert describe_bias(scores(), is_ranking=False) == "Nothing is known about bias yet."
    assert describe_bias(scores(a=(-1, 1)), is_ranking=False).startswith("Nobody is surely more severe")
    told = describe_bias(scores(a=(-1, 1), b=(0.2, 1), c=(-2, -1)), is_ranking=False)
    assert told == "2 of 3 people are surely more severe or more lenient than the others."


def check(count: int | None, of: int | None, dimension: str = "clean") -> dict[str, Any]:
    return {"dimension": dimension, "count": count, "of": of}


@pytest.mark.parametrize(
    ("checks", "sentence"),
    [
        ([], "There is nothing to check yet."),
        ([check(0, 0), check(None, None)], "There is nothing to check yet."),
        ([check(0, 9), check(0, 0)], "Nothing wrong was found in 1 check."),
        ([check(0, 9), check(2, 9), check(3, 9, "balanced")], "1 of 2 checks found something to look at."),
    ],
)
def test_only_checks_with_something_to_look_at_count(checks: list[dict[str, Any]], sentence: str) -> None:
    assert describe_health({"checks": checks}) == sentence
