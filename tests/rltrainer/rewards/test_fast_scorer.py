from pathlib import Path

import pytest
import torch

from rewardmodel.network import RewardNetwork, save_reward_model
from rewardmodel.runtime.backbones import load_backbone, load_tokenizer
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.scorer import RewardScorer
from rltrainer.llama.body import Body, find_body
from rltrainer.rewards import fast_scorer
from rltrainer.rewards.fast_scorer import FastScorer

COMPUTE = ComputeDevice(torch.device("cpu"), torch.float32)
SEQUENCES = [[5, 9, 20], [7], list(range(1, 30)), [4, 4, 4, 4], list(range(50, 78))]


@pytest.fixture(scope="module")
def judge(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    save_reward_model(RewardNetwork(load_backbone(base), seed=3), folder, max_length_tokens=64, mean=0.0, std=1.0)
    load_tokenizer(base).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("batch_tokens", [8, 8192])
def test_scores_are_the_plain_scorers(judge, batch_tokens):
    fast = FastScorer(judge, COMPUTE, batch_tokens=batch_tokens)
    assert find_body(fast.network.backbone) is not None
    expected = RewardScorer(judge, COMPUTE).raw_scores(SEQUENCES)
    assert fast.raw_scores(SEQUENCES) == pytest.approx(expected, abs=1e-5)


def test_a_score_does_not_depend_on_its_company(judge):
    fast = FastScorer(judge, COMPUTE)
    alone = [float(fast.raw_scores([sequence])[0]) for sequence in SEQUENCES]
    assert fast.raw_scores(SEQUENCES) == pytest.approx(alone, abs=1e-5)


def test_the_last_layer_runs_for_the_last_tokens_alone(judge, monkeypatch):
    seen = []
    real = Body._run
    monkeypatch.setattr(
        Body, "_run", lambda body, packed, wanted, turn: seen.append(wanted) or real(body, packed, wanted, turn)
    )
    FastScorer(judge, COMPUTE).raw_scores([[5, 9, 20], [7, 8, 9]])
    assert [places.tolist() for places in seen if places is not None] == [[2, 5]]


def test_other_networks_are_scored_by_transformers(judge, monkeypatch):
    monkeypatch.setattr(fast_scorer, "find_body", lambda model: None)
    expected = RewardScorer(judge, COMPUTE).raw_scores(SEQUENCES)
    assert FastScorer(judge, COMPUTE).raw_scores(SEQUENCES).tolist() == expected.tolist()
