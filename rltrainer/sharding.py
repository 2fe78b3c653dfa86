"""A network whose weights, gradients and optimizer state are spread over the ranks (FSDP2).

The weights are float32 shards; each layer is put together in the compute precision when a pass needs it, and its
gradients are summed over the ranks in float32. It stands where `MasterWeights` stands for a whole network.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.training_state import require_same_shapes
from rltrainer.ranks import Ranks

T = TypeVar("T")


class _Root(nn.Module):
    """Makes embeddings and head whole while some work on the network runs, and theirs to reduce afterwards."""

    def __init__(self, network: PreTrainedModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, work: Callable[[], T]) -> T:
        return work()


class ShardedWeights:
    """The float32 shards that this rank's optimizer steps.

    Every rank must run the same number of passes with gradient, for each pass puts layers together on all of them.
    """

    def __init__(self, network: PreTrainedModel, ranks: Ranks, *, compute_dtype: torch.dtype) -> None:
        self.network = network
        self.ranks = ranks
        self._root = _Root(network)
        device = next(network.parameters()).device
        policy = MixedPrecisionPolicy(
            param_dtype=None if compute_dtype == torch.float32 else compute_dtype, reduce_dtype=torch.float32
        )
        mesh = init_device_mesh(device.type, (ranks.count,))
        for module in [*decoder_layers(network), self._root]:
            fully_shard(module, mesh=mesh, mp_policy=policy)
        for part in self._parts():
            # The loss is divided by the counts of all ranks: gradients are to be added up, not averaged.
            part.set_gradient_divide_factor(1.0)
            part.set_force_sum_reduction_for_comms(True)

    def _parts(self) -> list[FSDPModule]:
        return [module for module in self._root.modules() if isinstance(module, FSDPModule)]

    @property
    def is_spread(self) -> bool:
        """True: every pass with gradient is run by all ranks together."""
        return True

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What the optimizer steps, in the network's order."""
        return [parameter for _, parameter in self._named()]

    def _named(self) -> list[tuple[str, nn.Parameter]]:
        return [(name, parameter) for name, parameter in self.network.named_parameters() if parameter.requires_grad]

    def run(self, work: Callable[[], T]) -> T:
        """What `work` gives, which may use any part of the network; tensors in it may be differentiated."""
        found: T = self._root(work)
        return found

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Inside the block this rank holds all weights in the compute precision and needs no other rank to use them.

        All ranks enter it together. For passes without gradient; the weights must not change inside.
        """
        with torch.no_grad():
            # The first pass of a network settles which of its parts belong together; inference mode would freeze that.
            self._root(lambda: None)
        for part in self._parts():
            part.set_reshard_after_forward(False, recurse=False)
            part.unshard()
        try:
            yield
        finally:
            for part in self._parts():
                part.reshard()
                part.set_reshard_after_forward(True, recurse=False)

    def collect(self) -> None:
        """Nothing: the backward pass has added the gradients to the shards."""

    @property
    def lower_halves(self) -> list[Tensor | None]:
        """What each parameter lacks of its exact weights: nothing."""
        return [None] * len(self.parameters)

    def step(self, adamw: torch.optim.AdamW) -> None:
        """Move the shards; the next pass reads them."""
        adamw.step()

    def clear_gradients(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def pack(self) -> dict[str, Tensor]:
        """The whole weights by name on the first rank, {} on the others. All ranks call it."""
        return gather_tensors({name: parameter.detach() for name, parameter in self._named()}, self.ranks)

    @torch.no_grad()
    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Put packed weights, of any number of ranks, back. Raises: ValueError where they are of another network."""
        own = dict(self._named())
        require_same_shapes(own, tensors)
        for name, parameter in own.items():
            parameter.copy_(share_tensor(tensors[name], parameter))


def gather_tensors(tensors: Mapping[str, Tensor], ranks: Ranks) -> dict[str, Tensor]:
    """Spread tensors made whole on the first rank's CPU, one at a time; {} on the others. All ranks call it."""
    gathered = {}
    for name, tensor in tensors.items():
        whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
        if ranks.is_first:
            gathered[name] = whole.cpu()
    return gathered


def as_number(norm: Tensor) -> float:
    """A norm over all ranks as a number."""
    return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)


def share_tensor(whole: Tensor, like: Tensor) -> Tensor:
    """This rank's part of a tensor that every rank holds whole, spread as `like` is."""
    if not isinstance(like, DTensor):
        return whole
    # Every rank has read the same file: nothing needs to be sent.
    return distribute_tensor(whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def share_optimizer(tensors: Mapping[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """A packed optimizer's tensors (`<parameter index>.<name>`), spread as the parameters are."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return {key: _share_state(tensor, parameters[int(key.partition(".")[0])]) for key, tensor in tensors.items()}


def _share_state(tensor: Tensor, parameter: Any) -> Tensor:
    return share_tensor(tensor, parameter) if tensor.shape == parameter.shape else tensor


def decoder_layers(network: PreTrainedModel) -> list[nn.Module]:
    """The layers of a network. Raises: ConfigError where it keeps them elsewhere than usual."""
    layers = getattr(network.base_model, "layers", None)
    if not isinstance(layers, nn.ModuleList):
        raise ConfigError([f"model.sharding: the layers of {type(network).__name__} are not found; take 'none'"])
    return list(layers)
