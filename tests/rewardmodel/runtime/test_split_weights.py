"""Weights in two halves: nothing is lost, and they move exactly as float32 weights do."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rewardmodel.runtime import split_weights
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.split_weights import SplitWeights, exact_weights, join_weights
from rewardmodel.runtime.training_state import pack_optimizer, unpack_optimizer
from rewardmodel.runtime.update_norm import UpdateMeter

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**100), max_value=2.0**100)


def _split(whole):
    upper, lower = torch.empty_like(whole, dtype=torch.bfloat16), torch.empty_like(whole, dtype=torch.int16)
    split_weights.split_weights(whole.clone(), upper, lower)
    return upper, lower


def _network():
    torch.manual_seed(3)
    exact = nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 1))
    network = nn.Sequential(nn.Linear(7, 5, dtype=torch.bfloat16), nn.Linear(5, 1))
    return network, exact, SplitWeights(network, dict(exact.named_parameters()))


def _adamw(parameters):
    adamw = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, fused=True)
    for parameter in parameters:
        means = {name: torch.zeros_like(parameter, dtype=torch.float32) for name in ("exp_avg", "exp_avg_sq")}
        adamw.state[parameter] = {"step": torch.zeros(()), **means}
    return adamw


def _walk(weights, adamw, steps, *, first=0):
    for number in range(first, first + steps):
        generator = torch.Generator().manual_seed(number)
        for parameter in weights.parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        weights.step(adamw)
        weights.clear_gradients()


@given(st.lists(FLOATS, min_size=1, max_size=50))
def test_halves_make_the_whole_bit_by_bit_and_the_upper_is_the_nearest(values):
    whole = torch.tensor(values, dtype=torch.float32)
    upper, lower = _split(whole)
    assert torch.equal(join_weights(upper, lower).view(torch.int32), whole.view(torch.int32))
    error, least = (upper.double() - whole.double()).abs(), (whole.bfloat16().double() - whole.double()).abs()
    assert torch.equal(error, least)


def test_every_lower_half_comes_back():
    bits = torch.arange(2**16, dtype=torch.int32)
    for start in (0x3F80_0000, 0x3F81_0000, -0x4080_0000, 0x0000_0000, 0x0001_0000):
        whole = (bits + start).view(torch.float32)
        assert torch.equal(join_weights(*_split(whole)).view(torch.int32), bits + start)


@pytest.mark.parametrize("piece", [4, 2**19])
def test_they_move_as_float32_masters_do_bit_by_bit(monkeypatch, piece):
    monkeypatch.setattr(split_weights, "PIECE_ELEMENTS", piece)
    network, exact, weights = _network()
    masters = MasterWeights(exact)
    adamw, expected = _adamw(weights.parameters), _adamw(masters.parameters)
    _walk(weights, adamw, 5)
    _walk(masters, expected, 5)
    for name, whole in masters.pack().items():
        assert torch.equal(weights.pack()[name], whole)
    assert torch.equal(network[0].weight, exact[0].weight.bfloat16())
    assert [float(adamw.state[own]["step"]) for own in weights.parameters] == [5.0] * 4


def test_a_step_too_small_for_bfloat16_is_not_lost():
    network, _, weights = _network()
    before = network[0].weight.clone()
    adamw = _adamw(weights.parameters)
    adamw.param_groups[0]["lr"] = 1e-6
    meter = UpdateMeter(weights.parameters, weights.lower_halves)
    meter.begin()
    _walk(weights, adamw, 1)
    assert torch.equal(network[0].weight, before)
    moved, length = meter.squares()
    assert 0 < moved < 1e-9 * length


def test_saved_after_any_step_they_go_on_as_if_nothing_had_been():
    _, _, weights = _network()
    adamw = _adamw(weights.parameters)
    _walk(weights, adamw, 2)
    tensors, settings = pack_optimizer(adamw)
    tensors, kept = {name: tensor.clone() for name, tensor in tensors.items()}, weights.pack()
    _, _, other = _network()
    again = _adamw(other.parameters)
    other.unpack(kept)
    unpack_optimizer(again, tensors, settings)
    _walk(weights, adamw, 2, first=2)
    _walk(other, again, 2, first=2)
    for name, whole in weights.pack().items():
        assert torch.equal(other.pack()[name], whole)


def test_weights_of_another_network_are_refused():
    _, _, weights = _network()
    with pytest.raises(ValueError, match=r"of another network: \['0.bias'"):
        weights.unpack({"0.weight": torch.zeros(5, 7)})


def test_a_parameter_knows_its_exact_weights():
    network, exact, weights = _network()
    for whole, own in zip(exact.parameters(), network.parameters(), strict=True):
        assert torch.equal(exact_weights(own), whole)
        assert torch.equal(exact_weights(own, torch.tensor([0, -1])), whole[[0, -1]])
        assert torch.equal(exact_weights(own, slice(1, 3)), whole[1:3])
    _walk(weights, _adamw(weights.parameters), 3)
    assert all(torch.equal(exact_weights(own), weights.pack()[name]) for name, own in network.named_parameters())


def test_other_parameters_are_as_exact_as_they_are():
    alone = nn.Linear(3, 2, dtype=torch.bfloat16).weight
    assert torch.equal(exact_weights(alone), alone.float())
