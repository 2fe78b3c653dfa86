"""Forward passes with gradient that wait for their loss."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from rltrainer.layouts import Cluster, Pair
from rltrainer.memory import free_bytes

KEPT_SHARE = 0.25
"""Of the free memory, for passes that wait for their returns while the policy learns."""
Pass = tuple[Sequence[Cluster], Tensor, Tensor]
"""A micro-batch with its values [completions, tokens] and which of them count."""


class KeptPasses:
    """Forward passes that gave values and wait, with all that they need to go backward, for the returns."""

    def __init__(self, pairs: Sequence[Pair], *, device: torch.device) -> None:
        self.pairs = list(pairs)
        self._room = KEPT_SHARE * free_bytes(device)
        self._passes: list[Pass] = []

    def add(self, clusters: Sequence[Cluster], values: Tensor, mask: Tensor, kept_bytes: int) -> bool:
        """Whether there was room; kept_bytes: of all passes, this one included."""
        self._passes.append((clusters, values, mask))
        return kept_bytes <= self._room

    def take(self) -> Iterator[Pass]:
        """One after the other; each is let go of as the next is asked for."""
        while self._passes:
            yield self._passes.pop(0)
