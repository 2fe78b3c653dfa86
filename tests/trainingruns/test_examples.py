"""Which responses are worth imitating, by hand."""

from collections.abc import Sequence

import pytest

from trainingruns.examples import Candidate, ExampleMaker, best_responses
from trainingruns.pairs import PromptVotes

ASK = [{"role": "user", "content": "?"}]
Ranking = tuple[list[list[str]], list[str]]


def votes(*rankings: list[list[str]], bad: Sequence[str] = ()) -> PromptVotes:
    prompt = PromptVotes("1", ASK, {key: f"text {key}" for key in "abcd"})
    for number, tiers in enumerate(rankings):
        prompt.add_answer(number, tiers, [key for tier in tiers for key in tier if key in bad])
    return prompt


def candidate(key: str, text: str, origin: str, prompt_id: str = "1") -> Candidate:
    return Candidate(prompt_id, ASK, key, text, origin)


@pytest.mark.parametrize(
    ("rankings", "best"),
    [
        ([[["a"], ["b"], ["c"]]], ["a"]),
        ([[["a", "b"], ["c"]]], ["a", "b"]),
        # a beats b 2:1, b beats c 2:1, c beats a 2:1: a circle has no best.
        ([[["a"], ["b"], ["c"]], [["b"], ["c"], ["a"]], [["c"], ["a"], ["b"]]], []),
        # One vote each way: equal, so that nothing is above anything.
        ([[["a"], ["b"]], [["b"], ["a"]]], []),
        # d was compared once and won; a won one of two: the share counts, not the number.
        ([[["a"], ["b"]], [["c"], ["a"]], [["c"], ["d"]], [["c"], ["b"]]], ["c"]),
        ([], []),
    ],
)
def test_the_best_tier_is_copelands(rankings: list[list[list[str]]], best: list[str]) -> None:
    assert best_responses(votes(*rankings)) == best


def test_what_most_people_find_useless_is_no_example() -> None:
    maker = ExampleMaker()
    assert maker.make([votes([["a"], ["b"]], [["a"], ["b"]], bad=["a", "b"])], []) == []
    assert maker.dropped == {"best_but_bad": 1}


def test_an_example_names_the_judgments_behind_it() -> None:
    (record,) = ExampleMaker().make([votes([["a"], ["b"], ["c"]], [["b"], ["c"]], [["a", "b"]])], [])
    assert record == {
        "id": "1/a",
        "prompt_id": "1",
        "prompt": ASK,
        "response": "text a",
        "origin": "chosen",
        "judgments": [0, 2],
    }


def test_a_known_answer_takes_the_place_of_the_votes() -> None:
    made = ExampleMaker().make([votes([["a"], ["b"]])], [candidate("b", "text b", "adjudicated")])
    assert [(each["id"], each["origin"]) for each in made] == [("1/b", "adjudicated")]


def test_demonstrations_stand_beside_what_people_chose_and_a_text_comes_once() -> None:
    vouched = [
        candidate("a", "text a", "demonstration"),
        candidate("h", "By hand.", "demonstration"),
        candidate("h", "Unasked.", "demonstration", prompt_id="10"),
        candidate("h", "", "demonstration", prompt_id="9"),
    ]
    maker = ExampleMaker()
    made = maker.make([votes([["a"], ["b"]])], vouched)
    assert [(each["id"], each["origin"]) for each in made] == [
        ("1/a", "chosen"),
        ("1/h", "demonstration"),
        ("10/h", "demonstration"),
    ]
    assert maker.dropped == {"empty_examples": 1}
