"""Float32 weights of which a bfloat16 network is the upper half: no second copy, and nothing to round at each pass."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw as run_adamw

from rewardmodel.runtime.training_state import require_same_shapes
from rewardmodel.runtime.whole_weights import WholeWeights

PIECE_ELEMENTS = 2**19
"""Weights that are whole at once while they are moved: 2 MiB, which a processor's cache holds."""
HALF = 2**15
UPPER = -(2**16)
"""The bits of a float32 that bfloat16 has as well."""
LOWER_HALF = "lower_half"
"""Under this name a parameter knows what rounding took from it; a copy of the parameter, or another tensor put into its
`.data`, does not take it along."""


class SplitWeights(WholeWeights):
    """A network's own bfloat16 parameters, and beside each what rounding took from it.

    The network computes with its weights as they are; the optimizer moves the exact ones. Halves between two bfloat16
    numbers are rounded up. Gradients are float32, in the parameters' own `.grad`. Parameters of other precisions are
    moved as they are.
    """

    def __init__(self, network: nn.Module, exact: Mapping[str, Tensor]) -> None:
        """exact: float32 weights by name of what learns in the network; it takes them over, rounded."""
        self.network = network
        self._own = {name: own for name, own in network.named_parameters() if own.requires_grad}
        self._lower: dict[str, Tensor] = {}
        for name, parameter in self._own.items():
            if parameter.dtype == torch.bfloat16:
                parameter.grad_dtype = torch.float32
                self._lower[name] = torch.zeros_like(parameter, dtype=torch.int16)
                setattr(parameter, LOWER_HALF, self._lower[name])
        self.unpack({name: exact[name] for name in self._own})

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What learns, in the network's order."""
        return list(self._own.values())

    @property
    def lower_halves(self) -> list[Tensor | None]:
        """What each parameter lacks of its exact weights (int16); None where it is exact."""
        return [self._lower.get(name) for name in self._own]

    def collect(self) -> None:
        """Nothing: gradients are added up in float32 where they arise."""

    @torch.no_grad()
    def step(self, adamw: torch.optim.AdamW) -> None:
        """Move the exact weights by AdamW, a piece at a time, and round them anew."""
        lower = {id(parameter): half for parameter, half in zip(self.parameters, self.lower_halves, strict=True)}
        for group in adamw.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    _move(parameter, lower[id(parameter)], adamw.state[parameter], group)

    def clear_gradients(self) -> None:
        """Forget all gradients."""
        for parameter in self._own.values():
            parameter.grad = None

    def pack(self) -> dict[str, Tensor]:
        """The exact weights by parameter name, for a checkpoint."""
        return {name: _exact(parameter, self._lower.get(name)) for name, parameter in self._own.items()}

    @torch.no_grad()
    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Put packed weights back. Raises: ValueError where they are of another network."""
        require_same_shapes(self._own, tensors)
        for name, parameter in self._own.items():
            if name not in self._lower:
                parameter.copy_(tensors[name])
                continue
            flat, upper, lower = (each.view(-1) for each in (tensors[name], parameter.detach(), self._lower[name]))
            for piece in _pieces(flat):
                split_weights(flat[piece].to(torch.float32, copy=True), upper[piece], lower[piece])


def exact_weights(parameter: Tensor, rows: slice | Tensor = slice(None)) -> Tensor:
    """These rows of a parameter in float32: what the optimizer moves where the parameter is its upper half."""
    upper, lower = parameter.detach()[rows], getattr(parameter, LOWER_HALF, None)
    return upper.float() if lower is None else join_weights(upper, lower[rows])


def weights_in(parameter: Tensor, dtype: torch.dtype, rows: slice | Tensor = slice(None)) -> Tensor:
    """These rows of a parameter in this precision; exact where that is float32."""
    return exact_weights(parameter, rows) if dtype == torch.float32 else parameter.detach()[rows].to(dtype)


def join_weights(upper: Tensor, lower: Tensor) -> Tensor:
    """The float32 weights, in a tensor of their own, from bfloat16 and int16 halves of the same shape."""
    whole = upper.float()
    whole.view(torch.int32).add_(lower)
    return whole


def split_weights(whole: Tensor, upper: Tensor, lower: Tensor) -> None:
    """Both halves of float32 weights into `upper` (bfloat16, rounded) and `lower` (int16); `whole` is used up.

    A float32 is its bfloat16 followed by 16 more bits. Read as a number with a sign, these say how far the rounded
    one lies from it, and their sum is the whole again, bit by bit.
    """
    bits = whole.view(torch.int32)
    lower.copy_(bits)
    bits.add_(HALF).bitwise_and_(UPPER)
    upper.copy_(whole)


def _move(parameter: nn.Parameter, lower: Tensor | None, state: dict[str, Tensor], group: Mapping[str, Any]) -> None:
    gradient = parameter.grad
    assert gradient is not None
    before = state["step"].clone()
    flat = [each.view(-1) for each in (parameter.detach(), gradient, state["exp_avg"], state["exp_avg_sq"])]
    half = None if lower is None else lower.view(-1)
    for piece in _pieces(flat[0]):
        upper, *rest = (each[piece] for each in flat)
        whole = upper if half is None else join_weights(upper, half[piece])
        # Every piece takes the same step of the parameter.
        state["step"].copy_(before)
        _run_adamw(whole, rest, state["step"], group)
        if half is not None:
            split_weights(whole, upper, half[piece])


def _run_adamw(weights: Tensor, rest: Sequence[Tensor], step: Tensor, group: Mapping[str, Any]) -> None:
    gradient, mean, square = rest
    run_adamw(
        [weights],
        [gradient],
        [mean],
        [square],
        [],
        [step],
        fused=True,
        amsgrad=False,
        beta1=group["betas"][0],
        beta2=group["betas"][1],
        lr=group["lr"],
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        maximize=False,
    )


def _pieces(flat: Tensor) -> Iterator[slice]:
    return (slice(start, start + PIECE_ELEMENTS) for start in range(0, len(flat), PIECE_ELEMENTS))


def _exact(parameter: Tensor, lower: Tensor | None) -> Tensor:
    return parameter.detach().cpu() if lower is None else join_weights(parameter.detach(), lower)
