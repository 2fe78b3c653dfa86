"""Where a policy run stands, and its checkpoints."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError
from rewardmodel.runtime.checkpoint import load_newest_checkpoint, save_checkpoint
from rewardmodel.runtime.device import ComputeDevice, restore_threads
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.training_state import pack_optimizer, pack_randomness, unpack_optimizer, unpack_randomness
from rltrainer.config import GRPOConfig
from rltrainer.optimization import PolicyOptimizer

CHANGEABLE = ("stop", "checkpoint")
"""Sections that may differ when a run goes on: neither changes what was learned so far."""


@dataclass(slots=True)
class Progress:
    """What a run must remember besides weights, optimizer and random states."""

    step: int = 0
    """Steps done; also the policy's version."""
    prompts_drawn: int = 0
    """Prompts drawn from the sampler."""
    reward_first: float | None = None
    """Mean reward of the first step's completions."""
    reward_last: float | None = None
    """Mean reward of the latest step's completions."""
    reference_rewards: list[list[float]] = field(default_factory=list)
    """The reference's rewards on each held-out prompt."""


def save_progress(
    directory: RunDirectory, progress: Progress, optimizer: PolicyOptimizer, config: GRPOConfig, data_sha256: str
) -> None:
    """Write a complete checkpoint."""
    optimizer_tensors, optimizer_settings = pack_optimizer(optimizer.adamw)
    random_tensors, random_state = pack_randomness()
    save_checkpoint(
        directory.checkpoints,
        progress.step,
        tensors={"policy": optimizer.masters.pack(), "optimizer": optimizer_tensors, "random": random_tensors},
        state={
            "progress": asdict(progress),
            "optimizer": optimizer_settings,
            "random": random_state,
            "config": config.to_dict(),
            "data_sha256": data_sha256,
            "threads": torch.get_num_threads(),
        },
    )
    directory.status.update(checkpoint_step=progress.step)


def load_progress(
    directory: RunDirectory,
    optimizer: PolicyOptimizer,
    config: GRPOConfig,
    data_sha256: str,
    *,
    compute: ComputeDevice,
) -> Progress:
    """Put the newest checkpoint back in place, if there is one, and cut what was logged after it.

    Raises: ConfigError or DataError where the checkpoint was made with another config or other prompts.
    """
    found = load_newest_checkpoint(directory.checkpoints)
    if found is None:
        directory.forget_after(-1)
        return Progress()
    _require_same(found.state["config"], config.to_dict())
    if found.state["data_sha256"] != data_sha256:
        raise DataError(
            "prompts.jsonl: differs from the file that the checkpoint was made with; use a new run directory"
        )
    optimizer.masters.unpack(found.tensors["policy"])
    unpack_optimizer(optimizer.adamw, found.tensors["optimizer"], found.state["optimizer"])
    unpack_randomness(found.tensors["random"], found.state["random"])
    restore_threads(compute, found.state.get("threads"))
    directory.forget_after(found.step)
    directory.status.update(checkpoint_step=found.step, step=found.step, device=compute.name)
    return Progress(**found.state["progress"])


def hash_file(path: Path) -> str:
    """The sha256 of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_same(saved: dict[str, Any], current: dict[str, Any]) -> None:
    faults = [
        f"{section}: differs from the checkpoint's ({json.dumps(saved.get(section))}); use a new run directory"
        for section in current
        if section not in CHANGEABLE and saved.get(section) != current[section]
    ]
    if faults:
        raise ConfigError(faults)
