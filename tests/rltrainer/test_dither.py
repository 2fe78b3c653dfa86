"""Masters of a bfloat16 network: what they round to is as published, and moves as they do."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.split_weights import SplitWeights, join_weights, split_weights
from rltrainer import workbench as workbench_module
from rltrainer.config import parse_config
from rltrainer.config_sections import ModelConfig
from rltrainer.dither import fill_lower_halves
from rltrainer.session import open_session
from rltrainer.workbench import make_trainable
from tests.rltrainer.run_folder import grpo_config, make_run, run

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
    fill_lower_halves([whole], [None], seed=seed)
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


@pytest.fixture
def published(base, tmp_path):
    """The tiny model as one that is published in bfloat16."""
    network = load_causal_model(base).bfloat16()
    for source in base.iterdir():
        (tmp_path / "published").mkdir(exist_ok=True)
        (tmp_path / "published" / source.name).write_bytes(source.read_bytes())
    network.save_pretrained(tmp_path / "published")
    return tmp_path / "published"


def test_a_run_begins_as_published_and_ends_so_where_it_does_not_move(published, tmp_path):
    config = grpo_config(published, model={"precision": "bfloat16"}, optimizer={"learning_rate": 1e-30})
    directory = RunDirectory(make_run(tmp_path / "run", {**config, "stop": {"steps": 1}}))
    with directory.status:
        found = open_session(directory, parse_config(directory.read_config()))
    expected = load_causal_model(published).state_dict()
    lower = [half for half in found.optimizer.masters.lower_halves if half is not None]
    assert lower
    assert all(bool(half.any()) for half in lower)
    network = found.bench.model.state_dict()
    assert all(torch.equal(network[name].float(), whole) for name, whole in expected.items())
    assert run("train", directory.root) == (0, "")
    saved = load_causal_model(directory.model).state_dict()
    # Zeros have moved by the learning rate.
    assert all(
        torch.equal(saved[name].bfloat16().float().where(whole != 0, 0.0), whole) for name, whole in expected.items()
    )


def test_a_separate_critic_has_places_of_its_own(published, tmp_path):
    """It is never sampled from, but learns from what its rounded network foretells."""
    model = {"precision": "bfloat16"}
    directory = RunDirectory(make_run(tmp_path / "run", grpo_config(published, model=model, stop={"steps": 1})))
    overrides = {"kind": "ppo", "rollout": {"prompts_per_step": 3, "group_size": 1, "max_new_tokens": 12}}
    critic = {"critic": {"warmup_steps": 0}}
    with directory.status:
        found = open_session(directory, parse_config({**directory.read_config(), **overrides, **critic}))
    own, other = found.critic.stepper.masters.lower_halves, found.optimizer.masters.lower_halves
    pairs = [(mine, theirs) for mine, theirs in zip(own, other, strict=False) if mine is not None]
    assert pairs
    assert all(bool(mine.any()) and not torch.equal(mine, theirs) for mine, theirs in pairs)
    expected = load_causal_model(published).model.state_dict()
    network = found.critic.body.state_dict()
    assert all(torch.equal(network[name].float(), whole) for name, whole in expected.items())


def test_float32_runs_have_nothing_to_fill(published, tmp_path):
    config = grpo_config(published, stop={"steps": 1})
    directory = RunDirectory(make_run(tmp_path / "run", config))
    with directory.status:
        found = open_session(directory, parse_config(directory.read_config()))
    expected = load_causal_model(published).state_dict()
    assert all(torch.equal(found.bench.model.state_dict()[name], whole) for name, whole in expected.items())


def test_weights_that_are_to_be_spread_begin_at_the_same_places_as_whole_ones(published, tmp_path, monkeypatch):
    monkeypatch.setattr(workbench_module, "ShardedWeights", lambda network, ranks, compute_dtype: network)
    directory, found = RunDirectory(tmp_path), {}
    for sharding, ranks in (("none", SimpleNamespace(count=1)), ("full", SimpleNamespace(count=2))):
        network = load_causal_model(published, dtype=torch.bfloat16)
        model = ModelConfig(path=str(published), sharding=sharding)
        found[sharding] = make_trainable(network, directory, model, ranks=ranks, dither=3)
    spread = dict(found["full"].named_parameters())
    whole = found["none"].pack()
    assert spread.keys() == whole.keys()
    assert all(torch.equal(spread[name].detach(), whole[name]) for name in whole)
    assert any(not torch.equal(weights, weights.bfloat16().float()) for weights in whole.values())
