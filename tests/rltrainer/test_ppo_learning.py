"""It learns: the critic what is to be expected, the policy what is rewarded."""

import pytest

from tests.rltrainer.run_folder import make_run, ppo_config, read_json, read_rows, run


def _run(base, folder, *, prompts=12, **sections):
    directory = make_run(folder, ppo_config(base, checkpoint={"every_steps": 1000}, **sections), prompts=prompts)
    assert run("train", directory) == (0, "")
    return [row["values"] for row in read_rows(directory / "metrics.jsonl")], read_json(directory / "result.json")


def test_a_critic_comes_to_foretell_what_the_question_decides(base, tmp_path):
    # Each question has its own reward whatever the answer: the values are known, and the critic has to find them.
    values, _ = _run(
        base,
        tmp_path / "run",
        prompts=48,
        critic={"warmup_steps": 35, "learning_rate": 3e-3, "passes": 1},
        reward={"brevity_weight": 0.0, "function": "tests.rltrainer.toy_rewards:length_of_question"},
        rollout={"prompts_per_step": 16, "max_new_tokens": 6, "batch_rows": 16},
        optimizer={"micro_batch_tokens": 1024},
        stop={"steps": 35},
    )
    explained = [step["explained_variance"] for step in values]
    assert explained[0] < 0.1
    assert min(explained[-5:]) > 0.5


@pytest.mark.parametrize("kind", ["separate", "shared"])
def test_answers_become_short_when_brevity_is_rewarded(base, tmp_path, kind):
    values, result = _run(
        base,
        tmp_path / "run",
        critic={"kind": kind, "warmup_steps": 2, "learning_rate": 1e-2},
        kl={"coefficient": 0.0},
        rollout={"prompts_per_step": 32, "batch_rows": 32},
        optimizer={"learning_rate": 1e-2, "micro_batch_tokens": 1024},
        # Three held-out prompts are the fewest whose gain has an interval; many answers to each make it narrow.
        evaluation={"prompts": 3, "samples_per_prompt": 16},
        stop={"steps": 14},
    )
    rewards = [step["reward"] for step in values]
    assert rewards[0] < -0.9
    assert sum(rewards[-3:]) / 3 > -0.3
    assert result["reward_gain"]["low"] > 0.3
