"""The brake `mismatch` on real runs: silent over sound ones, and speaking where sampler and trainer have come apart."""

import copy

import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model, load_tokenizer
from rltrainer import session as session_module
from rltrainer.llama.kept_tokens import KeptTokens
from rltrainer.policy import Policy
from rltrainer.rollouts.batched_sampler import BatchedSampler
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run


class LateSampler(BatchedSampler):
    """Samples with the weights that the policy had one call ago."""

    def __init__(self, model, **settings):
        self.current = model
        super().__init__(copy.deepcopy(model), **settings)

    def sample(self, requests, rules):
        answers = super().sample(requests, rules)
        self.model.load_state_dict(self.current.state_dict())
        return answers


@pytest.fixture(scope="module")
def decided(base, tmp_path_factory):
    """A model whose next token depends on what was before it, as a trained one's does: 4 nats of entropy, not 5.5."""
    folder = tmp_path_factory.mktemp("decided")
    network = load_causal_model(base)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.mul_(1.0 if weight.ndim == 1 else 16.0 if "embed" in name else 10.0)
    network.save_pretrained(folder)
    load_tokenizer(base).save_pretrained(folder)
    return folder


def _train(decided, folder, precision="float32", **settings):
    """The values of the steps, and what the brake has said."""
    config = grpo_config(
        decided,
        model={"precision": precision},
        reward={"brevity_weight": 0.0, "function": "tests.rltrainer.toy_rewards:mean_valence"},
        brakes={"window": 2},
        optimizer={"learning_rate": 1e-3, **settings},
        stop={"steps": 4},
    )
    make_run(folder, config)
    assert run("train", folder) == (0, "")
    told = [
        found["sentence"] for found in read_json(folder / "status.json")["warnings"] if found["brake"] == "mismatch"
    ]
    return [row["values"] for row in read_rows(folder / "metrics.jsonl") if row["step"]], told


@pytest.mark.parametrize(("precision", "least", "most"), [("float32", 0.0, 1e-4), ("bfloat16", 1e-4, 0.05)])
def test_rounding_is_no_mismatch(decided, tmp_path, precision, least, most):
    steps, told = _train(decided, tmp_path / "run", precision)
    assert not told
    assert all(least < values["sampler_gap_mean"] < most for values in steps)
    assert all(3.0 < values["entropy"] < 4.5 for values in steps)


def _wrong_temperature(monkeypatch):
    monkeypatch.setattr(session_module, "Policy", lambda model, **given: Policy(model, **{**given, "temperature": 0.9}))


def _late_weights(monkeypatch):
    monkeypatch.setattr(session_module, "BatchedSampler", LateSampler)


def _moved_positions(monkeypatch):
    real = KeptTokens.positions
    monkeypatch.setattr(KeptTokens, "positions", property(lambda kept: real.fget(kept) + 1))


def _padding_counted(monkeypatch):
    """As if shorter prompts were padded on the left and nobody had told attention."""
    real = KeptTokens.__init__

    def careless(self, *given, **named):
        real(self, *given, **named)
        self.prompts = torch.full_like(self.prompts, self.longest)

    monkeypatch.setattr(KeptTokens, "__init__", careless)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("fault", [_wrong_temperature, _late_weights, _moved_positions, _padding_counted])
def test_faults_are_told(decided, tmp_path, monkeypatch, fault, precision):
    fault(monkeypatch)
    steps, told = _train(decided, tmp_path / "run", precision)
    assert len(told) == 1, steps
    assert "sampler and trainer no longer compute the same model" in told[0]
