"""It learns: a reward that a tiny model can only earn by changing."""

from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import OnlineConfig, parse_config
from rltrainer.trainer import train
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows


def test_answers_become_short_when_brevity_is_rewarded(base, tmp_path):
    config = grpo_config(
        base,
        rollout={"prompts_per_step": 8, "group_size": 8, "batch_rows": 64},
        optimizer={"learning_rate": 2e-2, "micro_batch_tokens": 1024},
        kl={"coefficient": 0.0},
        stop={"steps": 25},
        checkpoint={"every_steps": 1000},
    )
    folder = make_run(tmp_path / "run", config)
    parsed = parse_config(config)
    assert isinstance(parsed, OnlineConfig)
    with RunDirectory(folder).status:
        pass
    train(RunDirectory(folder), parsed)
    rewards = [row["values"]["reward"] for row in read_rows(folder / "metrics.jsonl")]
    assert rewards[0] < -0.8
    assert sum(rewards[-3:]) / 3 > -0.3
    result = read_json(folder / "result.json")
    assert result["reward_gain"]["low"] > 0
    assert result["kl_sequence"] > 0
