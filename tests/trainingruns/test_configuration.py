"""What people may put into a run's configuration, and what only the site or its admin may."""

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from annotation.exceptions import ApplicationError
from rewardmodel.config import RewardConfig
from rltrainer.config import KINDS
from trainingruns.configuration import CODE, OURS, build_config
from trainingruns.models import ModelVersion

# Text that names neither a file nor code.
HARMLESS = {"reward.pattern", "reward.format_sections", "reward.answer_section"}


def _free_texts(owner: Any, prefix: str = "") -> Iterator[str]:
    """The keys of a configuration that take any text."""
    for name, hint in typing.get_type_hints(owner).items():
        if dataclasses.is_dataclass(hint):
            yield from _free_texts(hint, f"{name}.")
        elif hint is str or str in typing.get_args(hint):
            yield prefix + name


def test_no_text_that_people_give_names_a_file_or_code() -> None:
    keys = {key for owner in {*KINDS.values(), RewardConfig} for key in _free_texts(owner)}
    assert len(keys) > 10
    assert keys - set(OURS) - set(CODE) == HARMLESS


def _build(*overrides: str) -> dict[str, Any]:
    some = ModelVersion(artifact="somewhere")
    return build_config(kind="grpo", config=None, overrides=overrides, base=some, reward=some)


@pytest.mark.parametrize(
    ("kind", "overrides", "section", "warmup"),
    [
        ("sft", ["training.max_steps=2"], "optimizer", 1),
        ("dpo", ["training.max_steps=1"], "optimizer", 0),
        ("sft", ["training.max_steps=null"], "optimizer", 3),
        ("sft", [], "optimizer", 3),
        ("sft", ["training.max_steps=2", "optimizer.warmup_steps=2"], "optimizer", 2),
        ("ppo", ["stop.steps=3"], "critic", 1),
        ("ppo", ["stop.steps=8"], "critic", 4),
    ],
)
def test_a_recipes_warm_up_takes_at_most_half_of_a_short_run(
    kind: str, overrides: list[str], section: str, warmup: int
) -> None:
    some = ModelVersion(artifact="somewhere")
    reward = some if kind == "ppo" else None
    built = build_config(kind=kind, config=None, overrides=overrides, base=some, reward=reward)
    assert built[section]["warmup_steps"] == warmup


def test_a_warm_up_that_somebody_asks_for_is_refused_where_it_does_not_fit() -> None:
    some, overrides = ModelVersion(artifact="somewhere"), ["training.max_steps=2", "optimizer.warmup_steps=3"]
    with pytest.raises(ApplicationError, match=r"optimizer\.warmup_steps: must not exceed training\.max_steps \(2\)"):
        build_config(kind="sft", config=None, overrides=overrides, base=some, reward=None)


@pytest.mark.parametrize("key", CODE)
def test_code_is_refused_unless_the_admin_lists_it(settings: Any, key: str) -> None:
    with pytest.raises(ApplicationError, match=f"{key}: names code to run, which this site does not allow"):
        _build(f"{key}=os:system")
    settings.REWARD_FUNCTIONS = ["house.rewards:score"]
    assert _build(f"{key}=house.rewards:score")["reward"][key.partition(".")[2]] == "house.rewards:score"
    with pytest.raises(ApplicationError, match="names code to run"):
        _build(f"{key}=house.rewards:other")
    assert _build(f"{key}=null")["reward"][key.partition(".")[2]] is None


@pytest.mark.parametrize("key", ["reward.ensemble", "data.groups", "evaluation.champion"])
def test_files_are_the_sites_to_name(key: str) -> None:
    with pytest.raises(ApplicationError, match=f"{key}: is filled in by the site"):
        _build(f"{key}=/etc/passwd")


def test_a_vllm_server_is_the_admins_to_name(settings: Any) -> None:
    with pytest.raises(ApplicationError, match=r"rollout\.engine: this site has no vLLM server"):
        _build("rollout.engine=vllm")
    for key in ("rollout.vllm_url=http://10.0.0.1", "rollout.vllm_folder=/etc"):
        with pytest.raises(ApplicationError, match="is filled in by the site"):
            _build("rollout.engine=vllm", key)
    settings.VLLM_URL, settings.VLLM_FOLDER = "http://127.0.0.1:8000", "/models/served"
    built = _build("rollout.engine=vllm")["rollout"]
    assert built["engine"] == "vllm"
    assert not {"vllm_url", "vllm_folder"} & set(built)
