"""What is so where every process holds all weights of a network."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class WholeWeights:
    """Weights that can be used by one process alone."""

    @property
    def is_spread(self) -> bool:
        """False: every process holds all weights, and may run as many passes as it likes."""
        return False

    def run(self, work: Callable[[], Any]) -> Any:
        """Do some work on the network."""
        return work()

    def whole(self) -> AbstractContextManager[None]:
        """A block in which the network can be used by itself, which is always so."""
        return nullcontext()
