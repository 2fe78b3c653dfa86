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
from tests.rltrainer.run_folder import grpo_config, make_run, read_json, read_rows

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


def test_dynamic_sampling_and_its_carried_groups_are_the_same_on_two_ranks(base, tmp_path):
    config = {
        **_config(base, dynamic_sampling={"stale_steps": 1, "max_batches": 3}, stop={"steps": 3}),
        "kind": "dapo",
    }
    one, two = (make_run(tmp_path / name, config) for name in ("one", "two"))
    on_ranks(1, _train, one)
    on_ranks(2, _train, two)
    _assert_same(one, two)


@pytest.mark.parametrize("sharding", ["none", "full"])
def test_one_rank_goes_on_from_what_two_have_saved(base, tmp_path, sharding):
    config = _config(base, stop={"steps": 4}, checkpoint={"every_steps": 2})
    straight = make_run(tmp_path / "straight", config)
    on_ranks(1, _train, straight)
    config["model"]["sharding"] = sharding
    folder = make_run(tmp_path / "two", config)
    on_ranks(2, _train, folder)
    shutil.rmtree(folder / "checkpoints" / "step-000004")
    shutil.rmtree(folder / "model")
    (folder / "result.json").unlink()
    config["model"].update(sharding="none", processes=1)
    make_run(tmp_path / "alone", config)
    shutil.copytree(folder / "checkpoints", tmp_path / "alone" / "checkpoints")
    for name in ("metrics.jsonl", "samples.jsonl"):
        shutil.copy(folder / name, tmp_path / "alone" / name)
    on_ranks(1, _train, tmp_path / "alone")
    _assert_same(straight, tmp_path / "alone")


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
