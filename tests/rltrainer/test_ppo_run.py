"""The real command on real run directories, with a critic of each kind."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.network import RewardNetwork, load_reward_model, save_reward_model
from rewardmodel.runtime.backbones import load_backbone, load_causal_model, load_tokenizer
from tests.rltrainer.run_folder import make_run, ppo_config, read_json, read_rows, run

KINDS = ("separate", "shared")


@pytest.fixture(scope="module")
def judge(base, tmp_path_factory):
    """The folder of a reward model with a random head and a bias."""
    folder = tmp_path_factory.mktemp("judge")
    network = RewardNetwork(load_backbone(base), seed=5)
    torch.nn.init.constant_(network.head.bias, 0.25)
    save_reward_model(network, folder, max_length_tokens=128, mean=0.5, std=0.1)
    load_tokenizer(base).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=KINDS)
def finished(request, base, judge, tmp_path_factory):
    """A run of four steps, two of them warm-up, and its kind of critic."""
    config = ppo_config(
        base,
        critic={"kind": request.param, "clip": 0.5},
        reward={"model": str(judge), "model_weight": 2.0, "brevity_weight": 0.0, "unfinished_penalty": 0.5},
        gae={"bootstrap_truncated": True},
        stop={"steps": 4},
        evaluation={"prompts": 3},
    )
    folder = make_run(tmp_path_factory.mktemp(request.param) / "run", config)
    assert run("train", folder) == (0, "")
    return folder, request.param


def _values(folder):
    return [row["values"] for row in read_rows(folder / "metrics.jsonl")]


def test_a_run_leaves_everything_the_contract_names(finished):
    folder, _ = finished
    result = read_json(folder / "result.json")
    assert (result["kind"], result["steps"]) == ("ppo", 4)
    assert result["reward_gain"]["low"] <= result["reward_gain"]["value"] <= result["reward_gain"]["high"]
    assert result["reward_gain"]["prompts"] == 3
    assert len(_values(folder)) == 4


def test_the_saved_policy_is_a_normal_model_that_moved(finished, base):
    folder, _ = finished
    before, after = load_file(base / "model.safetensors"), load_file(folder / "model" / "model.safetensors")
    assert before.keys() == after.keys()
    assert not all(torch.equal(before[name], after[name]) for name in before)
    assert not hasattr(load_causal_model(folder / "model"), "value_head")


def test_only_the_critic_learns_during_the_warm_up(finished, base):
    folder, kind = finished
    policy = load_causal_model(base)
    after_warm_up = load_file(folder / "checkpoints" / "step-000002" / "policy.safetensors")
    exact = dict(policy.named_parameters())
    weights = {key.removeprefix("weights."): own for key, own in after_warm_up.items() if key.startswith("weights.")}
    head = {"value_head.weight", "value_head.bias"} if kind == "shared" else set()
    assert weights.keys() == exact.keys() | head
    assert all(torch.equal(weights[name], parameter) for name, parameter in exact.items())
    assert all(weights[name].abs().sum() > 0 for name in head)
    first, *_, last = _values(folder)
    assert first["learning_rate"] == 0
    assert "loss" not in first
    assert last["learning_rate"] > 0
    assert last["kl_token"] > 0
    assert {"loss", "value_loss", "value_clip_fraction"} <= last.keys()
    for name in ("grad_norm", "update_norm"):
        assert name not in first, "the policy has not moved"
        assert first[f"critic_{name}"] > 0
        assert last[name] > 0
        assert (f"critic_{name}" in last) == (kind == "separate")


def test_a_critic_of_its_own_starts_as_the_reward_model(finished):
    folder, kind = finished
    first = _values(folder)[0]
    # The reward model foretold from unfinished answers; a fresh head expects nothing.
    assert (abs(first["value_mean"]) > 0.1) == (kind == "separate")


def test_a_checkpoint_holds_the_critic(finished):
    folder, kind = finished
    part = load_file(folder / "checkpoints" / "step-000004" / "critic.safetensors")
    kinds = {name.partition(".")[0] for name in part}
    assert kinds == ({"weights", "adamw"} if kind == "separate" else set())


def test_every_metric_is_explained(finished):
    folder, _ = finished
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    explained = set(re.findall(r"`([a-z_0-9]+)`", text))
    parts = {f"reward_{name}{end}" for name in ("model", "unfinished") for end in ("", "_std")}
    written = {name for values in _values(folder) for name in values}
    assert {"explained_variance", "value_mean", "value_loss", "seconds_values", "seconds_critic"} <= written
    assert written - explained - parts == set()


def test_a_reward_model_with_other_tokens_is_no_start(base, judge, tmp_path):
    tokenizer = load_tokenizer(base)
    tokenizer.add_tokens(["<|new|>"])
    network, _ = load_reward_model(judge)
    network.backbone.resize_token_embeddings(len(tokenizer))
    save_reward_model(network, tmp_path / "judge", max_length_tokens=128, mean=0.5, std=0.1)
    tokenizer.save_pretrained(tmp_path / "judge")
    reward = {"model": str(tmp_path / "judge"), "brevity_weight": 0.0}
    folder = make_run(tmp_path / "run", ppo_config(base, reward=reward))
    code, reason = run("train", folder)
    assert code == 2
    assert "reward.model: the critic reads the policy's tokens" in reason
    assert "has 1 that are missing" in reason
    # The way out that the message names.
    again = make_run(
        tmp_path / "again",
        ppo_config(base, reward=reward, critic={"path": str(base)}, stop={"steps": 1}, data={}),
        overrides=("critic.warmup_steps=1",),
    )
    assert run("train", again) == (0, "")
