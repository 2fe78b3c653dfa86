"""What learns a step asks of the weights it moves, be they whole on every rank or spread over all."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

Run = Callable[[Callable[[], Any]], Any]
"""Does some work on a network and gives what the work gave."""


def run_directly(work: Callable[[], Any]) -> Any:
    """Do it: the network is whole."""
    return work()


class Weights(Protocol):
    """Float32 weights of a network: `MasterWeights` beside it, `SplitWeights` in it, or `ShardedWeights`."""

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What the optimizer steps."""
        ...

    @property
    def lower_halves(self) -> Sequence[Tensor | None]:
        """For each parameter what it lacks of its exact weights; None where it is exact."""
        ...

    @property
    def is_spread(self) -> bool:
        """True where passes with gradient are run by all ranks together, the same number on each."""
        ...

    def run(self, work: Callable[[], Any]) -> Any:
        """Do some work on the network, with gradient or without."""
        ...

    def whole(self) -> AbstractContextManager[None]:
        """Inside the block each rank can use the network alone, without gradient; all enter it together."""
        ...

    def collect(self) -> None:
        """Take over the gradients of one micro-batch."""
        ...

    def step(self, adamw: torch.optim.AdamW) -> None:
        """Move the weights along their gradients, and let the network compute with them."""
        ...

    def clear_gradients(self) -> None:
        """Forget all gradients."""
        ...

    def pack(self) -> dict[str, Tensor]:
        """The whole weights by name, for a checkpoint. All ranks call it; only the first needs to get them."""
        ...

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Put packed weights back."""
        ...
