import json
import subprocess
import sys

import pytest

from rewardmodel.config_parsing import ConfigError
from rltrainer.config import KINDS, parse_config, with_overrides
from tests.rltrainer.run_folder import ROOT

MINIMAL = {
    "grpo": {"model": {"path": "m"}, "reward": {"brevity_weight": 1.0}},
    "sample": {"model": {"path": "m"}},
    "policy-evaluate": {"model": {"path": "m", "reference": "r"}, "reward": {"model": "rm"}},
}
# A new field is a promise to every run ever saved: add it here on purpose, or not at all.
FIELDS = {
    "schema": None, "kind": None, "seed": None,
    "model": ["path", "reference", "device", "precision", "threads"],
    "data": ["prompts", "max_prompt_tokens"],
    "rollout": ["prompts_per_step", "group_size", "max_new_tokens", "temperature", "batch_rows"],
    "reward": [
        "model", "model_weight", "model_clip", "brevity_weight", "length_weight", "length_tokens", "number_weight",
        "unfinished_penalty",
    ],
    "kl": ["coefficient", "place", "estimator", "gradient"],
    "advantage": ["scale"],
    "loss": ["clip_low", "clip_high", "ratio", "aggregation"],
    "optimizer": [
        "learning_rate", "warmup_steps", "schedule", "beta1", "beta2", "epsilon", "weight_decay", "max_grad_norm",
        "passes", "micro_batch_tokens",
    ],
    "checkpoint": ["every_steps", "every_seconds"],
    "evaluation": ["prompts", "samples_per_prompt", "shown_prompts", "confidence"],
    "stop": ["steps"],
    "sampling": ["responses_per_prompt", "max_new_tokens", "temperature", "top_p", "batch_rows", "confidence"],
}  # fmt: skip
SECTIONS = {
    "grpo": set(FIELDS) - {"sampling"},
    "sample": {"schema", "kind", "seed", "model", "data", "sampling"},
    "policy-evaluate": {"schema", "kind", "seed", "model", "data", "sampling", "reward"},
}


def _parse(kind, *overrides):
    return parse_config(with_overrides({"kind": kind, **MINIMAL[kind]}, overrides))


@pytest.mark.parametrize("kind", KINDS)
def test_the_field_list_is_frozen(kind):
    saved = _parse(kind).to_dict()
    assert set(saved) == SECTIONS[kind]
    assert {name: list(section) if isinstance(section, dict) else None for name, section in saved.items()} == {
        name: FIELDS[name] for name in SECTIONS[kind]
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_json_form_comes_back_unchanged(kind):
    config = _parse(kind, "seed=7")
    assert parse_config(json.loads(json.dumps(config.to_dict()))) == config


def test_defaults_are_those_for_a_learned_reward():
    config = _parse("grpo").to_dict()
    assert config["kl"] == {"coefficient": 0.04, "place": "loss", "estimator": "k3", "gradient": "ratio"}
    assert (config["rollout"]["group_size"], config["rollout"]["prompts_per_step"]) == (8, 8)
    assert config["loss"] == {"clip_low": 0.2, "clip_high": 0.2, "ratio": "token", "aggregation": "token_mean"}


def test_all_faults_are_listed_at_once_by_key():
    with pytest.raises(ConfigError) as caught:
        _parse("grpo", "rollout.temprature=1", "rollout.group_size=1", "loss.clip_low=2", "stop.steps=0")
    keys = {fault.split(":")[0] for fault in caught.value.faults}
    assert {"rollout.temprature", "rollout.group_size", "loss.clip_low", "stop.steps"} <= keys


def test_faults_of_form_and_of_meaning_are_listed_together():
    with pytest.raises(ConfigError) as caught:
        _parse("grpo", "model.path=", "loss.clip_low=high", "loss.clip_high=0", "stop=5", "optimizer.beta1=1e999")
    keys = {fault.split(":")[0] for fault in caught.value.faults}
    assert keys == {"model.path", "loss.clip_low", "loss.clip_high", "stop", "optimizer.beta1"}


@pytest.mark.parametrize(
    ("kind", "override", "fault"),
    [
        ("grpo", "kl.place=reward", "kl.estimator: place 'reward' needs the unbiased 'k1'"),
        ("grpo", 'kl={"estimator":"k1","gradient":"naive"}', "kl.gradient: 'naive' with estimator 'k1'"),
        ("grpo", "reward.brevity_weight=0", "reward: nothing is rewarded"),
        ("grpo", "reward.length_weight=1", "reward.length_tokens: must be 1 or more"),
        ("grpo", "reward.length_tokens=4", "reward.length_tokens: has no effect"),
        ("grpo", "optimizer.warmup_steps=200", "optimizer.warmup_steps: must not exceed"),
        ("grpo", "evaluation.shown_prompts=99", "evaluation.shown_prompts: must not exceed"),
        ("grpo", "model.path=", "model.path: is missing"),
        ("grpo", "loss.value_clip=0.2", "loss.value_clip: unknown key"),
        ("sample", "model.reference=r", "model.reference: kind 'sample' has no reference"),
        ("sample", "sampling.top_p=0", "sampling.top_p: must be above 0"),
        ("policy-evaluate", "model.reference=null", "model.reference: kind 'policy-evaluate' needs"),
        ("policy-evaluate", "sampling.top_p=0.9", "sampling: kind 'policy-evaluate' measures KL"),
    ],
)
def test_mixes_that_make_no_sense_are_refused_by_name(kind, override, fault):
    with pytest.raises(ConfigError) as caught:
        _parse(kind, override)
    assert any(found.startswith(fault) for found in caught.value.faults), caught.value.faults


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="kind: expected one of grpo"):
        parse_config({"kind": "ppoo"})


def test_the_site_can_read_it_without_torch_or_numpy():
    code = "import sys, rltrainer.config; print({'torch', 'numpy', 'transformers', 'django'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
