"""Networks, optimizers, schedules and random states as tensors and JSON, exactly and without pickle."""

import random
from collections.abc import Mapping
from typing import Any

import numpy
import torch
from torch import Tensor, nn


def pack_network(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers by name; tied weights once."""
    persistent = network.state_dict(keep_vars=True)
    tensors: dict[str, Tensor] = {
        name: parameter for name, parameter in network.named_parameters() if name in persistent
    }
    tensors.update({name: buffer for name, buffer in network.named_buffers() if name in persistent})
    return {name: tensor.detach().cpu() for name, tensor in tensors.items()}


@torch.no_grad()
def unpack_network(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put packed tensors back in place. Raises: ValueError where names or shapes differ."""
    own = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    require_same_shapes(pack_network(network), tensors)
    for name, tensor in tensors.items():
        own[name].copy_(tensor)


def require_same_shapes(own: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    """Raises: ValueError where names or shapes of saved tensors are not those of a network."""
    if own.keys() != saved.keys():
        raise ValueError(f"the checkpoint is of another network: {sorted(own.keys() ^ saved.keys())[:5]} differ")
    for name, tensor in saved.items():
        if own[name].shape != tensor.shape:
            raise ValueError(f"the checkpoint is of another network: {name} is {list(tensor.shape)}")


def pack_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (`<parameter index>.<name>`) and JSON (group settings, plain numbers) of an optimizer."""
    whole = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for index, entries in whole["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                # What is spread over processes has to be gathered by whoever knows them.
                tensors[f"{index}.{name}"] = value if hasattr(value, "full_tensor") else value.cpu()
            else:
                numbers.setdefault(str(index), {})[name] = value
    return tensors, {"groups": whole["param_groups"], "numbers": numbers}


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], settings: Any) -> None:
    """Put a packed optimizer state back, each tensor in its own precision.

    Raises: ValueError or LookupError where it is of other parameters.
    """
    optimizer.load_state_dict({"state": {}, "param_groups": settings["groups"]})
    # torch would round the state of a bfloat16 parameter to bfloat16.
    state: dict[int, dict[str, Any]] = {int(index): dict(entries) for index, entries in settings["numbers"].items()}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        parameter = parameters[int(index)]
        # Single numbers, such as the count of steps, have no shape.
        if tensor.ndim and tensor.shape != parameter.shape:
            raise ValueError(f"{key} is {list(tensor.shape)} and its parameter {list(parameter.shape)}")
        place = parameter.device if tensor.ndim or optimizer.defaults.get("fused") else tensor.device
        state.setdefault(int(index), {})[name] = tensor.to(place, copy=True)
    for number, entries in state.items():
        optimizer.state[parameters[number]] = entries


def pack_randomness(**generators: torch.Generator) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """States of python, numpy, torch, every CUDA device and the named generators."""
    tensors = {"torch": torch.get_rng_state()}
    tensors.update({f"generator.{name}": generator.get_state() for name, generator in generators.items()})
    if torch.cuda.is_available():
        tensors.update({f"cuda.{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())})
    numpy_state = numpy.random.get_state(legacy=False)
    return tensors, {"python": random.getstate(), "numpy": _plain(numpy_state)}


def unpack_randomness(tensors: Mapping[str, Tensor], state: Mapping[str, Any], **generators: torch.Generator) -> None:
    """Put packed random states back. CUDA states are skipped where that device is not there."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    numpy.random.set_state(state["numpy"])
    torch.set_rng_state(tensors["torch"])
    for name, generator in generators.items():
        generator.set_state(tensors[f"generator.{name}"])
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"cuda.{index}" in tensors:
            torch.cuda.set_rng_state(tensors[f"cuda.{index}"], index)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, numpy.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, numpy.generic) else value
