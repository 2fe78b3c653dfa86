import dataclasses
import subprocess
import sys

import pytest

from rewardmodel import config as config_module
from rewardmodel.config import ConfigError, EvaluateConfig, RewardConfig, ScoreConfig, parse_config, with_overrides

REWARD = {"kind": "reward", "model": {"base": "base"}}


@pytest.mark.parametrize("kind", ["reward", "reward-evaluate", "score"])
def test_json_form_comes_back_unchanged(kind: str) -> None:
    model = {"base": "x"} if kind == "reward" else {"folder": "x"}
    config = parse_config({"kind": kind, "model": model, "compute": {"threads": 2}})
    assert parse_config(config.to_dict()) == config
    assert config.compute.threads == 2


def test_every_fault_is_named_at_once_by_its_key() -> None:
    mapping = {
        "kind": "reward",
        "colour": 1,
        "data": {"max_length_tokens": "long"},
        "loss": {"centre": True, "target": "vote"},
        "optimizer": {"learning_rate": 0, "beta1": 1.0},
    }
    with pytest.raises(ConfigError) as caught:
        parse_config(mapping)
    keys = [fault.split(":")[0] for fault in caught.value.faults]
    assert sorted(keys) == [
        "colour",
        "data.max_length_tokens",
        "loss.centre",
        "loss.target",
        "model",
        "optimizer.beta1",
        "optimizer.learning_rate",
    ]


@pytest.mark.parametrize("kind", ["reward", "reward-evaluate", "score"])
def test_a_negative_seed_is_refused(kind: str) -> None:
    model = {"base": "x"} if kind == "reward" else {"folder": "x"}
    with pytest.raises(ConfigError, match="seed: must be 0 or more, got -1"):
        parse_config({"kind": kind, "model": model, "seed": -1})


def test_both_faults_of_a_scoring_run_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"kind": "score", "model": {"folder": "x"}, "seed": -1, "batch_tokens": 0})
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["seed", "batch_tokens"]


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="kind: expected one of reward, reward-evaluate, score, got 'grpo'"):
        parse_config({"kind": "grpo"})


def test_overrides_take_json_and_text_and_leave_the_original() -> None:
    changed = with_overrides(REWARD, ["optimizer.learning_rate=1e-4", "model.base=other", "training.max_steps=null"])
    config = parse_config(changed)
    assert isinstance(config, RewardConfig)
    assert (config.optimizer.learning_rate, config.model.base, config.training.max_steps) == (1e-4, "other", None)
    assert REWARD == {"kind": "reward", "model": {"base": "base"}}


def test_overrides_that_make_no_sense_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        with_overrides(REWARD, ["learning_rate", "kind.deeper=1"])
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["learning_rate", "kind.deeper"]


def test_modules_for_the_site_load_nothing_but_the_standard_library() -> None:
    check = (
        "import sys; before = set(sys.modules)\n"
        "import rewardmodel.config, rewardmodel.records, rewardmodel.config_parsing\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - sys.stdlib_module_names - {'rewardmodel'}))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_list_of_settings_changes_only_on_purpose() -> None:
    sections = {
        name: [field.name for field in dataclasses.fields(value)]
        for name, value in vars(config_module).items()
        if dataclasses.is_dataclass(value)
        and value not in (RewardConfig, EvaluateConfig, ScoreConfig, config_module._RunConfig)
    }
    assert sections == {
        "ComputeConfig": ["device", "precision", "threads"],
        "ModelConfig": ["base", "frozen_layers"],
        "DataConfig": ["train", "eval", "max_length_tokens"],
        "LossConfig": ["target", "vote_prior", "label_smoothing", "use_margins", "centre"],
        "OptimizerConfig": [
            "learning_rate",
            "weight_decay",
            "beta1",
            "beta2",
            "epsilon",
            "warmup_fraction",
            "final_fraction",
            "max_grad_norm",
        ],
        "TrainingConfig": ["epochs", "max_steps", "pairs_per_step", "micro_batch_tokens", "pool_steps"],
        "EvaluationConfig": ["every_steps", "monitor_pairs", "bootstrap_samples", "confidence", "batch_tokens"],
        "CheckpointConfig": ["every_steps", "every_seconds"],
        "TrainedModelConfig": ["folder"],
    }
