"""Masters of a bfloat16 network: a run begins as published."""

from types import SimpleNamespace

import pytest
import torch

from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer import workbench as workbench_module
from rltrainer.config import parse_config
from rltrainer.config_sections import ModelConfig
from rltrainer.session import open_session
from rltrainer.workbench import make_trainable
from tests.rltrainer.run_folder import grpo_config, make_run, run


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
