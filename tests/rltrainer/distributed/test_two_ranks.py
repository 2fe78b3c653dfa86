"""A run of two processes is the run of one."""

import shutil

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.runtime.faults import Cancelled
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import parse_config
from rltrainer.rank_process import BystanderDirectory
from rltrainer.trainer import Trainer
from tests.rltrainer.distributed.processes import on_ranks
from tests.rltrainer.run_folder import grpo_config, make_run, ppo_config, read_json, read_rows

# A large epsilon: otherwise Adam makes whole steps of the rounding in gradients near 0.
OPTIMIZER = {"learning_rate": 1e-2, "epsilon": 1e-2}
MEASURED_BY_EACH = (
    "seconds_", "tokens_per_second", "tflops", "peak_", "resident_memory", "sampler_gap", "sampler_ratio", "padding",
)  # fmt: skip


def _config(base, **sections):
    return grpo_config(
        base, **{"stop": {"steps": 2}, **sections, "optimizer": {**OPTIMIZER, **sections.get("optimizer", {})}}
    )


def _train(ranks, folder):
    """The whole run on this rank."""
    directory = (RunDirectory if ranks.is_first else BystanderDirectory)(folder)
    try:
        Trainer(directory, parse_config(directory.read_config()), ranks).run()
    except Cancelled as wish:
        return str(wish)
    return ""


def _weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def _assert_same(one, two):
    first, second = _weights(one), _weights(two)
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=0, atol=1e-6)
    for expected, found in zip(read_rows(one / "metrics.jsonl"), read_rows(two / "metrics.jsonl"), strict=True):
        assert found["values"].keys() == expected["values"].keys()
        for name, value in expected["values"].items():
            if not name.startswith(MEASURED_BY_EACH):
                assert found["values"][name] == pytest.approx(value, rel=1e-4, abs=1e-5), name
    assert read_rows(one / "samples.jsonl") == read_rows(two / "samples.jsonl")


CASES = {
    "grpo": {"loss": {"aggregation": "grpo"}},
    "token_mean": {"loss": {"aggregation": "token_mean"}},
    "dr_grpo": {"loss": {"aggregation": "dr_grpo"}, "advantage": {"scale": "batch"}},
    "passes and minibatches": {"optimizer": {"passes": 2, "minibatches": 2}},
    "one rank has nothing to do": {"rollout": {"prompts_per_step": 1}},
    "sharded": {"model": {"sharding": "full"}},
}


@pytest.mark.parametrize("sections", CASES.values(), ids=CASES)
def test_two_ranks_equal_one(base, tmp_path, sections):
    # Reward for short answers, and stop tokens at random: the completions are of many lengths.
    one, two = (make_run(tmp_path / name, _config(base, **sections)) for name in ("one", "two"))
    assert on_ranks(1, _train, one) == [""]
    assert on_ranks(2, _train, two) == ["", ""]
    _assert_same(one, two)


def _config_that_carries(base, **sections):
    """DAPO whose first step samples more useful groups than it and the next can learn from."""
    config = _config(
        base,
        rollout={"prompts_per_step": 2, "group_size": 8},
        dynamic_sampling={"stale_steps": 2, "max_batches": 3},
        reward={"brevity_weight": 0.0, "function": "tests.rltrainer.toy_rewards:share_of_wanted"},
        **sections,
    )
    return {**config, "kind": "dapo"}


def test_dynamic_sampling_and_its_carried_groups_are_the_same_on_two_ranks(base, tmp_path):
    config = _config_that_carries(base, stop={"steps": 4})
    one, two = (make_run(tmp_path / name, config, prompts=24) for name in ("one", "two"))
    on_ranks(1, _train, one)
    on_ranks(2, _train, two)
    _assert_same(one, two)
    values = [row["values"] for row in read_rows(two / "metrics.jsonl")]
    assert all(step["groups_surplus"] > 0 for step in values)
    assert sum(step["groups_carried"] > 0 for step in values) >= 2
    assert sum(step["groups_stale"] for step in values) > 0


def _config_with_critic(base, **sections):
    critic = {"clip": 0.2, "warmup_steps": 1}
    return ppo_config(
        base, critic=critic, kl={"controller": "adaptive", "horizon": 20}, optimizer=OPTIMIZER, **sections
    )


@pytest.mark.parametrize(
    ("configure", "sharding"),
    [
        (_config, "none"),
        (_config, "full"),
        (_config_with_critic, "none"),
        (_config_with_critic, "full"),
        (_config_that_carries, "none"),
    ],
    ids=["grpo", "grpo sharded", "ppo", "ppo sharded", "dapo"],
)
def test_one_rank_goes_on_from_what_two_have_saved(base, tmp_path, configure, sharding):
    config = configure(base, stop={"steps": 4}, checkpoint={"every_steps": 2})
    straight = make_run(tmp_path / "straight", config, prompts=24)
    on_ranks(1, _train, straight)
    config["model"]["sharding"] = sharding
    folder = make_run(tmp_path / "two", config, prompts=24)
    on_ranks(2, _train, folder)
    shutil.rmtree(folder / "checkpoints" / "step-000004")
    shutil.rmtree(folder / "model")
    (folder / "result.json").unlink()
    config["model"].update(sharding="none", processes=1)
    alone = make_run(tmp_path / "alone", config, prompts=24)
    shutil.copytree(folder / "checkpoints", alone / "checkpoints")
    for name in ("metrics.jsonl", "samples.jsonl"):
        shutil.copy(folder / name, alone / name)
    on_ranks(1, _train, alone)
    _assert_same(straight, alone)
    # Times and all: the first two steps were not taken again.
    rows, before = (read_rows(path / "metrics.jsonl") for path in (alone, folder))
    assert rows[:2] == before[:2]
    assert rows[2:] != before[2:]
    saved = read_json(alone / "checkpoints" / "step-000002" / "state.json")
    assert bool(saved["plain"]["collector"]["carried"]) == (configure is _config_that_carries)
    assert ("critic" in saved["parts"]) == (configure is _config_with_critic)
    if configure is _config_with_critic:
        mine, theirs = (
            load_file(run / "checkpoints" / "step-000004" / "critic.safetensors") for run in (straight, alone)
        )
        assert mine.keys() == theirs.keys()
        for name, tensor in mine.items():
            torch.testing.assert_close(theirs[name], tensor, rtol=1e-4, atol=1e-6)


def _train_until_the_second_is_asked(ranks, folder):
    """Only one rank is asked to stop; all stop after the same step."""
    directory = (RunDirectory if ranks.is_first else BystanderDirectory)(folder)
    looks = iter(range(10**9))
    if ranks.index == 1:
        stop = type("Asked", (type(directory.cancellation),), {"requested": property(lambda self: next(looks) > 60)})
        directory.cancellation = stop(directory.cancellation.flag)
    try:
        Trainer(directory, parse_config(directory.read_config()), ranks).run()
    except Cancelled as wish:
        return str(wish)
    return ""


def test_all_ranks_stop_after_the_step_at_which_one_is_asked_to(base, tmp_path):
    straight, folder = (make_run(tmp_path / name, _config(base, stop={"steps": 4})) for name in ("straight", "run"))
    first, second = on_ranks(2, _train_until_the_second_is_asked, folder)
    assert first == second
    saved = read_json(folder / "status.json")["checkpoint_step"]
    assert saved is not None and f"after step {saved}" in first
    assert saved < 4
    assert on_ranks(2, _train, folder) == ["", ""]
    on_ranks(2, _train, straight)
    before, after = _weights(straight), _weights(folder)
    assert all(torch.equal(before[name], after[name]) for name in before)
