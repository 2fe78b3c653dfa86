"""Float32 masters beside a network that computes in bfloat16."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from rewardmodel.runtime.training_state import require_same_shapes
from rewardmodel.runtime.whole_weights import WholeWeights


class MasterWeights(WholeWeights):
    """The float32 parameters that an optimizer steps, whatever dtype the network computes in.

    Parameters of the network that are float32 are their own masters: nothing is copied for them.
    Use: backward a micro-batch -> `collect()` -> ... -> clip -> `step()`.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._pairs: dict[str, tuple[nn.Parameter, nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                self._pairs[name] = (parameter, _master_of(parameter))

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What the optimizer steps, in the network's order."""
        return [master for _, master in self._pairs.values()]

    @property
    def lower_halves(self) -> list[Tensor | None]:
        """What each parameter lacks of its exact weights: nothing."""
        return [None] * len(self._pairs)

    @torch.no_grad()
    def collect(self) -> None:
        """Add the gradients of one micro-batch to the masters in float32, and clear them in the network."""
        for parameter, master in self._pairs.values():
            if parameter is master or parameter.grad is None:
                continue
            if master.grad is None:
                master.grad = parameter.grad.float()
            else:
                master.grad.add_(parameter.grad)
            parameter.grad = None

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Move the masters, and let the network compute with them."""
        optimizer.step()
        self.publish()

    @torch.no_grad()
    def publish(self) -> None:
        """Copy the masters into the network after a step."""
        for parameter, master in self._pairs.values():
            if parameter is not master:
                parameter.copy_(master)

    def clear_gradients(self) -> None:
        """Forget all gradients, of masters and network."""
        for pair in self._pairs.values():
            for parameter in pair:
                parameter.grad = None

    def pack(self) -> dict[str, Tensor]:
        """The masters by parameter name, for a checkpoint."""
        return {name: master.detach().cpu() for name, (_, master) in self._pairs.items()}

    @torch.no_grad()
    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Put packed masters back and publish them. Raises: ValueError where they are of another network."""
        require_same_shapes({name: master for name, (_, master) in self._pairs.items()}, tensors)
        for name, (_, master) in self._pairs.items():
            master.copy_(tensors[name])
        self.publish()


def _master_of(parameter: nn.Parameter) -> nn.Parameter:
    if parameter.dtype == torch.float32:
        return parameter
    return nn.Parameter(parameter.detach().float().clone())
