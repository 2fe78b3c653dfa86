"""Masters of a bfloat16 network: what they round to is as published, and moves as they do."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rewardmodel.runtime.dither import fill_lower_halves
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.split_weights import SplitWeights, join_weights, split_weights

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**100), max_value=2.0**100)


def _split(whole):
    upper, lower = torch.empty_like(whole, dtype=torch.bfloat16), torch.empty_like(whole, dtype=torch.int16)
    split_weights(whole.clone(), upper, lower)
    return upper, lower


@given(st.lists(FLOATS, min_size=1, max_size=50), st.integers(0, 1000))
def test_what_masters_round_to_stays_and_both_ways_of_holding_them_give_the_same(values, seed):
    # Ends of binades among them, where the two neighbours are not equally far away.
    published = torch.tensor([*values, 1.0, -0.5, 0.0, -0.0, 2.0**-126]).bfloat16()
    upper, lower = _split(published.float())
    whole = published.float()
    fill_lower_halves([upper], [lower], seed=seed)
    fill_lower_halves([whole], seed=seed)
    assert torch.equal(upper.view(torch.int16), published.view(torch.int16))
    assert torch.equal(whole.bfloat16().view(torch.int16), published.view(torch.int16))
    assert torch.equal(join_weights(upper, lower).view(torch.int32), whole.view(torch.int32))


def test_weights_that_are_no_bfloat16_numbers_stay_as_they_are_and_zeros_as_well():
    own = torch.randn(5000, generator=torch.Generator().manual_seed(0))
    own = own[own.bfloat16().float() != own]
    mixed = torch.cat([own, torch.zeros(7), -torch.zeros(7)])
    upper, lower = _split(mixed)
    fill_lower_halves([upper], [lower], seed=1)
    assert torch.equal(join_weights(upper, lower).view(torch.int32), mixed.view(torch.int32))


def test_the_places_are_spread_evenly_between_the_neighbours():
    lower = torch.zeros(2**20 + 3, dtype=torch.int16)
    fill_lower_halves([torch.ones(2**20 + 3, dtype=torch.bfloat16)], [lower], seed=0)
    counts = torch.histc(lower.float(), bins=64, min=-(2**15), max=2**15)
    # A bin's count has a deviation of 127.
    assert (counts - len(lower) / 64).abs().max() < 5 * 127
    halves = lower.float() / 2**15
    assert abs(float((halves[1:] * halves[:-1]).mean())) < 5 * (1 / 3) / 2**10


def test_places_depend_on_the_seed_and_on_which_weight_it_is():
    lower = [torch.zeros(100, dtype=torch.int16) for _ in range(4)]
    ones = torch.ones(100, dtype=torch.bfloat16)
    fill_lower_halves([ones, ones], lower[:2], seed=0)
    fill_lower_halves([ones], lower[2:3], seed=1)
    fill_lower_halves([ones], lower[3:], seed=0)
    assert torch.equal(lower[0], lower[3])
    assert len({tuple(each.tolist()) for each in lower}) == 3


@pytest.mark.parametrize("hold", [SplitWeights, MasterWeights])
@pytest.mark.parametrize("steps", [1, 5])
def test_steps_too_small_for_bfloat16_move_the_rounded_network_as_they_move_its_masters(hold, steps):
    """Weights of 0.05 are 2.4e-4 apart in bfloat16, and five steps of 1e-5 go less than half that way."""
    moved = {}
    for dithers in (True, False):
        network = nn.Linear(300, 300, bias=False, dtype=torch.bfloat16)
        nn.init.constant_(network.weight, 0.05)
        before = network.weight.detach().float().clone()
        masters = hold(network, {"weight": before}) if hold is SplitWeights else hold(network)
        if dithers:
            fill_lower_halves(masters.parameters, masters.lower_halves, seed=0)
        adamw = torch.optim.AdamW(masters.parameters, lr=1e-5, weight_decay=0.0, fused=True)
        for parameter in masters.parameters:
            means = {name: torch.zeros_like(parameter, dtype=torch.float32) for name in ("exp_avg", "exp_avg_sq")}
            adamw.state[parameter] = {"step": torch.zeros(()), **means}
        for _ in range(steps):
            for parameter in masters.parameters:
                parameter.grad = -torch.ones(parameter.shape)
            masters.step(adamw)
        moved[dithers] = float((network.weight.detach().float() - before).double().mean())
    # One weight in 24 changes at a step, of 90,000.
    assert moved[True] == pytest.approx(steps * 1e-5, rel=0.08)
    assert moved[False] == 0.0
