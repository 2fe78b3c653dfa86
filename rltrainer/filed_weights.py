"""Weights read from where they lie in their files: frozen ones for each use, others once, a tensor at a time."""

import json
import logging
import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

DTYPES = {"BF16": torch.bfloat16, "F32": torch.float32}
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a weight lies."""

    parameter: nn.Parameter
    file: BinaryIO
    offset: int
    view: Tensor
    """The same weight as a view of the mapped file."""


class FiledWeights:
    """A frozen network's weights, read from their safetensors files for each use.

    In use they lie in memory that the process has freed elsewhere in the step (gradients, mostly), so that they add
    nothing to its peak. Between uses they are views of the files, and take none. The files must not be cut or
    rewritten in place meanwhile.
    """

    def __init__(self, entries: list[_Entry], maps: list[mmap.mmap]) -> None:
        self._entries = entries
        self._maps = maps

    def take(self) -> None:
        """Read all weights. Raises: OSError where a file has become shorter."""
        for entry in self._entries:
            entry.parameter.data = _read(entry)

    def release(self) -> None:
        """Forget what was read, and take the files' pages out of this process's memory."""
        for entry in self._entries:
            entry.parameter.data = entry.view
        for each in self._maps:
            each.madvise(mmap.MADV_DONTNEED)


def file_weights(network: PreTrainedModel, folder: Path) -> FiledWeights:
    """Let every weight that a file holds in the network's own dtype and shape be read from there.

    Weights on a GPU, and those that had to be converted, stay as they are.
    """
    parameters = dict(network.named_parameters())
    if not hasattr(mmap, "MADV_DONTNEED") or any(parameter.requires_grad for parameter in parameters.values()):
        return FiledWeights([], [])
    entries: list[_Entry] = []
    maps = []
    for path in sorted(folder.glob("*.safetensors")):
        file = path.open("rb", buffering=0)
        memory, found = _map(file)
        fitting = [name for name in parameters if name in found and _fits(found[name][1], parameters[name])]
        entries.extend(_Entry(parameters[name], file, *found[name]) for name in fitting)
        if fitting:
            maps.append(memory)
        else:
            file.close()
    weights = FiledWeights(entries, maps)
    weights.release()
    left = sum(parameter.numel() * parameter.element_size() for parameter in parameters.values()) if not maps else 0
    if left:
        log.info("the reference is held in memory (%d MiB): its files have another precision", left >> 20)
    return weights


def view_weights(network: nn.Module, folder: Path) -> dict[str, Tensor] | None:
    """What learns in the network as views of the mapped files, in their precision; None where a weight is not there.

    A whole second network would take as much memory as AdamW's means, and leave gaps that these do not fit into.
    """
    found: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb", buffering=0) as file:
            found.update((name, view) for name, (_, view) in _map(file)[1].items())
    wanted = {name: parameter.shape for name, parameter in network.named_parameters() if parameter.requires_grad}
    fitting = {name: found[name] for name, shape in wanted.items() if name in found and found[name].shape == shape}
    return fitting if len(fitting) == len(wanted) else None


def _map(file: BinaryIO) -> tuple[mmap.mmap, dict[str, tuple[int, Tensor]]]:
    memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return memory, _read_entries(memory)


def _read(entry: _Entry) -> Tensor:
    tensor = torch.empty(entry.view.shape, dtype=entry.view.dtype)
    room = memoryview(tensor.view(-1).view(torch.uint8).numpy().data)
    done = 0
    while done < len(room):
        count = os.preadv(entry.file.fileno(), [room[done:]], entry.offset + done)
        if count == 0:
            raise OSError(f"{entry.file.name} has become shorter: the reference's weights cannot be read any more")
        done += count
    return tensor


def _fits(tensor: Tensor, own: Tensor) -> bool:
    return own.device.type == "cpu" and tensor.dtype == own.dtype and tensor.shape == own.shape


def _read_entries(memory: mmap.mmap) -> dict[str, tuple[int, Tensor]]:
    """The tensors of a safetensors file, each with its place in the file and as a view of it.

    The file is 8 bytes of header length, the header as JSON, then the data.
    """
    start = 8 + int.from_bytes(memory[:8], "little")
    header = json.loads(memory[8:start])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] not in DTYPES:
            continue
        first, last = (start + place for place in entry["data_offsets"])
        dtype = DTYPES[entry["dtype"]]
        # A tensor that begins at an odd place cannot be read in place.
        if first % dtype.itemsize == 0 and last > first:
            flat = torch.frombuffer(memory, dtype=dtype, count=(last - first) // dtype.itemsize, offset=first)
            tensors[name] = (first, flat.view(entry["shape"]))
    return tensors
