"""It learns: rewards that a tiny model can only earn by changing."""

from typing import Any

import pytest

from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import OnlineConfig, parse_config
from rltrainer.trainer import train
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows

QUICK: dict[str, dict[str, Any]] = {
    "rollout": {"prompts_per_step": 8, "group_size": 8, "batch_rows": 64},
    "optimizer": {"learning_rate": 2e-2, "micro_batch_tokens": 1024},
    "kl": {"coefficient": 0.0},
    "brakes": dict.fromkeys(("kl", "entropy", "length", "repetition", "truncation", "flat"), "off"),
    "checkpoint": {"every_steps": 1000},
}


def _learn(base, folder, *, kind="grpo", steps, questions=None, **sections):
    """Rewards by step, and the result, of a run with these sections."""
    mixed = {name: {**QUICK.get(name, {}), **sections.get(name, {})} for name in {*QUICK, *sections}}
    config = {**grpo_config(base, stop={"steps": steps}, **mixed), "kind": kind}
    make_run(folder, config, questions=questions)
    parsed = parse_config(config)
    assert isinstance(parsed, OnlineConfig)
    with RunDirectory(folder).status:
        pass
    train(RunDirectory(folder), parsed)
    rewards = [row["values"]["reward"] for row in read_rows(folder / "metrics.jsonl")]
    return rewards, read_json(folder / "result.json")


def _mean(values):
    return sum(values) / len(values)


def test_answers_become_short_when_brevity_is_rewarded(base, tmp_path):
    # Three held-out prompts are the fewest whose gain has an interval; many answers to each make it narrow.
    rewards, result = _learn(base, tmp_path / "run", steps=25, evaluation={"prompts": 3, "samples_per_prompt": 16})
    assert rewards[0] < -0.8
    assert _mean(rewards[-3:]) > -0.3
    assert result["reward_gain"]["low"] > 0
    assert result["kl_sequence"] > 0


@pytest.mark.parametrize("kind", ["grpo", "rloo", "dapo"])
def test_a_wished_letter_fills_the_answers_within_thirty_steps(base, tmp_path, kind):
    reward = {"brevity_weight": 0.0, "function": "tests.rltrainer.toy_rewards:share_of_wanted"}
    # DAPO's mean over tokens and its wider clip make smaller steps of the same learning rate here.
    rate = 3e-2 if kind == "dapo" else 2e-2
    rewards, _ = _learn(base, tmp_path / "run", kind=kind, steps=30, reward=reward, optimizer={"learning_rate": rate})
    assert rewards[0] < 0.1
    assert _mean(rewards[-3:]) >= 0.9


def test_answers_come_to_consist_of_well_sounding_letters(base, tmp_path):
    reward = {"brevity_weight": 0.0, "function": "tests.rltrainer.toy_rewards:mean_valence"}
    rewards, _ = _learn(base, tmp_path / "run", steps=30, reward=reward)
    assert abs(rewards[0]) < 0.1
    assert _mean(rewards[-3:]) > 0.8


def test_answers_come_to_repeat_the_letter_of_their_question(base, tmp_path):
    # Each step asks the same 18 questions, and 8 at most are of one letter: who answers them alike earns 0.44 at most.
    rewards, result = _learn(
        base,
        tmp_path / "run",
        steps=60,
        questions=[letter * times for letter in "abc" for times in range(1, 9)],
        reward={"brevity_weight": 0.0, "function": "tests.rltrainer.toy_rewards:share_of_questions_letter"},
        rollout={"prompts_per_step": 18, "group_size": 16, "max_new_tokens": 6, "batch_rows": 288},
        optimizer={"learning_rate": 1e-2},
        evaluation={"prompts": 6},
    )
    assert rewards[0] < 0.1
    # Now and then a policy never finds its third letter, and stays at two thirds; with this seed it finds all.
    assert _mean(rewards[-5:]) > 0.6
    assert result["reward_gain"]["low"] > 0


def test_answers_come_to_have_the_wished_length(base, tmp_path):
    reward = {"brevity_weight": 0.0, "length_weight": 1.0, "length_tokens": 4}
    rewards, _ = _learn(base, tmp_path / "run", steps=30, reward=reward)
    assert rewards[0] < -1.2
    assert _mean(rewards[-3:]) > -0.6


def test_a_price_on_distance_keeps_the_policy_nearer(base, tmp_path):
    _, free = _learn(base, tmp_path / "free", steps=12)
    _, priced = _learn(base, tmp_path / "priced", steps=12, kl={"coefficient": 0.3})
    assert 0 < priced["kl_sequence"] < free["kl_sequence"]
