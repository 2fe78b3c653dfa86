import json
import subprocess
import sys
from pathlib import Path

import pytest

from rewardmodel.config_parsing import ConfigError
from rltrainer.config import KINDS, parse_config, with_overrides
from rltrainer.config_brakes import WATCH_OWN_COMPLETIONS
from tests.rltrainer.frozen_fields import MINIMAL
from tests.rltrainer.run_folder import ROOT

# A new field is a promise to every run ever saved. Add it on purpose: `python -m tests.rltrainer.frozen_fields`.
FROZEN = json.loads((Path(__file__).parent / "frozen_fields.json").read_text())


def _parse(kind, *overrides):
    return parse_config(with_overrides({"kind": kind, **MINIMAL[kind]}, overrides))


@pytest.mark.parametrize("kind", KINDS)
def test_the_field_list_is_frozen(kind):
    saved = _parse(kind).to_dict()
    fields = {name: list(section) if isinstance(section, dict) else None for name, section in saved.items()}
    assert fields == FROZEN[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_json_form_comes_back_unchanged(kind):
    config = _parse(kind, "seed=7")
    assert parse_config(json.loads(json.dumps(config.to_dict()))) == config


def test_defaults_are_those_for_a_learned_reward():
    config = _parse("grpo").to_dict()
    assert {"coefficient": 0.04, "place": "loss", "estimator": "k3", "gradient": "ratio"}.items() <= config[
        "kl"
    ].items()
    assert (config["rollout"]["group_size"], config["rollout"]["prompts_per_step"]) == (8, 8)
    wanted = {"clip_low": 0.2, "clip_high": 0.2, "ratio": "token", "aggregation": "token_mean"}
    assert wanted.items() <= config["loss"].items()


def test_dapo_starts_from_the_papers_settings():
    config = _parse("dapo").to_dict()
    assert (config["loss"]["clip_low"], config["loss"]["clip_high"]) == (0.2, 0.28)
    assert config["loss"]["aggregation"] == "token_mean"
    assert config["kl"]["coefficient"] == 0
    assert config["dynamic_sampling"]["enabled"]


ENSEMBLE = 'reward={"model":"a","ensemble":["b","c"]}'


@pytest.mark.parametrize(
    ("overrides", "rule"),
    [
        ((), "variance"),
        (('reward={"model":"a"}',), "variance"),
        ((ENSEMBLE,), "noise"),
        ((ENSEMBLE, "reward.number_weight=1"), "noise"),
        ((ENSEMBLE, "reward.number_weight=1", "reward.model_weight=0"), "variance"),
        ((ENSEMBLE, "dynamic_sampling.rule=variance"), "variance"),
        ((ENSEMBLE, "dynamic_sampling.noise_factor=1"), "noise"),
    ],
)
def test_dapo_asks_for_more_than_noise_where_several_reward_models_tell_it(overrides, rule):
    config = _parse("dapo", *overrides)
    assert config.drawing.rule == rule
    assert (config.drawing.enabled, config.drawing.noise_factor) == (True, config.dynamic_sampling.noise_factor)


def test_a_reward_model_without_weight_tells_no_distance():
    unpaid = 'reward={"model":"a","model_weight":0,"number_weight":1}'
    with pytest.raises(ConfigError, match=r"brakes\.distance: 'pause' would never come, for it needs a reward model"):
        _parse("grpo", unpaid, "brakes.distance=pause")
    assert _parse("grpo", unpaid, "brakes.distance=pause", "reward.model_weight=1").watched.distance == "pause"


def test_the_rule_stays_as_written_in_what_is_saved():
    assert _parse("dapo", ENSEMBLE).to_dict()["dynamic_sampling"]["rule"] == "auto"


@pytest.mark.parametrize("asked", ["dynamic_sampling.rule=noise", "brakes.uncertainty=stop", "brakes.gain=pause"])
def test_an_ensemble_without_weight_knows_no_noise(asked):
    with pytest.raises(ConfigError, match=r"needs several reward models; reward\.model_weight is 0"):
        _parse("dapo", ENSEMBLE, "reward.number_weight=1", "reward.model_weight=0", asked)


@pytest.mark.parametrize("kind", ["grpo", "rloo", "ppo", "dapo"])
def test_complete_configs_of_before_the_rule_auto_are_read_as_ever(kind):
    complete = _parse(kind).to_dict()
    complete["dynamic_sampling"]["rule"] = "variance"
    assert parse_config(complete).drawing == _parse(kind).drawing


def test_ppo_prices_missing_ends_and_leaves_a_batch_early():
    config = _parse("ppo")
    assert (config.reward.unfinished_penalty, config.optimizer.target_kl) == (1.0, 0.1)
    assert (_parse("grpo").reward.unfinished_penalty, _parse("grpo").optimizer.target_kl) == (0.0, None)
    mine = _parse("ppo", "optimizer.target_kl=null", "reward.unfinished_penalty=0")
    assert (mine.reward.unfinished_penalty, mine.optimizer.target_kl) == (0.0, None)


ONE_STEP = ("optimizer.passes=1", "optimizer.minibatches=1")


def test_ppo_with_one_step_a_batch_has_nothing_to_leave_early():
    config = _parse("ppo", *ONE_STEP)
    assert config.optimizer.target_kl is None
    assert parse_config(config.to_dict()) == config
    assert _parse("ppo", "optimizer.passes=1").optimizer.target_kl == 0.1
    with pytest.raises(ConfigError, match=r"optimizer\.target_kl: has no effect with one optimizer step a batch"):
        _parse("ppo", *ONE_STEP, "optimizer.target_kl=0.1")


def test_a_price_on_missing_ends_is_nothing_to_train_ppo_for():
    with pytest.raises(ConfigError, match="reward: nothing is rewarded"):
        _parse("ppo", "reward.brevity_weight=0")


def test_a_kinds_own_default_gives_way_to_what_is_asked_for():
    assert _parse("dapo", "loss.clip_high=0.5", "kl.coefficient=0.1").to_dict()["loss"]["clip_high"] == 0.5
    assert _parse("rloo", "advantage.scale=none").to_dict()["advantage"] == {"scale": "none"}


def test_a_section_that_is_none_is_told_for_kinds_with_defaults_too():
    with pytest.raises(ConfigError, match="loss: expected a section"):
        _parse("dapo", "loss=7")


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
        *((kind, "seed=-1", "seed: must be 0 or more, got -1") for kind in KINDS),
        ("grpo", "kl.place=reward", "kl.estimator: place 'reward' needs the unbiased 'k1'"),
        ("grpo", 'kl={"estimator":"k1","gradient":"naive"}', "kl.gradient: 'naive' with estimator 'k1'"),
        ("grpo", "reward.brevity_weight=0", "reward: nothing is rewarded"),
        ("grpo", "reward.length_weight=1", "reward.length_tokens: must be 1 or more"),
        ("grpo", "reward.length_tokens=4", "reward.length_tokens: has no effect"),
        ("grpo", "optimizer.warmup_steps=200", "optimizer.warmup_steps: must not exceed"),
        ("grpo", "evaluation.shown_prompts=99", "evaluation.shown_prompts: must not exceed"),
        ("grpo", "model.path=", "model.path: is missing"),
        ("grpo", "loss.value_clip=0.2", "loss.value_clip: unknown key"),
        ("grpo", "critic.clip=0.2", "critic: kind 'grpo' has no critic"),
        ("dapo", "gae.trace=1", "gae: kind 'dapo' has no critic"),
        ("dapo", "rollout.group_size=1", "rollout.group_size: kind 'dapo' compares completions"),
        ("ppo", "advantage.scale=loo", "advantage: kind 'ppo' takes its advantages from the critic"),
        ("ppo", "dynamic_sampling.enabled=true", "dynamic_sampling.enabled: kind 'ppo'"),
        ("dapo", "dynamic_sampling.rule=noise", "dynamic_sampling.rule: 'noise' needs several reward models"),
        ("ppo", "loss.ratio=sequence", "loss.ratio: kind 'ppo' has advantages of tokens"),
        ("ppo", 'critic={"kind":"shared","path":"x"}', "critic.path: has no effect on a shared critic"),
        ("ppo", "critic.warmup_steps=500", "critic.warmup_steps: must not exceed"),
        ("grpo", "loss.ratio_limit=1.1", "loss.ratio_limit: must exceed 1 + clip_high"),
        ("grpo", 'loss={"surrogate":"cispo","clip_dual":3}', "loss.clip_dual: has no effect with surrogate 'cispo'"),
        ("grpo", 'loss={"surrogate":"cispo","ratio":"sequence"}', "loss.ratio: surrogate 'cispo' weighs tokens"),
        ("grpo", "kl.measure=false", "kl.measure: a distance with a price must be measured"),
        ("dapo", "kl.controller=adaptive", "kl.controller: 'adaptive' multiplies the coefficient, which is 0"),
        ("grpo", 'model={"path":"m","adapter_rank":4,"reference":"r"}', "model.reference: with model.adapter_rank"),
        ("grpo", 'model={"path":"m","adapter_rank":4,"sharding":"full"}', "model.sharding: 'full' is for training"),
        ("grpo", "brakes.gain=stop", "brakes.gain: 'stop' would never come, for it needs several reward models"),
        ("ppo", "brakes.uncertainty=pause", "brakes.uncertainty: 'pause' would never come, for it needs several"),
        ("grpo", "brakes.distance=stop", "brakes.distance: 'stop' would never come, for it needs a reward model"),
        ("ppo", "brakes.flat=stop", "brakes.flat: 'stop' would never come, for it compares completions"),
        (
            "grpo",
            'brakes={"truncation":"stop","window":201}',
            "brakes.truncation: 'stop' would never come, for it looks",
        ),
        ("grpo", 'brakes={"flat":"pause","window":201}', "brakes.flat: 'pause' would never come, for it looks at the"),
        ("grpo", "dynamic_sampling.stale_steps=5", "dynamic_sampling: has no effect unless enabled"),
        ("dapo", "dynamic_sampling.noise_factor=1", "dynamic_sampling.noise_factor: has no effect unless rule"),
        ("grpo", "kl.target=3", "kl.target: has no effect with kl.controller 'fixed'"),
        ("grpo", "optimizer.target_kl=0.1", "optimizer.target_kl: has no effect with one optimizer step a batch"),
        ("grpo", "optimizer.minibatches=9", "optimizer.minibatches: a minibatch holds whole prompts"),
        ("ppo", "rollout.prompts_per_step=1", "optimizer.minibatches: a minibatch holds whole prompts"),
        ("ppo", "critic.coefficient=1", "critic.coefficient: has no effect on a separate critic"),
        ("grpo", "model.processes=0", "model.processes: must be 1 or more"),
        ("sample", "model.processes=2", "model.processes: kind 'sample' runs in one process"),
        ("policy-evaluate", "model.sharding=full", "model.sharding: kind 'policy-evaluate' runs in one process"),
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


def test_filled_groups_have_no_advantage_or_the_mix_is_refused():
    filled = "dynamic_sampling.on_cap=fill_with_zero_advantage"
    priced = ("kl.place=reward", "kl.estimator=k1", "kl.coefficient=0.05")
    with pytest.raises(ConfigError, match=r"dynamic_sampling\.on_cap: 'fill_with_zero_advantage' would not"):
        _parse("dapo", filled, *priced)
    _parse("dapo", filled, *priced[:2])
    _parse("dapo", filled, "kl.coefficient=0.05")


@pytest.mark.parametrize("name", WATCH_OWN_COMPLETIONS)
def test_brakes_that_watch_the_policys_own_completions_cannot_end_a_run_on_given_ones(name):
    given = ("rollout.source=judged", "reward.brevity_weight=0")
    with pytest.raises(ConfigError, match=f"brakes.{name}: 'stop' would never come, for it looks at completions"):
        _parse("grpo", *given, f"brakes.{name}=stop")
    parsed = _parse("grpo", *given)
    assert getattr(parsed.brakes, name) == "warn"
    assert getattr(parsed.watched, name) == "off"
    assert parsed.watched.entropy == "warn"
    assert _parse("grpo").watched == _parse("grpo").brakes


def test_an_adaptive_price_cannot_follow_given_completions():
    with pytest.raises(ConfigError, match=r"kl\.controller: 'adaptive' follows the distance"):
        _parse("grpo", "rollout.source=judged", "reward.brevity_weight=0", "kl.controller=adaptive")


def test_a_shared_critic_needs_a_whole_network():
    with pytest.raises(ConfigError, match=r"critic\.kind: a 'shared' critic needs a whole network"):
        _parse("ppo", "model.sharding=full", "critic.kind=shared")


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="kind: expected one of grpo"):
        parse_config({"kind": "ppoo"})


def test_the_site_can_read_it_without_torch_or_numpy():
    code = "import sys, rltrainer.config; print({'torch', 'numpy', 'transformers', 'django'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
