"""Votes and splits, by hand."""

from collections import Counter

import pytest

from trainingruns.gates import Verdict, judge_reward_model
from trainingruns.pairs import PromptVotes, human_ceiling, majority_records, split_bound, split_place

ASK = [{"role": "user", "content": "?"}]


def votes(*rankings: list[list[str]]) -> PromptVotes:
    prompt = PromptVotes("1", ASK, {key: f"text {key}" for key in "abc"})
    for number, tiers in enumerate(rankings):
        prompt.add_answer(number, tiers)
    return prompt


def test_a_longer_ranking_gives_every_pair() -> None:
    made = list(majority_records(votes([["c"], ["a", "b"]], [["c"], ["b"], ["a"]]), Counter()))
    assert [(each["chosen"][-1], each["rejected"][-1], each["votes"]) for each in made] == [
        ("b", "a", {"chosen": 1, "rejected": 0, "tie": 1}),
        ("c", "a", {"chosen": 2, "rejected": 0, "tie": 0}),
        ("c", "b", {"chosen": 2, "rejected": 0, "tie": 0}),
    ]


@pytest.mark.parametrize(
    ("wins", "losses", "ties", "value"),
    # 3:1 by hand: each of the three agrees with 2:1, the one stands against 3:0. 1:1: each against the other.
    [(3, 1, 0, 0.75), (1, 1, 0, 0.0), (2, 1, 0, 1 / 3), (2, 0, 1, 2.5 / 3), (1, 0, 0, None)],
)
def test_human_ceiling_leaves_one_out(wins: int, losses: int, ties: int, value: float | None) -> None:
    prompt = votes(*[[["a"], ["b"]]] * wins, *[[["b"], ["a"]]] * losses, *[[["a", "b"]]] * ties)
    assert human_ceiling([prompt])["value"] == (None if value is None else pytest.approx(value))


def test_the_split_depends_on_seed_and_text_alone() -> None:
    place = split_place(ASK, seed=0)
    assert 0 <= place < 1 and place == split_place([dict(ASK[0], extra="x")], seed=0) != split_place(ASK, seed=1)


def test_about_the_share_is_held_out() -> None:
    places = [split_place([{"role": "user", "content": str(number)}], seed=3) for number in range(4000)]
    bound = split_bound(places, share=0.1)
    assert bound == 0.1
    assert 320 < sum(place <= bound for place in places) < 480


def test_never_all_prompts_are_held_out() -> None:
    assert split_bound([0.01, 0.02], share=0.5) == 0.01
    assert split_bound([0.8, 0.9], share=0.1) == 0.8
    assert split_bound([0.8], share=0.5) < 0


@pytest.mark.parametrize(
    ("low", "champion", "passes"), [(0.51, None, True), (0.49, None, False), (0.61, 0.6, True), (0.59, 0.6, False)]
)
def test_the_gate_wants_the_interval_above_the_bar(low: float, champion: float | None, passes: bool) -> None:
    best = None if champion is None else {"accuracy": {"value": champion}}
    verdict = judge_reward_model({"accuracy": {"value": 0.7, "low": low, "high": 0.8}}, best)
    assert verdict.passes is passes
    assert ("above the champion" if champion else "above chance") in verdict.reason


def test_a_model_measured_on_two_prompts_is_no_champion_and_says_so() -> None:
    few = judge_reward_model({"accuracy": {"value": 1.0, "low": None, "high": None, "n": 40, "prompts": 2}}, None)
    why = "2 held-out prompts are too few to tell its accuracy on held-out pairs from chance."
    assert few == Verdict(False, f"No champion: {why}")
    enough = judge_reward_model({"accuracy": {"value": 0.9, "low": 0.6, "high": 1.0, "n": 40, "prompts": 12}}, None)
    assert enough.passes and "of the held-out pairs (60.0% to 100.0%, by 12 held-out prompts), above" in enough.reason


def test_a_model_without_a_measured_accuracy_is_no_champion() -> None:
    assert not judge_reward_model({"accuracy": {"value": None, "low": None, "high": None}}, None).passes
