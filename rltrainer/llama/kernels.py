"""PURE: the small operations of a Llama layer and their gradients by hand."""

import torch
from torch import Tensor


def normalize(
    states: Tensor, weight: Tensor, epsilon: float, dtype: torch.dtype, *, out: Tensor | None = None
) -> Tensor:
    """Root-mean-square norm over the last dimension, computed in float32 and given in this dtype; in `out` if given."""
    normed = torch.nn.functional.rms_norm(states, states.shape[-1:], weight.to(states.dtype), epsilon)
    return normed.to(dtype) if out is None else out.copy_(normed)


def normalize_few(states: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """`normalize` for few rows, where the number of operations counts: 4 instead of 9.

    A layer norm of the states with their own negatives beside them, whose mean is 0: its variance is their mean square.
    In bfloat16 it rounds once more, before the weight.
    """
    width = states.shape[-1]
    both = torch.cat([states, -states], dim=-1)
    unit = torch.native_layer_norm(both, [2 * width], None, None, epsilon)[0]
    return unit[..., :width] * weight.to(states.dtype)


def normalize_backward(gradient: Tensor, states: Tensor, weight: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Gradients of `normalize` with respect to states and weight, both float32.

    gradient, states: [tokens, width]; weight: [width].
    """
    wide, scale = states.float(), weight.float()
    width = states.shape[-1]
    inverse = (torch.linalg.vecdot(wide, wide) / width + epsilon).rsqrt()[:, None]
    unit = wide.mul_(inverse) if wide is not states else wide * inverse
    slope = gradient.float()
    product = slope * unit
    along = (product @ scale / width)[:, None]
    rest = (slope * scale).addcmul_(unit, along, value=-1.0).mul_(inverse)
    return rest, product.sum(dim=0)


def rotate(states: Tensor, cosine: Tensor, sine: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Rotary position embedding, computed in float32, in the dtype of `states`.

    states: [tokens, heads, width]; cosine, sine: [tokens, 1, width / 2] float32. With the sine negated it turns back,
    which is also its gradient. Source: Su et al. 2021 (arXiv:2104.09864), halves instead of neighbours turned together.
    """
    wide = states.float()
    first, second = wide.chunk(2, dim=-1)
    turned = torch.empty_like(wide, memory_format=torch.contiguous_format)
    low, high = turned.chunk(2, dim=-1)
    torch.mul(first, cosine, out=low).addcmul_(second, sine, value=-1.0)
    torch.mul(second, cosine, out=high).addcmul_(first, sine)
    return turned.to(states.dtype) if out is None else out.copy_(turned)


def silu(gate: Tensor, *, spent: bool = False) -> Tensor:
    """gate * sigmoid(gate); in the place of a gate that is spent."""
    return torch.nn.functional.silu(gate, inplace=spent)


def gated(gate: Tensor, up: Tensor, *, spent: bool = False) -> Tensor:
    """silu(gate) * up; in the place of a gate that is spent."""
    return silu(gate, spent=spent).mul_(up)


def gated_backward(gradient: Tensor, gate: Tensor, up: Tensor, open_gate: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of `gated` with respect to gate and up. open_gate: silu(gate), which is changed."""
    return torch.ops.aten.silu_backward(gradient * up, gate), open_gate.mul_(gradient)
