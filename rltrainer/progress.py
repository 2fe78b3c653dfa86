"""Where a policy run stands, and its checkpoints."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from rewardmodel.config_differences import list_differences
from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError
from rewardmodel.runtime.checkpoint import Checkpoint, load_newest_checkpoint, restoring, save_checkpoint
from rewardmodel.runtime.device import ComputeDevice, restore_threads
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.training_state import pack_randomness, unpack_randomness
from rltrainer.ranks import SINGLE, Ranks

CHANGEABLE = ("stop", "checkpoint", "brakes")
"""Sections that may differ when a run goes on: none changes what was learned so far."""
CHANGEABLE_FIELDS = {
    "model": ("processes", "sharding", "peak_tflops", "exact_forward"),
    "evaluation": ("people_every_steps",),
}
"""Fields of other sections that may differ: none changes what is learned either, but for how it is rounded."""


@dataclass(slots=True)
class Progress:
    """What a run must remember besides its parts."""

    step: int = 0
    """Steps done; also the policy's version."""
    reward_first: float | None = None
    """Mean reward of the first step's completions."""
    reward_last: float | None = None
    """Mean reward of the latest step's completions."""
    rival_marks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What answers of `reference` and `champion` to each held-out prompt were worth: JSON forms of `marks.Marks`."""
    warnings: list[dict[str, Any]] = field(default_factory=list)
    """What the brakes have found so far, as in `status.json`."""
    stopped_by: str = ""
    """Why no further step is taken, in plain words; empty while there is no reason but the number of steps."""


class Part(Protocol):
    """Something whose state belongs into a checkpoint."""

    def pack(self) -> tuple[dict[str, Tensor], Any]:
        """Tensors by name, and all else as JSON."""
        ...

    def unpack(self, tensors: Mapping[str, Tensor], state: Any) -> None:
        """Put both back."""
        ...


class Plain(Protocol):
    """Something whose state is JSON alone."""

    def state(self) -> Any:
        """What a checkpoint must hold; floats come back exactly."""
        ...

    def restore(self, state: Any) -> None:
        """Put it back."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """All that a checkpoint holds besides the progress and the random states."""

    tensors: Mapping[str, Part]
    """By name: `policy`, `critic`."""
    plain: Mapping[str, Plain]
    """By name: `kl`, `collector`, `brakes`."""


def save_progress(
    directory: RunDirectory,
    progress: Progress,
    parts: Parts,
    *,
    config: Mapping[str, Any],
    data_sha256: str,
    ranks: Ranks = SINGLE,
) -> None:
    """Write a complete checkpoint, which any number of ranks can go on from. All ranks call it; the first writes."""
    packed = {name: part.pack() for name, part in parts.tensors.items()}
    if ranks.is_first:
        _write(directory, progress, packed, parts, config=config, data_sha256=data_sha256)
    # Nobody may leave the run before the checkpoint is whole.
    ranks.barrier()
    directory.status.update(checkpoint_step=progress.step)


def _write(
    directory: RunDirectory,
    progress: Progress,
    packed: Mapping[str, tuple[dict[str, Tensor], Any]],
    parts: Parts,
    *,
    config: Mapping[str, Any],
    data_sha256: str,
) -> None:
    random_tensors, random_state = pack_randomness()
    save_checkpoint(
        directory.checkpoints,
        progress.step,
        tensors={**{name: tensors for name, (tensors, _) in packed.items()}, "random": random_tensors},
        state={
            "progress": asdict(progress),
            "parts": {name: state for name, (_, state) in packed.items()},
            "plain": {name: part.state() for name, part in parts.plain.items()},
            "random": random_state,
            "config": dict(config),
            "data_sha256": data_sha256,
            "threads": torch.get_num_threads(),
        },
    )


def load_progress(
    directory: RunDirectory, parts: Parts, *, config: Mapping[str, Any], data_sha256: str, compute: ComputeDevice
) -> Progress:
    """Put the newest checkpoint back in place, if there is one, and cut what was logged after it.

    Raises: ConfigError or DataError where the checkpoint was made with another config or other prompts, or by a version
    of the trainer whose state has another shape.
    """
    found = load_newest_checkpoint(directory.checkpoints)
    if found is None:
        directory.forget_after(-1)
        return Progress()
    with restoring(found):
        _require_same(found.state["config"], config)
        if found.state["data_sha256"] != data_sha256:
            raise DataError("data: differs from what the checkpoint was made with; use a new run directory")
        _restore_parts(found, parts)
        unpack_randomness(found.tensors["random"], found.state["random"])
        restore_threads(compute, found.state.get("threads"))
        progress = Progress(**found.state["progress"])
    directory.forget_after(found.step)
    directory.status.update(checkpoint_step=found.step, step=found.step, device=compute.name)
    return progress


def _restore_parts(found: Checkpoint, parts: Parts) -> None:
    tensors, plain = found.state["parts"], found.state["plain"]
    _require_names(tensors, parts.tensors)
    _require_names(plain, parts.plain)
    for name, part in parts.tensors.items():
        part.unpack(found.tensors[name], tensors[name])
    for name, own in parts.plain.items():
        own.restore(plain[name])


def _require_names(saved: Collection[str], own: Collection[str]) -> None:
    """Raises: ValueError where a part is missing, or would be lost."""
    if missing := sorted(set(own) - set(saved)):
        raise ValueError(f"it lacks {', '.join(missing)}")
    if unknown := sorted(set(saved) - set(own)):
        raise ValueError(f"nothing here knows its {', '.join(unknown)}")


def hash_file(path: Path) -> str:
    """The sha256 of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_same(saved: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    # A section of before that this version does not know means nothing to it.
    known = {section: values for section, values in saved.items() if section in current}
    faults = [
        f"{each.key.partition('.')[0]}: differs from the checkpoint's in {each.describe(then='there', now='now')}; "
        "put it back, or use a new run directory"
        for each in list_differences(known, current)
        if not _may_change(each.key)
    ]
    if faults:
        raise ConfigError(faults)


def _may_change(key: str) -> bool:
    section, _, name = key.partition(".")
    return section in CHANGEABLE or name in CHANGEABLE_FIELDS.get(section, ())
