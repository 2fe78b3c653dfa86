"""What learns a step asks of the weights it moves, be they whole on every rank or spread over all."""

from typing import Protocol, TypeVar

from torch import Tensor, nn

T = TypeVar("T")


class Weights(Protocol):
    """Float32 weights beside a network: `MasterWeights`, or `ShardedWeights`."""

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What the optimizer steps."""
        ...

    def collect(self) -> None:
        """Take over the gradients of one micro-batch."""
        ...

    def publish(self) -> None:
        """Let the network compute with the weights as they stand."""
        ...

    def clear_gradients(self) -> None:
        """Forget all gradients."""
        ...

    def pack(self) -> dict[str, Tensor]:
        """The whole weights by name, for a checkpoint. All ranks call it; only the first needs to get them."""
        ...

    def unpack(self, tensors: dict[str, Tensor]) -> None:
        """Put packed weights back."""
        ...
