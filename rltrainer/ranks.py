"""The processes of one run and what they do together.

Every rank holds all completions of a step and comes to the same decisions about them; only the expensive passes
(sampling, scoring, forward and backward) are shared out. So nothing depends on how many ranks there are.
"""

import datetime
import math
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError
from rewardmodel.runtime.faults import Diverged, Interrupted
from rltrainer.gradients import gradient_of
from rltrainer.rank_environment import RankPlace, name_launch, read_place
from rltrainer.rank_outcome import RankLost

T = TypeVar("T")
PATIENCE = datetime.timedelta(minutes=30)
"""How long a rank waits for the others: one may be sampling the longest completions of the step."""
BUCKET_ELEMENTS = 2**24
"""Gradients are summed in flat pieces of at most this many numbers (64 MiB in float32)."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of its run. `Ranks(0, 1)` is alone, and every method then costs nothing."""

    index: int
    """Number of this process, from 0."""
    count: int
    """How many processes there are."""

    @property
    def is_first(self) -> bool:
        """True for the one rank that writes files."""
        return self.index == 0

    def gather(self, value: T) -> list[T]:
        """Every rank's value, in the order of ranks. Raises: RankLost."""
        if self.count == 1:
            return [value]
        found: list[T | None] = [None] * self.count
        with _losses_told():
            torch.distributed.all_gather_object(found, value)
        return found  # type: ignore[return-value]

    def sum(self, values: Sequence[float]) -> list[float]:
        """The sum over ranks of each number, exactly rounded, the same on every rank."""
        return [math.fsum(column) for column in zip(*self.gather(list(values)), strict=True)]

    def any(self, flag: bool) -> bool:
        """True on every rank when it is so on one."""
        return any(self.gather(flag))

    def barrier(self) -> None:
        """Wait until every rank is here."""
        self.gather(None)

    def share(self, items: Sequence[T], *, weights: Sequence[float] | None = None) -> list[T]:
        """This rank's part of what all ranks hold alike: a run of neighbours, of about equal weight on each rank.

        The parts of all ranks, in their order, are the whole. A part may be empty.
        """
        owners = share_out(len(items), self.count, weights=weights)
        return [item for item, owner in zip(items, owners, strict=True) if owner == self.index]

    def join(self, own: Sequence[T]) -> list[T]:
        """The parts of all ranks, in their order, as one list on every rank."""
        return [item for part in self.gather(list(own)) for item in part]

    def attempt(self, work: Callable[[], T]) -> T:
        """What `work` gives; where it fails on one rank, it fails on all, for the same reason.

        Raises: Interrupted, ConfigError, DataError, Diverged as the first rank that raised one of them.
        """
        if self.count == 1:
            return work()
        result, own = None, None
        try:
            result = work()
        except AGREED as error:
            own = error
        for fault in self.gather(None if own is None else _describe(own)):
            if fault is not None:
                kind, message = fault
                raise kind(message) from own
        return result  # type: ignore[return-value]

    @torch.no_grad()
    def reduce_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Sum each parameter's gradient over the ranks, in float32 and in one order; a rank without one adds zeros.

        Those of spread parameters are summed by their backward pass, and left as they are.
        """
        if self.count == 1:
            return
        for bucket in _buckets([parameter for parameter in parameters if not isinstance(parameter, DTensor)]):
            flat = torch.cat([gradient_of(parameter).float().flatten() for parameter in bucket])
            with _losses_told():
                torch.distributed.all_reduce(flat)
            for parameter, part in zip(bucket, flat.split([p.numel() for p in bucket]), strict=True):
                parameter.grad = part.view_as(parameter).to(parameter.grad_dtype)


AGREED: tuple[type[Exception], ...] = (Interrupted, ConfigError, DataError, Diverged)
"""What ends a run, or a step, in order: every rank raises it."""
SINGLE = Ranks(0, 1)
"""A run of one process."""


def start_ranks(place: RankPlace | None = None, *, device: str = "auto") -> Ranks:
    """Join the other processes of the run, as torchrun's variables name them; alone without these.

    gloo carries objects and everything on CPUs, nccl what is on GPUs, of which each process takes its own unless
    `device` is `cpu`. Raises: ConfigError where there are fewer GPUs than processes; RankLost.
    """
    place = read_place() if place is None else place
    if place.count == 1:
        return SINGLE
    backend = "gloo"
    if device != "cpu" and torch.cuda.is_available():
        gpus = torch.cuda.device_count()
        if place.local_index >= gpus:
            raise ConfigError([f"model.processes: this machine has {gpus} GPUs; take no more processes than that"])
        torch.cuda.set_device(place.local_index)
        backend = "cpu:gloo,cuda:nccl"
    with _losses_told():
        torch.distributed.init_process_group(backend, rank=place.index, world_size=place.count, timeout=PATIENCE)
    ranks = Ranks(place.index, place.count)
    # The first rank's, which is new each time: launchers' own names and ports come again.
    name_launch(ranks.gather(uuid.uuid4().hex)[0])
    return ranks


def stop_ranks(ranks: Ranks) -> None:
    """Leave the others; call it where all of them have come to the end."""
    if ranks.count > 1:
        torch.distributed.destroy_process_group()


def share_out(items: int, ranks: int, *, weights: Sequence[float] | None = None) -> list[int]:
    """The rank of each item: neighbours together, ranks ascending, weights about even. `share_out(3, 2)` is [0, 0, 1].

    Without weights sizes differ by at most one. Raises: ValueError for weights of another length.
    """
    if weights is None:
        return [place * ranks // items for place in range(items)]
    if len(weights) != items:
        raise ValueError(f"{len(weights)} weights for {items} items")
    whole, before, owners = sum(weights) or 1, 0.0, []
    for weight in weights:
        # An item goes where its middle lies when all of them stand in one line.
        owners.append(min(int((before + weight / 2) * ranks / whole), ranks - 1))
        before += weight
    return owners


def _describe(fault: Exception) -> tuple[type[Exception], Any]:
    """What makes the same fault on another rank."""
    return type(fault), fault.faults if isinstance(fault, ConfigError) else str(fault)


def _buckets(parameters: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    bucket: list[nn.Parameter] = []
    elements = 0
    for parameter in parameters:
        if bucket and (elements + parameter.numel() > BUCKET_ELEMENTS or parameter.device != bucket[0].device):
            yield bucket
            bucket, elements = [], 0
        bucket.append(parameter)
        elements += parameter.numel()
    if bucket:
        yield bucket


@contextmanager
def _losses_told() -> Iterator[None]:
    """A failed collective means that a rank is gone; torch says it in the words of its sockets."""
    try:
        yield
    except RuntimeError as error:
        raise RankLost(f"another process of this run is gone or does not answer: {error}") from error
