"""Warm-ups in runs of few steps: a default gives way, what was written does not."""

import logging

import pytest

from rewardmodel.config_parsing import ConfigError, with_overrides
from rltrainer.config import parse_config
from rltrainer.config_learning import OptimizerConfig
from rltrainer.config_warmup import explain_fitted_warmup, explain_long_warmup
from rltrainer.optimization import learning_rate_at
from tests.rltrainer.frozen_fields import MINIMAL
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config
from tests.rltrainer.run_folder import make_run, ppo_config, read_json, read_rows, run


def _mapping(*overrides, kind="ppo"):
    return with_overrides({"kind": kind, **MINIMAL[kind]}, overrides)


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (2, 1), (5, 2), (19, 9), (20, 10), (100, 10)])
def test_the_critics_default_takes_at_most_half_of_the_run(steps, warmup):
    mapping = _mapping(f"stop.steps={steps}")
    config = parse_config(mapping)
    assert config.critic.warmup_steps == warmup
    assert parse_config(config.to_dict()) == config
    told = f"critic.warmup_steps: {warmup} in place of the default of 10, for stop.steps is {steps}"
    assert explain_fitted_warmup(mapping) == (told if warmup < 10 else "")


def test_what_was_written_is_never_shortened():
    mapping = _mapping("stop.steps=5", "critic.warmup_steps=5")
    assert parse_config(mapping).critic.warmup_steps == 5
    assert explain_fitted_warmup(mapping) == ""
    with pytest.raises(ConfigError, match=r"critic\.warmup_steps: must not exceed stop\.steps \(5\)"):
        parse_config(_mapping("stop.steps=5", "critic.warmup_steps=10"))


@pytest.mark.parametrize("steps", ["0", '"many"', "null", "true"])
def test_steps_that_are_none_are_named_as_such(steps):
    with pytest.raises(ConfigError) as caught:
        parse_config(_mapping(f"stop.steps={steps}"))
    (fault,) = [fault for fault in caught.value.faults if not fault.startswith("critic.")]
    assert fault.startswith("stop.steps: ")


@pytest.mark.parametrize(("kind", "section"), [("grpo", "stop"), ("sft", "training")])
def test_other_kinds_have_no_default_to_shorten(kind, section):
    name = "steps" if section == "stop" else "max_steps"
    mapping = _mapping(f"{section}.{name}=2", kind=kind)
    assert parse_config(mapping).optimizer.warmup_steps == 0
    assert explain_fitted_warmup(mapping) == ""


def test_a_short_trial_of_ppo_runs_and_tells_its_warm_up(base, tmp_path, caplog):
    config = ppo_config(base, critic={"kind": "shared"}, stop={"steps": 2})
    config["critic"] = {"kind": "shared"}
    folder = make_run(tmp_path / "run", config)
    with caplog.at_level(logging.INFO):
        assert run("train", folder) == (0, "")
    assert "critic.warmup_steps: 1 in place of the default of 10, for stop.steps is 2" in caplog.text
    rates = [row["values"]["learning_rate"] for row in read_rows(folder / "metrics.jsonl")]
    assert rates == [0.0, 3e-3]


@pytest.mark.parametrize(("warmup", "steps"), [(0, 1), (3, 3), (4, 3), (50, 1)])
def test_a_warm_up_is_too_long_where_the_full_rate_is_never_reached(warmup, steps):
    config = OptimizerConfig(learning_rate=1e-3, warmup_steps=warmup)
    highest = max(learning_rate_at(step, config=config, steps=steps) for step in range(steps))
    sentence = explain_long_warmup(config, steps=steps)
    assert bool(sentence) == (highest < 1e-3)
    if sentence:
        assert f"only reaches {highest:.3g} of 0.001" in sentence


def test_a_run_whose_data_end_within_the_warm_up_warns(base, tmp_path, caplog):
    optimizer = {"learning_rate": 1e-3, "warmup_steps": 50}
    training = {"records_per_step": 32, "epochs": 1, "max_steps": None}
    folder = make_offline_run(tmp_path / "run", offline_config("sft", base, optimizer=optimizer, training=training))
    assert run("train", folder) == (0, "")
    (warning,) = read_json(folder / "status.json")["warnings"]
    told = "optimizer.warmup_steps is 50 and the data give 1 steps: the learning rate only reaches 2e-05 of 0.001"
    assert (warning["step"], warning["brake"], warning["action"]) == (0, "warmup", "warn")
    assert warning["sentence"].startswith(told)
    assert told in caplog.text
