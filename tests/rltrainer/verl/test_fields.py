"""No setting of a run is lost on the way to verl without a word: every field, with every kind of value."""

from dataclasses import replace

import pytest

from rltrainer.__main__ import main
from rltrainer.config import parse_config
from rltrainer.config_reward import RewardConfig
from rltrainer.verl import scoring, unused
from rltrainer.verl.limits import list_faults
from rltrainer.verl.unused import UNUSED
from tests.rltrainer.run_folder import make_run
from tests.rltrainer.verl.field_walk import BESIDE_REFUSED, FIXED, find_fates, list_lost
from tests.rltrainer.verl.test_export import job_config


@pytest.fixture(scope="module")
def fates(base):
    return find_fates(base)


def test_no_field_is_lost_without_a_word(fates):
    assert list_lost(fates) == []


def test_a_field_that_nobody_reads_would_be_found(base, monkeypatch):
    monkeypatch.delitem(unused.UNUSED, "rollout.batch_rows")
    monkeypatch.delitem(unused.UNUSED, "brakes")
    lost = set(list_lost(find_fates(base)))
    assert {"rollout.batch_rows", "brakes.window", "brakes.kl"} <= lost
    assert {key for key in lost if not key.startswith("brakes.")} == {"rollout.batch_rows"}


def test_a_reward_that_is_not_built_of_its_section_would_be_found(base, monkeypatch):
    opened = scoring.open_reward
    monkeypatch.setattr(
        scoring, "open_reward", lambda folder, config, asked: opened(folder, replace(config, reward=RewardConfig()), [])
    )
    lost = set(list_lost(find_fates(base)))
    assert {"reward.number_weight", "reward.pattern", "reward.ensemble_penalty"} <= lost
    assert {key for key in lost if not key.startswith("reward.")} == set()


def test_the_walk_takes_every_field_and_meets_every_fate(base, fates):
    saved = parse_config(job_config(base)).to_dict()
    sections = {name: part for name, part in saved.items() if name not in FIXED}
    assert len(fates) == sum(len(part) if isinstance(part, dict) else 1 for part in sections.values()) > 100
    assert fates["evaluation.champion"] == {"/elsewhere": {"refused"}}
    assert fates["evaluation.pass_at"] == {"[3]": {"told"}}
    assert fates["seed"] == {"4": {"mapped"}}
    assert fates["model.threads"] == {"100000": {"rewarded"}}
    assert fates["reward.brevity_weight"] == {"0.125": {"refused"}}
    assert fates["reward.repetition_tokens"] == {"4": {"rewarded"}}
    assert fates["brakes.kl"] == {"off": {"told"}, "pause": {"refused"}, "stop": {"refused"}}


def test_what_is_told_to_have_no_effect_has_none(fates):
    sections = {key for key in UNUSED if "." not in key}
    for key in UNUSED:
        if key not in sections:
            assert {fate for values in fates[key].values() for fate in values} == {"told"}, key
    inside = {fate for key, values in fates.items() if key.partition(".")[0] in sections for each in values.values()
              for fate in each}  # fmt: skip
    assert inside == {"told", "refused"}


@pytest.mark.parametrize(("key", "beside"), BESIDE_REFUSED.items())
def test_a_field_beside_a_refused_setting_does_nothing_without_it(base, fates, key, beside):
    section, settings = beside
    kind = "ppo" if section == "critic" else "dapo" if section == "dynamic_sampling" else "grpo"
    reward = {"reward": {"model": "rm", "ensemble": ["rm2"]}} if section == "dynamic_sampling" else {}
    config = parse_config(job_config(base, kind, **{section: settings}, **reward))
    assert any(fault.startswith(f"{section}.") for fault in list_faults(config))
    assert {fate for values in fates[key].values() for fate in values} <= {"lost", "refused"}


def test_the_command_names_what_has_no_effect(base, tmp_path, capsys):
    folder = make_run(tmp_path / "run", job_config(base, brakes={"kl_limit": 5.0}))
    assert main(["export-verl", str(folder)]) == 0
    told = capsys.readouterr().err.splitlines()
    assert "rollout.batch_rows: has no effect, for vLLM chooses what it decodes together" in told
    assert any(line.startswith("brakes.kl_limit: ") for line in told)
    assert not any(
        line.startswith(("seed", "evaluation.samples_per_prompt", "checkpoint.every_steps")) for line in told
    )
