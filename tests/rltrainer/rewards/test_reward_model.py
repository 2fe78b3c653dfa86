from pathlib import Path

import numpy
import pytest
import torch

from rewardmodel.config_parsing import ConfigError
from rewardmodel.network import RewardNetwork, save_reward_model
from rewardmodel.records import PromptRecord
from rewardmodel.runtime.backbones import load_backbone, load_tokenizer
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.scorer import RewardScorer
from rltrainer.records import Completion
from rltrainer.rewards.answer import Answer
from rltrainer.rewards.weighted import reward_model
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

COMPUTE = ComputeDevice(torch.device("cpu"), torch.float32)
MESSAGES = ({"role": "user", "content": "hello?"},)


@pytest.fixture
def judge(base: Path, tmp_path: Path) -> Path:
    """The folder of a reward model with a random head."""
    folder = tmp_path / "judge"
    folder.mkdir()
    network = RewardNetwork(load_backbone(base), seed=5)
    save_reward_model(network, folder, max_length_tokens=128, mean=0.5, std=0.1)
    load_tokenizer(base).save_pretrained(folder)
    return folder


def _answers(*texts):
    record = PromptRecord("q", MESSAGES, {})
    return [Answer(record, Completion((1,), (0.0,), "stop", 0), text) for text in texts]


def test_values_are_the_scorers_normalised_scores_within_the_clip(judge):
    expected = RewardScorer(judge, COMPUTE).score([MESSAGES] * 3, ["a", "bb", "no?"])
    free = reward_model(judge, COMPUTE, clip=1e9)(_answers("a", "bb", "no?"))
    assert free == pytest.approx(expected.tolist(), abs=1e-5)
    held = reward_model(judge, COMPUTE, clip=0.5)(_answers("a", "bb", "no?"))
    assert held == pytest.approx(numpy.clip(expected, -0.5, 0.5).tolist(), abs=1e-5)
    assert free != held


def test_a_folder_that_is_no_reward_model_is_named_by_its_key(base):
    with pytest.raises(ConfigError, match=r"reward\.model"):
        reward_model(base, COMPUTE, clip=1.0)


def test_a_run_learns_from_it(base, judge, tmp_path):
    config = grpo_config(
        base, reward={"model": str(judge), "brevity_weight": 0.0, "unfinished_penalty": 0.5}, stop={"steps": 2}
    )
    folder = make_run(tmp_path / "run", config)
    code, reason = run("train", folder)
    assert code == 0, reason
    values = read_rows(folder / "metrics.jsonl")[0]["values"]
    assert values["reward"] == pytest.approx(values["reward_model"] - 0.5 * values["reward_unfinished"])
    assert values["reward_model_std"] > 0
    assert read_json(folder / "result.json")["reward_policy"]["n"] == 4
