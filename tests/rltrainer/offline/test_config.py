import pytest

from rewardmodel.config_parsing import ConfigError
from rltrainer.config import parse_config, with_overrides


def _parse(kind, *overrides):
    return parse_config(with_overrides({"kind": kind, "model": {"path": "m"}}, overrides))


def test_each_kind_starts_from_its_own_learning_rate_and_files():
    sft, dpo = _parse("sft"), _parse("dpo")
    assert (sft.optimizer.learning_rate, sft.data.train) == (2e-5, "data/sft_train.jsonl")
    assert (dpo.optimizer.learning_rate, dpo.data.train, dpo.loss.beta) == (1e-6, "data/train.jsonl", 0.1)
    assert sft.optimizer.schedule == dpo.optimizer.schedule == "linear"


@pytest.mark.parametrize(
    ("kind", "override", "fault"),
    [
        ("sft", "model.path=", "model.path: is missing"),
        ("sft", "model.reference=r", "model.reference: kind 'sft' has no reference"),
        ("sft", "optimizer.minibatches=2", "optimizer.minibatches: has no effect with kind 'sft'"),
        ("sft", "loss.beta=0.1", "loss: unknown key"),
        ("sft", "rollout.group_size=8", "rollout: unknown key"),
        ("sft", "training.epochs=0", "training.epochs: must be 1 or more"),
        ("sft", "evaluation.confidence=1", "evaluation.confidence: must be between 0 and 1"),
        ("dpo", "optimizer.target_kl=0.1", "optimizer.target_kl: has no effect with kind 'dpo'"),
        ("dpo", 'model={"path":"m","adapter_rank":4,"reference":"r"}', "model.reference: with model.adapter_rank"),
        ("dpo", "loss.label_smoothing=0.5", "loss.label_smoothing: must be from 0 to below 0.5"),
        ("dpo", "loss.beta=0", "loss.beta: must be above 0"),
        ("dpo", "data.max_length_tokens=4", "data.max_length_tokens: must be 8 or more"),
    ],
)
def test_mixes_that_make_no_sense_are_refused_by_name(kind, override, fault):
    with pytest.raises(ConfigError) as caught:
        _parse(kind, override)
    assert any(found.startswith(fault) for found in caught.value.faults), caught.value.faults


def test_a_warm_up_longer_than_the_run_is_refused():
    with pytest.raises(ConfigError, match=r"optimizer\.warmup_steps: must not exceed training\.max_steps"):
        _parse("sft", "optimizer.warmup_steps=9", "training.max_steps=5")
