"""How many tokens are run forward and backward at once, and what happens where memory does not suffice."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from rewardmodel.runtime.faults import Diverged

LEAST_TOKENS = 16
FASTEST_TOKENS = {"cpu": 2048, "cuda": 16_384}
"""Larger micro-batches gain nothing: the products are as fast as they get. One micro-batch a step has the lowest peak,
because its gradients come as its activations go."""
USABLE_SHARE = 0.6
"""Of the free memory; the rest is for what a backward pass needs besides what the forward pass kept, and for others."""
TRAINING_BYTES = 12
"""A trained weight's float32 gradient and AdamW's two means, which do not exist yet when the size is chosen."""
PROBE_TOKENS = 128
T = TypeVar("T")
log = logging.getLogger(__name__)


class MicroBatchBudget:
    """The size of micro-batches in tokens; it only ever shrinks."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def halve(self) -> None:
        """Take half. Raises: Diverged where that would be fewer than any completion has."""
        if self.tokens <= LEAST_TOKENS:
            raise Diverged(f"out of memory even with micro-batches of {self.tokens} tokens; take a smaller model")
        self.tokens //= 2
        log.warning("out of memory: going on with micro-batches of %d tokens", self.tokens)


def within_memory(work: Callable[[], T], make_room: Callable[[], None]) -> T:
    """What the work gives; where memory does not suffice, what it gives anew once room has been made, or once more."""
    while True:
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # Outside of the handler: the error's frames hold the tensors that need to go.
        make_room()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on a GPU or on the CPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def measure_budget(forward: Callable[[int], object], *, device: torch.device, trained: int) -> MicroBatchBudget:
    """The largest micro-batch that is still faster than a smaller one and fits into the memory that is free now.

    forward: runs so many tokens with gradients enabled and gives what must stay alive. trained: weights that learn.
    """
    # Two sizes: what is kept whatever the tokens, such as a view of every weight, is no token's.
    few, many = (measure_kept_bytes(partial(forward, tokens)) for tokens in (PROBE_TOKENS, 2 * PROBE_TOKENS))
    kept = (many - few) / PROBE_TOKENS
    free = free_bytes(device) - TRAINING_BYTES * trained
    tokens = fit_tokens(bytes_per_token=kept, free=free, fastest=FASTEST_TOKENS[device.type])
    log.info("micro-batches of %d tokens: %.0f KiB a token, %.0f MiB free", tokens, kept / 2**10, free / 2**20)
    return MicroBatchBudget(tokens)


def fit_tokens(*, bytes_per_token: float, free: float, fastest: int) -> int:
    """PURE: as many tokens as fit into the usable share of `free` bytes, at most `fastest`, at least the least."""
    fitting = int(USABLE_SHARE * max(free, 0.0) / max(bytes_per_token, 1.0))
    return max(LEAST_TOKENS, min(fastest, fitting))


def measure_kept_bytes(forward: Callable[[], object]) -> int:
    """Bytes that a forward pass keeps for its backward pass; each storage counts once."""
    with torch.enable_grad(), count_kept_bytes() as kept:
        found = forward()
        size = kept()
    del found
    return size


_note: ContextVar[Callable[[Tensor], Tensor] | None] = ContextVar("note", default=None)
"""What notes the tensors that forward passes keep, inside of `count_kept_bytes`."""


@contextmanager
def count_kept_bytes() -> Iterator[Callable[[], int]]:
    """Gives the bytes that forward passes inside the block have kept so far, as long as nothing of them is let go."""
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        # A node that kept its own output would hold itself, and all before it, until some round of the collector.
        return tensor.detach()

    token = _note.set(note)
    try:
        with go_on_counting():
            yield lambda: sum(sizes.values())
    finally:
        _note.reset(token)


@contextmanager
def go_on_counting() -> Iterator[None]:
    """For passes in another thread, in a copy of the context: autograd's hooks are each thread's own."""
    note = _note.get()
    with nullcontext() if note is None else torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        yield


def free_bytes(device: torch.device) -> int:
    """Bytes that this process could still take, on the device or in the CPU's memory and its control group."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limits = [_available(), _group_rest()]
    return min(limit for limit in limits if limit is not None)


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        # No Linux: nothing is known, and the largest useful size is taken.
        return 2**62
    found = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return found[0] * 1024 if found else 2**62


def _group_rest() -> int | None:
    """What a container's limit leaves."""
    root = Path("/sys/fs/cgroup")
    try:
        limit, used = (root / "memory.max").read_text().strip(), (root / "memory.current").read_text()
    except OSError:
        return None
    return None if limit == "max" else int(limit) - int(used)
