"""Weights laid out once for many small products, for decoding in bfloat16 on a CPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from rltrainer.llama.products import can_pack


@contextmanager
def packed_linears(network: nn.Module, *, rows: int) -> Iterator[None]:
    """Inside the block every linear layer multiplies with a packed copy of its weight.

    At each call the plain layer lays its weight out anew for the processor's matrix instructions, which at `rows`
    rows costs more than the product itself. The copies take the memory of the weights once more; the weights must
    not change inside the block. Only for bfloat16 on a CPU that packs: elsewhere the block changes nothing.
    """
    chosen = [module for module in network.modules() if isinstance(module, nn.Linear) and _gains(module)]
    try:
        for module in chosen:
            module.forward = _packed_forward(module, rows)  # type: ignore[method-assign, assignment]
        yield
    finally:
        for module in chosen:
            # The instance's own attribute goes, and the class's method shows again.
            module.__dict__.pop("forward", None)


def _gains(module: nn.Linear) -> bool:
    weight = module.weight
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.bfloat16
        and can_pack()
        and "forward" not in module.__dict__
    )


def _packed_forward(module: nn.Linear, rows: int) -> Callable[[Tensor], Tensor]:
    packed = torch.ops.mkldnn._reorder_linear_weight(module.weight.detach(), rows)

    def forward(inputs: Tensor) -> Tensor:
        output: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, packed, module.bias, "none", [], "")
        return output

    return forward
