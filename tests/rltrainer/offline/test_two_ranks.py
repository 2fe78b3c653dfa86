"""A run of two processes is the run of one, and its checkpoint is for any number of them."""

import pytest
import torch
from safetensors.torch import load_file

from rewardmodel.runtime.faults import Cancelled
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import parse_config
from rltrainer.offline.trainer import OfflineTrainer
from rltrainer.rank_process import BystanderDirectory
from tests.rltrainer.distributed.processes import on_ranks
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config
from tests.rltrainer.run_folder import read_json, read_rows

# Before the first step policy and reference are one, and which response leads is the rounding of the batch it came in.
BY_ROUNDING = (1, "eval_accuracy")
MEASURED_BY_EACH = ("seconds_", "tokens_per_second", "tflops", "peak_", "padding")


def _train(ranks, folder, stop_at=None):
    """The whole run on this rank, or up to a step."""
    directory = (RunDirectory if ranks.is_first else BystanderDirectory)(folder)
    trainer = OfflineTrainer(directory, parse_config(directory.read_config()), ranks)
    if stop_at is not None:
        step = trainer._step

        def step_and_stop(session, progress):
            step(session, progress)
            if progress.step == stop_at and ranks.is_first:
                (directory.root / "cancel").touch()

        trainer._step = step_and_stop
    try:
        trainer.run()
    except Cancelled as wish:
        return str(wish)
    return ""


def _config(kind, base):
    # A large epsilon: otherwise Adam makes whole steps of the rounding in gradients near 0.
    return offline_config(
        kind, base, training={"max_steps": 3, "records_per_step": 5}, optimizer={"learning_rate": 1e-2, "epsilon": 1e-2}
    )


def _assert_same(one, two):
    first, second = (load_file(folder / "model" / "model.safetensors") for folder in (one, two))
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=0, atol=1e-6)
    for expected, found in zip(read_rows(one / "metrics.jsonl"), read_rows(two / "metrics.jsonl"), strict=True):
        assert found["values"].keys() == expected["values"].keys()
        for name, value in expected["values"].items():
            if not name.startswith(MEASURED_BY_EACH) and (expected["step"], name) != BY_ROUNDING:
                assert found["values"][name] == pytest.approx(value, rel=1e-4, abs=1e-5), name
    assert read_rows(one / "samples.jsonl") == read_rows(two / "samples.jsonl")


@pytest.mark.parametrize("sharding", ["none", "full"])
@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_two_ranks_equal_one(base, tmp_path, kind, sharding):
    config = _config(kind, base)
    config["model"]["sharding"] = sharding
    one, two = (make_offline_run(tmp_path / name, config) for name in ("one", "two"))
    assert on_ranks(1, _train, one) == [""]
    assert on_ranks(2, _train, two) == ["", ""]
    _assert_same(one, two)
    assert read_json(one / "result.json").keys() == read_json(two / "result.json").keys()


@pytest.mark.parametrize(("kind", "sharding"), [("dpo", "none"), ("dpo", "full"), ("sft", "full")])
def test_what_two_ranks_have_begun_one_can_end(base, tmp_path, kind, sharding):
    config = _config(kind, base)
    config["model"]["sharding"] = sharding
    one, two = (make_offline_run(tmp_path / name, config) for name in ("one", "two"))
    on_ranks(1, _train, one)
    reasons = on_ranks(2, _train, two, 2)
    assert all("after step 2" in reason for reason in reasons)
    (two / "cancel").unlink()
    assert on_ranks(1, _train, two) == [""]
    _assert_same(one, two)


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_two_ranks_go_on_with_shards_of_what_they_have_saved(base, tmp_path, kind):
    config = _config(kind, base)
    config["model"]["sharding"] = "full"
    # One record a step: one of the two has nothing to learn from, and helps.
    config["training"]["records_per_step"] = 1
    one, two = (make_offline_run(tmp_path / name, config) for name in ("one", "two"))
    assert on_ranks(1, _train, one) == [""]
    on_ranks(2, _train, two, 1)
    (two / "cancel").unlink()
    assert on_ranks(2, _train, two) == ["", ""]
    _assert_same(one, two)
