from pathlib import Path

import pytest
import torch

from rewardmodel.network import RewardNetwork, save_reward_model
from rewardmodel.runtime.backbones import load_backbone, load_tokenizer
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.faults import Diverged
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


def test_features_are_the_plain_scorers(judge):
    expected, found = (kind(judge, COMPUTE).read(SEQUENCES).features for kind in (RewardScorer, FastScorer))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


class TestMemory:
    """Memory that suffices for so many tokens at once, and no more."""

    def _limit(self, monkeypatch, tokens):
        real = Body.last_states

        def last_states(body, prompts):
            if sum(len(ids) for ids in prompts) > tokens:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
            return real(body, prompts)

        monkeypatch.setattr(Body, "last_states", last_states)

    def test_batches_are_halved_until_they_fit(self, judge, monkeypatch, caplog):
        expected = RewardScorer(judge, COMPUTE).raw_scores(SEQUENCES)
        fast = FastScorer(judge, COMPUTE, batch_tokens=128)
        self._limit(monkeypatch, 40)
        assert fast.raw_scores(SEQUENCES) == pytest.approx(expected, abs=1e-5)
        assert fast.batch_tokens == 32
        assert [record.getMessage() for record in caplog.records] == [
            "out of memory: from now on at most 64 tokens are scored at once",
            "out of memory: from now on at most 32 tokens are scored at once",
        ]

    def test_other_networks_too(self, judge, monkeypatch):
        expected = RewardScorer(judge, COMPUTE).raw_scores(SEQUENCES)
        monkeypatch.setattr(fast_scorer, "find_body", lambda model: None)
        fast = FastScorer(judge, COMPUTE, batch_tokens=128)
        real = RewardNetwork.features

        def features(network, token_ids, lengths):
            if token_ids.numel() > 40:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return real(network, token_ids, lengths)

        monkeypatch.setattr(RewardNetwork, "features", features)
        assert fast.raw_scores(SEQUENCES) == pytest.approx(expected, abs=1e-5)
        assert fast.batch_tokens == 32

    def test_one_response_alone_that_does_not_fit_ends_the_run(self, judge, monkeypatch):
        self._limit(monkeypatch, 10)
        with pytest.raises(Diverged, match="out of memory even with one response scored at a time"):
            FastScorer(judge, COMPUTE, batch_tokens=128).raw_scores(SEQUENCES)

    def test_another_error_is_not_taken_for_it(self, judge, monkeypatch):
        monkeypatch.setattr(Body, "last_states", lambda body, prompts: (_ for _ in ()).throw(RuntimeError("shape")))
        with pytest.raises(RuntimeError, match="shape"):
            FastScorer(judge, COMPUTE).raw_scores(SEQUENCES)


def test_other_networks_are_scored_by_transformers(judge, monkeypatch):
    monkeypatch.setattr(fast_scorer, "find_body", lambda model: None)
    expected = RewardScorer(judge, COMPUTE).raw_scores(SEQUENCES)
    assert FastScorer(judge, COMPUTE).raw_scores(SEQUENCES).tolist() == expected.tolist()
