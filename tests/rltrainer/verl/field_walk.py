"""Every field of a run's config, changed to every kind of value, and what becomes of it on the way to verl."""

import typing
from dataclasses import fields, is_dataclass

import pytest

from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import ConfigError, OnlineConfig, parse_config
from rltrainer.verl import scoring
from rltrainer.verl.limits import list_faults
from rltrainer.verl.machines import Machines
from rltrainer.verl.settings import describe_job
from rltrainer.verl.unused import list_unused
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
    "grpo with parts that look at texts": ("grpo", {"reward": {
        "number_weight": 0.0, "choice_weight": 1.0, "pattern_weight": 1.0, "pattern": "a", "answer_section": "answer",
        "function": "package.module:name", "watched_function": "package.module:watched",
    }}),
    "ppo": ("ppo", {}),
    "ppo with an adaptive price": ("ppo", {"kl": {"coefficient": 0.1, "controller": "adaptive"}}),
}  # fmt: skip
"""Runs that verl can take over; a field that means nothing to one of them means something to another."""
USED_BY_THE_EXPORT = ("model.path", "data.prompts", "evaluation.prompts", "critic.path")
"""Files and folders that are read, and the split of prompts: see `test_export_reads.py`."""
COMPANIONS = {
    "rollout.engine": {"vllm_url": "http://localhost:8000", "vllm_folder": "/served"},
    "kl.place": {"estimator": "k1"},
    "reward.length_weight": {"length_tokens": 4},
}
"""What our own trainer wants in the same section beside another value."""
BESIDE_REFUSED = {
    "data.groups": ("rollout", {"source": "judged"}),
    "rollout.vllm_url": ("rollout", {"engine": "vllm", **COMPANIONS["rollout.engine"]}),
    "rollout.vllm_folder": ("rollout", {"engine": "vllm", **COMPANIONS["rollout.engine"]}),
    "critic.coefficient": ("critic", {"kind": "shared"}),
    "dynamic_sampling.noise_factor": ("dynamic_sampling", {"rule": "noise"}),
    # Without several reward models 'variance' is what 'auto' means.
    "dynamic_sampling.rule": ("dynamic_sampling", {"rule": "auto"}),
    "reward.judged_weight": ("rollout", {"source": "judged"}),
    "reward.length_tokens": ("reward", {"length_weight": 1.0, "length_tokens": 4}),
}
"""Fields that act beside a setting which verl cannot have, and not otherwise."""
FIXED = ("schema", "kind")
"""No settings of a run: the format, and which of the bases it is."""
OPTIONAL = {int: [100_000], float: [3.5, 0.5], str: ["/elsewhere"]}
OTHERS = {
    "reward.function": ["package.module:another"],
    "reward.watched_function": ["package.module:another"],
    "reward.answer_section": ["think"],
    "reward.overlong_tokens": [6],
}
"""Values for fields that take only some of their type's."""


def other_values(key, hint, value, default):
    """Other values for a field of this type; its default asks for nothing."""
    return [other for other in OTHERS.get(key) or _list_values(hint, value) if other not in (value, default)]


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


def _open_reward(config):
    """What a job's reward is built of: its parts, where it computes and for how many tokens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "select_device", lambda **asked: asked)
        patch.setattr(scoring, "build_reward", lambda directory, parts, **rest: (parts, rest))
        return scoring.open_reward(RunDirectory("/run"), config, [])


def change(saved, path, value):
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
    if _open_reward(changed) != _open_reward(config):
        return "rewarded"
    return "told" if any(sentence.startswith(f"{key}: ") for sentence in list_unused(changed)) else "lost"


def find_fates(base):
    """By key and other value: its fates over all bases in which our trainer would take it."""
    found = {}
    for kind, sections in BASES.values():
        config = parse_config(job_config(base, kind, **sections))
        assert list_faults(config) == []
        saved = config.to_dict()
        for path, hint, default in _list_keys():
            value = saved[path[0]] if len(path) == 1 else saved[path[0]][path[1]]
            for other in other_values(".".join(path), hint, value, default):
                fates = found.setdefault(".".join(path), {}).setdefault(str(other), set())
                changed = change(saved, path, other)
                if changed is not None:
                    fates.add(_find_fate(".".join(path), config, changed))
    return found


def list_lost(found):
    """Keys of which a change would be lost without a word, whatever the run."""
    lost = []
    for key, values in found.items():
        taken = [fates for fates in values.values() if fates]
        known = key in (*USED_BY_THE_EXPORT, *BESIDE_REFUSED)
        if not known and (not taken or any(fates == {"lost"} for fates in taken)):
            lost.append(key)
    return lost
