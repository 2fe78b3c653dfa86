"""Linear layers laid out once for many small products."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Product:
    """One or several linear layers of the same input, as one product [rows, outputs of all]."""

    weights: tuple[Tensor, ...]
    """One laid out for the processor's matrix instructions where `packed`, else the plain weights."""
    biases: tuple[Tensor | None, ...]
    packed: bool

    def __call__(self, states: Tensor) -> Tensor:
        """states: [rows, width]"""
        if self.packed:
            found: Tensor = torch.ops.mkldnn._linear_pointwise(states, self.weights[0], self.biases[0], "none", [], "")
            return found
        parts = [
            nn.functional.linear(states, weight, bias) for weight, bias in zip(self.weights, self.biases, strict=True)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def onto(self, states: Tensor, other: Tensor) -> Tensor:
        """The product added to `other`."""
        if self.packed:
            found: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
                states, other, self.weights[0], self.biases[0], "add"
            )
            return found
        return self(states).add_(other)


def can_pack() -> bool:
    """Whether bfloat16 weights can be laid out here: oneDNN refuses to on processors without AVX-512 or its like."""
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def make_product(linears: Sequence[nn.Linear], *, dtype: torch.dtype, rows: int) -> Product:
    """The layers as one product of inputs [rows, width] in this precision.

    In bfloat16 the product needs a copy of the weights, which the plain layer makes anew at each call: at few rows
    that costs more than the product itself.
    """
    weights = [linear.weight.detach().to(dtype) for linear in linears]
    biases = [None if linear.bias is None else linear.bias.detach().to(dtype) for linear in linears]
    if dtype != torch.bfloat16 or not can_pack():
        return Product(tuple(weights), tuple(biases), packed=False)
    whole = weights[0] if len(weights) == 1 else torch.cat(weights)
    packed = torch.ops.mkldnn._reorder_linear_weight(whole, rows)
    return Product((packed,), (_join(biases, [len(weight) for weight in weights], dtype),), packed=True)


def _join(biases: Sequence[Tensor | None], sizes: Sequence[int], dtype: torch.dtype) -> Tensor | None:
    if all(bias is None for bias in biases):
        return None
    parts = [torch.zeros(size, dtype=dtype) if bias is None else bias for bias, size in zip(biases, sizes, strict=True)]
    return torch.cat(parts)
