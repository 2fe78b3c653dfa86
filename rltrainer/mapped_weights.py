"""Frozen weights that stay in their files: memory holds them only while they are used."""

import json
import logging
import mmap
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

DTYPES = {"BF16": torch.bfloat16, "F32": torch.float32}
log = logging.getLogger(__name__)


class MappedWeights:
    """A frozen network's weights as views of their safetensors files.

    Between uses `release` lets the pages go; the next use takes them from the system's file cache. The files must not
    be cut or rewritten in place meanwhile.
    """

    def __init__(self, maps: list[mmap.mmap]) -> None:
        self._maps = maps

    def release(self) -> None:
        """Take the pages out of this process's memory."""
        for each in self._maps:
            each.madvise(mmap.MADV_DONTNEED)


def map_weights(network: PreTrainedModel, folder: Path) -> MappedWeights:
    """Let every weight that a file holds in the network's own dtype and shape be read from there.

    Weights on a GPU, and those that had to be converted, stay as they are.
    """
    parameters = dict(network.named_parameters())
    if not hasattr(mmap, "MADV_DONTNEED") or any(parameter.requires_grad for parameter in parameters.values()):
        return MappedWeights([])
    maps = []
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        found = _read_entries(memory)
        fitting = {name: found[name] for name, own in parameters.items() if name in found and _fits(found[name], own)}
        for name, tensor in fitting.items():
            parameters[name].data = tensor
        if fitting:
            maps.append(memory)
    left = sum(parameter.numel() * parameter.element_size() for parameter in parameters.values()) if not maps else 0
    if left:
        log.info("the reference is held in memory (%d MiB): its files have another precision", left >> 20)
    return MappedWeights(maps)


def _fits(tensor: Tensor, own: Tensor) -> bool:
    return own.device.type == "cpu" and tensor.dtype == own.dtype and tensor.shape == own.shape


def _read_entries(memory: mmap.mmap) -> dict[str, Tensor]:
    """The tensors of a safetensors file, as views: 8 bytes of header length, the header as JSON, then the data."""
    start = 8 + int.from_bytes(memory[:8], "little")
    header = json.loads(memory[8:start])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] not in DTYPES:
            continue
        first, last = entry["data_offsets"]
        dtype = DTYPES[entry["dtype"]]
        # A tensor that begins at an odd place cannot be read in place.
        if (start + first) % dtype.itemsize == 0 and last > first:
            flat = torch.frombuffer(memory, dtype=dtype, count=(last - first) // dtype.itemsize, offset=start + first)
            tensors[name] = flat.view(entry["shape"])
    return tensors
