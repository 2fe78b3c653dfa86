"""How many tokens are run forward and backward at once, and what happens where memory does not suffice."""

import torch

from rewardmodel.runtime.faults import Diverged

LEAST_TOKENS = 16


class MicroBatchBudget:
    """The size of micro-batches in tokens; it only ever shrinks."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def halve(self) -> None:
        """Take half. Raises: Diverged where that would be fewer than any completion has."""
        if self.tokens <= LEAST_TOKENS:
            raise Diverged(f"out of memory even with micro-batches of {self.tokens} tokens; take a smaller model")
        self.tokens //= 2


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on a GPU or on the CPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
