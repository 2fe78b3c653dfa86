import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import torch

from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError
from rewardmodel.runtime.atomic_files import publish_folder
from rewardmodel.runtime.checkpoint import load_newest_checkpoint, restoring, save_checkpoint
from rewardmodel.runtime.master_weights import MasterWeights
from rewardmodel.runtime.training_state import (
    pack_network,
    pack_optimizer,
    pack_randomness,
    unpack_network,
    unpack_optimizer,
    unpack_randomness,
)


def save(root: Path, step: int) -> Path:
    return save_checkpoint(root, step, tensors={"model": {"w": torch.tensor([float(step)])}}, state={"note": step})


def test_the_newest_two_are_kept_and_the_newest_is_found(tmp_path: Path) -> None:
    for step in (5, 10, 100):
        save(tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000010", "step-000100"]
    newest = load_newest_checkpoint(tmp_path)
    assert newest is not None
    assert (newest.step, newest.state, newest.tensors["model"]["w"].item()) == (100, {"note": 100}, 100.0)


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "cut": (lambda folder: os.truncate(folder / "model.safetensors", 70), "model.safetensors has 70 bytes and was"),
    "gone": (lambda folder: (folder / "state.json").unlink(), "state.json cannot be read"),
    "a bit of the weights": (lambda folder: _flip_a_bit(folder / "model.safetensors"), "model.safetensors holds other"),
    "a letter of the state": (
        lambda folder: (folder / "state.json").write_text((folder / "state.json").read_text().replace("2", "3")),
        "state.json holds other bytes",
    ),
    "no index": (lambda folder: (folder / "checkpoint.json").unlink(), "checkpoint.json cannot be read"),
    "half an index": (lambda folder: os.truncate(folder / "checkpoint.json", 9), "checkpoint.json cannot be read"),
    "an index of another form": (lambda folder: (folder / "checkpoint.json").write_text("[]"), "TypeError"),
}


@pytest.mark.parametrize(("harm", "reason"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_newest_is_told_with_its_reason(
    tmp_path: Path, harm: Callable[[Path], object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path, 1)
    newest = save(tmp_path, 2)
    harm(newest)
    found = load_newest_checkpoint(tmp_path)
    assert found is not None
    assert (found.step, found.tensors["model"]["w"].item()) == (1, 1.0)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"{newest} is damaged and passed over: ")
    assert reason in told


def test_where_none_is_whole_the_log_says_that_the_run_starts_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _flip_a_bit(save(tmp_path, 1) / "model.safetensors")
    assert load_newest_checkpoint(tmp_path) is None
    assert f"no checkpoint in {tmp_path} is whole: the run starts from its beginning" in caplog.text


def test_a_checkpoint_without_checksums_still_loads(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = save(tmp_path, 7)
    index = json.loads((folder / "checkpoint.json").read_text())
    assert set(index.pop("crc32")) == {"model.safetensors", "state.json"}
    (folder / "checkpoint.json").write_text(json.dumps(index))
    found = load_newest_checkpoint(tmp_path)
    assert found is not None
    assert found.step == 7
    assert not caplog.records


@pytest.mark.parametrize("damage", ["cut", "gone", "unfinished"])
def test_a_damaged_newest_gives_way_to_the_one_before(tmp_path: Path, damage: str) -> None:
    save(tmp_path, 1)
    newest = save(tmp_path, 2)
    if damage == "cut":
        (newest / "model.safetensors").write_bytes((newest / "model.safetensors").read_bytes()[:-2])
    elif damage == "gone":
        (newest / "state.json").unlink()
    else:
        newest.rename(tmp_path / ".unfinished-step-000002")
    found = load_newest_checkpoint(tmp_path)
    assert found is not None
    assert found.step == 1


def test_what_a_kill_left_half_written_is_deleted(tmp_path: Path) -> None:
    save(tmp_path, 1)
    (tmp_path / ".unfinished-step-000002").mkdir()
    (tmp_path / ".unfinished-step-000002" / "masters.safetensors").write_bytes(b"half")
    found = load_newest_checkpoint(tmp_path)
    assert found is not None
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001"]


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert load_newest_checkpoint(tmp_path / "absent") is None


def test_a_folder_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with publish_folder(target) as folder:
        (folder / "a").write_text("old")
    with pytest.raises(RuntimeError, match="half way"), publish_folder(target) as folder:  # noqa: PT012
        (folder / "a").write_text("new")
        raise RuntimeError("half way")
    assert (target / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    with publish_folder(target) as folder:
        (folder / "b").write_text("new")
    assert [path.name for path in target.iterdir()] == ["b"]


def test_an_optimizer_goes_on_exactly_as_before(tmp_path: Path) -> None:
    def make() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        network = torch.nn.Linear(3, 2)
        return network, torch.optim.AdamW(network.parameters(), lr=0.1)

    def step(network: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        network(torch.ones(1, 3)).square().sum().backward()
        optimizer.step()

    first, optimizer = make()
    step(first, optimizer)
    tensors, settings = pack_optimizer(optimizer)
    groups = {"network": pack_network(first), "optimizer": tensors}
    save_checkpoint(tmp_path, 1, tensors=groups, state={"optimizer": settings})
    step(first, optimizer)

    second, other = make()
    loaded = load_newest_checkpoint(tmp_path)
    assert loaded is not None
    unpack_network(second, loaded.tensors["network"])
    unpack_optimizer(other, loaded.tensors["optimizer"], loaded.state["optimizer"])
    step(second, other)
    assert torch.equal(first.weight, second.weight)


def test_random_states_go_on_exactly_as_before(tmp_path: Path) -> None:
    own = torch.Generator().manual_seed(5)

    def draw() -> tuple[float, float, float, float]:
        return (
            random.random(),
            float(numpy.random.rand()),
            torch.rand(1).item(),
            torch.rand(1, generator=own).item(),
        )

    tensors, state = pack_randomness(own=own)
    save_checkpoint(tmp_path, 1, tensors={"randomness": tensors}, state={"randomness": state})
    drawn = draw()
    loaded = load_newest_checkpoint(tmp_path)
    assert loaded is not None
    unpack_randomness(loaded.tensors["randomness"], loaded.state["randomness"], own=own)
    assert draw() == drawn


def test_a_checkpoint_of_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="another network"):
        unpack_network(torch.nn.Linear(2, 2), pack_network(torch.nn.Linear(2, 3)))
    with pytest.raises(ValueError, match="another network"):
        MasterWeights(torch.nn.Linear(2, 2)).unpack({"other": torch.ones(1)})


def test_masters_keep_what_bfloat16_would_lose() -> None:
    network = torch.nn.Linear(1, 1, bias=False, dtype=torch.bfloat16)
    masters = MasterWeights(network)
    (master,) = masters.parameters
    with torch.no_grad():
        master.fill_(1.0)
    for _ in range(100):
        with torch.no_grad():
            master.add_(1e-4)
        masters.publish()
    assert master.item() == pytest.approx(1.01, abs=1e-5)
    assert network.weight.item() == pytest.approx(1.01, abs=0.005)
    for _ in range(2):
        network(torch.ones(1, 1, dtype=torch.bfloat16)).sum().backward()
        masters.collect()
    assert network.weight.grad is None
    assert master.grad is not None
    assert master.grad.item() == 2.0


def test_float32_parameters_are_their_own_masters() -> None:
    network = torch.nn.Linear(2, 2)
    assert MasterWeights(network).parameters[0] is network.weight


def test_state_of_another_shape_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = save(tmp_path, 3)
    found = load_newest_checkpoint(tmp_path)
    assert found is not None
    with pytest.raises(ConfigError) as refused, restoring(found):
        found.state["votes"]
    (fault,) = refused.value.faults
    assert fault.startswith(f"{folder}: ")
    assert "KeyError: 'votes'" in fault
    assert "go on with the version that wrote it, or start the run anew in a new run directory" in fault


@pytest.mark.parametrize(
    "error", [ConfigError(["seed: differs"]), DataError("data: differs"), OSError("disk"), RuntimeError("bug")]
)
def test_what_is_no_fault_of_shape_keeps_its_own_words(tmp_path: Path, error: Exception) -> None:
    save(tmp_path, 3)
    found = load_newest_checkpoint(tmp_path)
    assert found is not None
    with pytest.raises(type(error)) as raised, restoring(found):
        raise error
    assert raised.value is error


def test_moments_of_another_shape_are_refused() -> None:
    def make(width: int) -> torch.optim.Optimizer:
        network = torch.nn.Linear(2, width)
        optimizer = torch.optim.AdamW(network.parameters())
        network(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        return optimizer

    tensors, settings = pack_optimizer(make(3))
    with pytest.raises(ValueError, match=r"0\.exp_avg is \[3, 2\] and its parameter \[4, 2\]"):
        unpack_optimizer(make(4), tensors, settings)


def test_masters_of_another_shape_are_refused() -> None:
    # One row would otherwise be spread over all of them without a word.
    saved = MasterWeights(torch.nn.Linear(2, 1)).pack()
    with pytest.raises(ValueError, match="another network"):
        MasterWeights(torch.nn.Linear(2, 3)).unpack(saved)


def test_a_folder_of_another_schema_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    save(tmp_path, 1)
    folder = save(tmp_path, 2)
    index = folder / "checkpoint.json"
    index.write_text(index.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(ConfigError, match=r"step-000002: .*its schema is 2, and 1 is known here"):
        load_newest_checkpoint(tmp_path)
