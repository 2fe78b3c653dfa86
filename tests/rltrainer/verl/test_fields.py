"""No setting of a run is lost on the way to verl without a word: every field, with every kind of value."""

import inspect
import typing
from dataclasses import fields, is_dataclass

import pytest

from rltrainer.__main__ import main
from rltrainer.config import ConfigError, OnlineConfig, parse_config
from rltrainer.verl import export, scoring, unused
from rltrainer.verl.limits import list_faults
from rltrainer.verl.machines import Machines
from rltrainer.verl.settings import describe_job
from rltrainer.verl.unused import UNUSED, list_unused
from tests.rltrainer.run_folder import make_run
from tests.rltrainer.verl.test_export import job_config

BASES = {
    "grpo": ("grpo", {}),
    "rloo": ("rloo", {}),
    "dapo": ("dapo", {"dynamic_sampling": {"rule": "variance"}, "reward": {"overlong_tokens": 4, "model": "rm"}}),
    "dapo without a look at the distance": (
        "dapo", {"dynamic_sampling": {"rule": "variance"}, "brakes": {"kl": "off"}}
    ),
    "dapo with an ensemble": (
        "dapo", {"dynamic_sampling": {"rule": "variance"}, "reward": {"model": "rm", "ensemble": ["rm2"]}}
    ),
    "ppo": ("ppo", {}),
    "ppo with an adaptive price": ("ppo", {"kl": {"coefficient": 0.1, "controller": "adaptive"}}),
}  # fmt: skip
"""Runs that verl can take over; a field that means nothing to one of them means something to another."""
USED_BY_THE_EXPORT = ("model.path", "data.prompts", "evaluation.prompts", "critic.path")
"""Files and folders that are read, and the split of prompts."""
USED_BY_THE_REWARD = ("model.device", "model.precision", "model.threads")
"""Where `reward.py` computes, beside the section `reward`, which it reads from the run's own config."""
COMPANIONS = {
    "rollout.engine": {"vllm_url": "http://localhost:8000", "vllm_folder": "/served"},
    "kl.place": {"estimator": "k1"},
}
"""What our own trainer wants in the same section beside another value."""
BESIDE_REFUSED = {
    "data.groups": ("rollout", {"source": "judged"}),
    "rollout.vllm_url": ("rollout", {"engine": "vllm", **COMPANIONS["rollout.engine"]}),
    "rollout.vllm_folder": ("rollout", {"engine": "vllm", **COMPANIONS["rollout.engine"]}),
    "critic.coefficient": ("critic", {"kind": "shared"}),
    "dynamic_sampling.noise_factor": ("dynamic_sampling", {"rule": "noise"}),
}
"""Fields that act beside a setting which verl cannot have, and not otherwise."""
FIXED = ("schema", "kind")
"""No settings of a run: the format, and which of the bases it is."""
OPTIONAL = {int: [100_000], float: [3.5, 0.5], str: ["/elsewhere"]}


def _values(hint, value, default):
    """Other values for a field of this type; its default asks for nothing."""
    return [other for other in _list_values(hint, value) if other not in (value, default)]


def _list_values(hint, value):
    arguments = [each for each in typing.get_args(hint) if each is not type(None)]
    if typing.get_origin(hint) is typing.Literal:
        return arguments
    if typing.get_origin(hint) is tuple:
        return [[3]] if arguments[0] is int else [["other"]]
    if hint is bool:
        return [not value]
    if hint in (int, float):
        return [value + 1] if hint is int else [value * 1.5 + 0.125, value * 0.5]
    if hint is str:
        return ["/elsewhere"]
    return OPTIONAL[arguments[0]]


def _list_keys():
    """Every field of every section with its type and default, from the dataclasses themselves."""
    hints = typing.get_type_hints(OnlineConfig)
    for field in fields(OnlineConfig):
        if field.name in FIXED:
            continue
        if not is_dataclass(hints[field.name]):
            yield (field.name,), hints[field.name], field.default
            continue
        section = hints[field.name]()
        inner = typing.get_type_hints(type(section))
        yield from (((field.name, each), inner[each], getattr(section, each)) for each in inner)


def _describe(config):
    return describe_job(config, Machines(), job="/job", model="/policy", critic="/critic", train_prompts=90)


def _with(saved, path, value):
    """The config with this value, None where our own trainer would refuse it."""
    changed = {name: dict(part) if isinstance(part, dict) else part for name, part in saved.items()}
    *section, name = path
    (changed[section[0]] if section else changed)[name] = value
    if section:
        changed[section[0]].update(COMPANIONS.get(".".join(path), {}))
    try:
        return parse_config(changed)
    except ConfigError:
        return None


def _find_fate(key, config, changed):
    """What becomes of a field in which two configs differ."""
    if list_faults(changed):
        return "refused"
    if _describe(changed) != _describe(config):
        return "mapped"
    return "told" if any(sentence.startswith(f"{key}: ") for sentence in list_unused(changed)) else "lost"


def _find_fates(base):
    """By key and other value: its fates over all bases in which our trainer would take it."""
    found = {}
    for kind, sections in BASES.values():
        config = parse_config(job_config(base, kind, **sections))
        assert list_faults(config) == []
        saved = config.to_dict()
        for path, hint, default in _list_keys():
            value = saved[path[0]] if len(path) == 1 else saved[path[0]][path[1]]
            for other in _values(hint, value, default):
                fates = found.setdefault(".".join(path), {}).setdefault(str(other), set())
                changed = _with(saved, path, other)
                if changed is not None:
                    fates.add(_find_fate(".".join(path), config, changed))
    return found


@pytest.fixture(scope="module")
def fates(base):
    return _find_fates(base)


def _list_lost(found):
    """Keys of which a change would be lost without a word, whatever the run."""
    lost = []
    for key, values in found.items():
        taken = [fates for fates in values.values() if fates]
        known = key in (*USED_BY_THE_EXPORT, *USED_BY_THE_REWARD, *BESIDE_REFUSED) or key.startswith("reward.")
        if not known and (not taken or any(fates == {"lost"} for fates in taken)):
            lost.append(key)
    return lost


def test_no_field_is_lost_without_a_word(fates):
    assert _list_lost(fates) == []


def test_a_field_that_nobody_reads_would_be_found(base, monkeypatch):
    monkeypatch.delitem(unused.UNUSED, "rollout.batch_rows")
    monkeypatch.delitem(unused.UNUSED, "brakes")
    lost = set(_list_lost(_find_fates(base)))
    assert {"rollout.batch_rows", "brakes.window", "brakes.kl"} <= lost
    assert {key for key in lost if not key.startswith("brakes.")} == {"rollout.batch_rows"}


def test_the_walk_takes_every_field_and_meets_every_fate(base, fates):
    saved = parse_config(job_config(base)).to_dict()
    sections = {name: part for name, part in saved.items() if name not in FIXED}
    assert len(fates) == sum(len(part) if isinstance(part, dict) else 1 for part in sections.values()) > 100
    assert fates["evaluation.champion"] == {"/elsewhere": {"refused"}}
    assert fates["evaluation.pass_at"] == {"[3]": {"told"}}
    assert fates["seed"] == {"4": {"mapped"}}
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


def test_what_the_export_and_the_reward_read_they_read():
    text = inspect.getsource(export)
    assert [key for key in USED_BY_THE_EXPORT if f"config.{key}" not in text] == []
    text = inspect.getsource(scoring)
    assert [key for key in USED_BY_THE_REWARD if key not in text] == []
    assert "config.reward" in text


def test_the_command_names_what_has_no_effect(base, tmp_path, capsys):
    folder = make_run(tmp_path / "run", job_config(base, brakes={"kl_limit": 5.0}))
    assert main(["export-verl", str(folder)]) == 0
    told = capsys.readouterr().err.splitlines()
    assert "rollout.batch_rows: has no effect, for vLLM chooses what it decodes together" in told
    assert any(line.startswith("brakes.kl_limit: ") for line in told)
    assert not any(
        line.startswith(("seed", "evaluation.samples_per_prompt", "checkpoint.every_steps")) for line in told
    )
