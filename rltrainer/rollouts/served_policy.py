"""A policy that another process serves: it is given the weights before it samples with them."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.atomic_files import UNFINISHED_PREFIX, publish_folder, sync_folder
from rltrainer.adapters import describe_adapters
from rltrainer.records import Completion
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.value_head import without_value_head

WEIGHTS = "model.safetensors"
KEPT_ADAPTERS = 2
"""The one that is served and the one before it, which the server may still be reading."""


class Server(Protocol):
    """An engine in another process."""

    def sample(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> list[tuple[Completion, ...]]:
        """For each request its completions, in the order of its seeds."""
        ...

    def load_adapter(self, folder: Path) -> None:
        """Sample from now on with this adapter."""
        ...

    def reload_weights(self) -> None:
        """Read the model's folder again."""
        ...


class ServedPolicy:
    """Samples from a server that has the policy's weights as they stand; see `rollouts.engine.RolloutEngine`."""

    def __init__(self, server: Server, publish: Callable[[int], None], version: Callable[[], int]) -> None:
        """publish: brings the weights of a version to the server. version: another number once weights have moved."""
        self.server = server
        self.publish = publish
        self.version = version
        self._published: int | None = None

    def sample(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> list[tuple[Completion, ...]]:
        """For each request its completions. Raises: what the server's engine does."""
        version = self.version()
        if version != self._published:
            self.publish(version)
            self._published = version
        return self.server.sample(requests, rules)


def publish_weights(server: Server, model: PreTrainedModel, folder: Path, *, dtype: torch.dtype) -> None:
    """Replace the weights in the folder of the served model by the policy's, in one step, and let it read them.

    dtype: of the file; what the policy computes in.
    """
    tensors = {name: parameter.detach() for name, parameter in model.named_parameters()}
    unfinished = folder / f"{UNFINISHED_PREFIX}{WEIGHTS}"
    save_file({name: _plain(tensor, dtype) for name, tensor in without_value_head(tensors).items()}, unfinished)
    unfinished.replace(folder / WEIGHTS)
    sync_folder(folder)
    server.reload_weights()


def publish_adapters(server: Server, model: PreTrainedModel, folder: Path, version: int) -> None:
    """Write the policy's adapters into a folder of their own, in PEFT's form, and let the server take them."""
    target = folder / f"adapter-{version}"
    config, tensors = describe_adapters(model)
    with publish_folder(target) as scratch:
        config.save_pretrained(str(scratch))
        save_file(
            {name: _plain(tensor, tensor.dtype) for name, tensor in tensors.items()},
            scratch / "adapter_model.safetensors",
        )
    server.load_adapter(target)
    _forget_old(folder, version)


def require_served_folder(folder: Path, *, adapters: bool) -> None:
    """Raises: ConfigError where new weights put into the folder would not be what the server reads."""
    if not folder.is_dir():
        raise ConfigError([f"rollout.vllm_folder: there is no folder {folder}"])
    if adapters:
        return
    files = sorted(path.name for path in folder.glob("*.safetensors"))
    if not (folder / "config.json").is_file() or files != [WEIGHTS]:
        raise ConfigError(
            [
                f"rollout.vllm_folder: {folder} must be the served model's folder, with config.json and its weights in "
                f"{WEIGHTS} alone; it has {', '.join(files) or 'no weights'}"
            ]
        )


def _plain(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.detach().to("cpu", dtype).contiguous()


def _forget_old(folder: Path, version: int) -> None:
    known = sorted(int(path.name.removeprefix("adapter-")) for path in folder.glob("adapter-*"))
    for old in [number for number in known if number < version][: -(KEPT_ADAPTERS - 1)]:
        shutil.rmtree(folder / f"adapter-{old}")
