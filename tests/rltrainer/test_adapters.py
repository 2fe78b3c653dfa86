import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.adapters import adapters_off, add_adapters, merge_adapters
from rltrainer.policy import Policy

PAIRS = [((5, 6, 7), (20, 21, 22)), ((5, 6, 7), (30,))]


def _scores(model):
    return Policy(model, temperature=1.0, micro_batch_tokens=64).log_probs(PAIRS)


def _assert_same(own, expected):
    """Up to rounding: a network with adapters is run by transformers, and one without them by our own layers."""
    for mine, theirs in zip(own, expected, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5)


@pytest.fixture
def adapted(model):
    """Adapters that have learned something."""
    add_adapters(model, rank=2, alpha=16.0)
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return model


def test_fresh_adapters_change_nothing(model):
    before = _scores(model)
    add_adapters(model, rank=4, alpha=8.0)
    _assert_same(_scores(model), before)


def test_only_adapters_learn(model):
    add_adapters(model, rank=4, alpha=8.0)
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert names
    assert all("lora_" in name for name in names)
    assert len(MasterWeights(model).parameters) == len(names)


def test_switched_off_they_leave_the_network_as_it_was(base, adapted):
    plain = _scores(load_causal_model(base))
    assert _scores(adapted)[1] != pytest.approx(plain[1], abs=1e-3)
    with adapters_off(adapted):
        _assert_same(_scores(adapted), plain)
    learning = {name for name, parameter in adapted.named_parameters() if parameter.requires_grad}
    assert learning
    assert all("lora_" in name for name in learning)


def test_merged_they_answer_the_same_without_adapters(base, adapted):
    before = _scores(adapted)
    merge_adapters(adapted)
    assert {name for name, _ in adapted.named_parameters()} == {
        name for name, _ in load_causal_model(base).named_parameters()
    }
    _assert_same(_scores(adapted), before)
