"""Which passes of a run are exact, and what they are exact about."""

import json
import math

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from rewardmodel.records import PromptRecord
from rewardmodel.runtime.backbones import load_causal_model
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.split_weights import SplitWeights
from rltrainer import session as session_module
from rltrainer.config import parse_config
from rltrainer.evaluation import measure_kl
from rltrainer.llama import body as body_module
from rltrainer.llama.body import find_body
from rltrainer.policy import Policy
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.session import open_session
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows, run

HALF = {"precision": "bfloat16"}
PAIRS = [((5, 6, 7), (8, 9)), ((5, 6, 7), (10, 11, 12)), ((4, 4), (3, 8)), ((9, 9, 9, 9), (1, 2, 3, 4, 5))]


def opened(base, folder, *, kind="grpo", **sections):
    directory = RunDirectory(make_run(folder, {**grpo_config(base, **sections), "kind": kind}))
    with directory.status:
        return open_session(directory, parse_config(directory.read_config()))


@pytest.mark.parametrize("wanted", [True, False])
def test_the_policys_passes_are_as_configured_and_the_references_are_not_exact(base, tmp_path, wanted):
    found = opened(base, tmp_path / "run", model={**HALF, "exact_forward": wanted})
    assert find_body(found.optimizer.policy.model) is not None
    assert found.optimizer.policy.exact is wanted
    assert found.reference.policy.exact is False


def test_passes_beside_spread_weights_are_not_exact(base, tmp_path, monkeypatch):
    real = session_module.make_trainable

    def spread(*given, **named):
        masters = real(*given, **named)
        monkeypatch.setattr(type(masters), "is_spread", True)
        return masters

    monkeypatch.setattr(session_module, "make_trainable", spread)
    assert opened(base, tmp_path / "run", model=HALF).optimizer.policy.exact is False


def test_equal_weights_are_no_distance_though_the_policy_knows_more_of_them(base, tmp_path):
    found = opened(base, tmp_path / "run", model=HALF)
    policy = found.optimizer.policy
    groups = [
        Group(
            EncodedPrompt(PromptRecord("q", ()), ids),
            (Completion(own, (0.0,) * len(own), "stop", seed=0),),
            ("",),
            policy_version=0,
        )
        for ids, own in PAIRS
    ]
    assert policy.log_probs(PAIRS) != found.reference.log_probs(PAIRS)
    distance = measure_kl(policy.model, found.reference, groups, 1.0, 0.95)
    assert (distance.sequence.value, distance.token) == (0.0, 0.0)


def test_a_critic_on_the_policy_foretells_what_the_policy_learns_from(base, tmp_path):
    critic = {"kind": "shared", "warmup_steps": 0}
    found = opened(base, tmp_path / "run", kind="ppo", model=HALF, critic=critic, rollout={"group_size": 1})
    critic, policy = found.critic, found.optimizer.policy
    with torch.no_grad():
        critic.head.weight.normal_(generator=torch.Generator().manual_seed(0))
        (clusters,) = policy.plan(PAIRS)
        scores = policy.score(clusters)
    values = critic.values(PAIRS)
    for row, own, mask in zip(scores.rows, scores.values, scores.mask, strict=True):
        assert values[row] == pytest.approx(own[mask].tolist(), abs=1e-6)


@pytest.mark.parametrize("exact", [True, False])
def test_dpo_starts_at_a_reference_of_the_same_weights_though_bfloat16_rounds_them(base, tmp_path, exact):
    config = offline_config("dpo", base, model={**HALF, "reference": str(base), "exact_forward": exact})
    folder = make_offline_run(tmp_path / "run", {**config, "training": {"records_per_step": 8, "max_steps": 1}})
    assert run("train", folder) == (0, "")
    first = read_rows(folder / "metrics.jsonl")[0]["values"]
    # Of two bfloat16 numbers equally far away the policy has the upper one, the reference the even one.
    assert first["reward_margin"] == pytest.approx(0.0, abs=0.0 if exact else 1e-5)
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-5)


def test_a_run_goes_on_with_the_setting_turned_over(base, tmp_path):
    folder = make_run(tmp_path / "run", grpo_config(base, model=HALF, stop={"steps": 2}))
    assert run("train", folder) == (0, "")
    for step, exact in ((3, False), (4, True)):
        (folder / "result.json").unlink()
        config = read_json(folder / "config.json")
        config["model"]["exact_forward"], config["stop"]["steps"] = exact, step
        (folder / "config.json").write_text(json.dumps(config))
        assert run("train", folder) == (0, "")
    assert [row["step"] for row in read_rows(folder / "metrics.jsonl") if row["step"]] == [1, 2, 3, 4]


def test_biases_are_exact_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(body_module, "EXACT_SHARE", 1.0)
    config = Qwen2Config(
        vocab_size=60,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        plain = Qwen2ForCausalLM(config).eval()
        for name, parameter in plain.named_parameters():
            if name.endswith("bias"):
                parameter.normal_()
    plain.save_pretrained(tmp_path)
    half = load_causal_model(tmp_path, dtype=torch.bfloat16).requires_grad_(True)
    SplitWeights(half, {name: parameter.detach() for name, parameter in plain.named_parameters()})
    assert find_body(half) is not None
    expected = Policy(plain, temperature=1.0, micro_batch_tokens=1000).log_probs(PAIRS)
    gaps = []
    for exact in (True, False):
        found = Policy(half, temperature=1.0, micro_batch_tokens=1000, exact=exact).log_probs(PAIRS)
        gaps.append(max(abs(a - b) for f, e in zip(found, expected, strict=True) for a, b in zip(f, e, strict=True)))
    assert gaps[0] < 1e-5 < 1e-4 < gaps[1]
