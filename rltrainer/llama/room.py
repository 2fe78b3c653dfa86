"""Memory for what a layer's forward pass keeps for its backward pass."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from rewardmodel.runtime.split_weights import weights_in
from rltrainer.llama.attention import Softmax
from rltrainer.llama.kernels import normalize
from rltrainer.llama.passes import Pass
from rltrainer.llama.weights import LayerWeights, Norm

ALIGNED_ELEMENTS = 64
"""Tensors in one piece of memory begin at multiples of this many elements."""
SOFTMAX_SHARE = 4
"""Attention's softmax is kept where it has so many times the elements of the queries at most, for it grows with the
square of the length: for completions of up to some 250 tokens, where heads are 64 wide."""
HEADS = ("query", "key", "value")
_SOFTMAX = ("stem_softmax", "branch_softmax")


class Room:
    """Memory for what a layer keeps for its backward pass, one piece for all, taken before anything short-lived.

    Kept tensors between short-lived ones would leave gaps that nothing fits into, and so would many kept tensors in the
    place of which gradients of other sizes come: glibc never gives an aligned block the gap of one of the same size.
    Each took a tenth of the memory of a run.
    """

    def __init__(self, parts: Mapping[str, Tensor]) -> None:
        """parts: the place of all that is to be kept; where no backward pass will come, none."""
        self.parts = parts

    @property
    def softmax(self) -> Softmax | None:
        """Where attention is to leave it, if at all."""
        stems, branches = (self.parts.get(name) for name in _SOFTMAX)
        return None if stems is None or branches is None else (stems, branches)

    def heads(self, dtype: torch.dtype) -> tuple[Tensor, ...] | None:
        """Where queries, keys and values of this precision are to be computed, if not just anywhere."""
        places = [place for name in HEADS if (place := self.place(name, dtype)) is not None]
        return tuple(places) or None

    def place(self, name: str, dtype: torch.dtype) -> Tensor | None:
        """Where it is to be computed in this precision: there at once, unless it is kept rounded or not at all."""
        place = self.parts.get(name)
        return None if place is None or place.dtype != dtype else place

    def keep(self, name: str, found: Tensor) -> Tensor:
        """What was found, having left it, rounded, in the place of what is kept."""
        place = self.parts.get(name)
        if place is not None and place.data_ptr() != found.data_ptr():
            place.view(found.shape).copy_(found)
        return found

    def normalize(self, name: str, states: Tensor, norm: Norm, dtype: torch.dtype) -> Tensor:
        """The normed states in this precision, kept under this name."""
        weight = weights_in(norm.weight, dtype)
        return self.keep(name, normalize(states, weight, norm.epsilon, dtype, out=self.place(name, dtype)))


def make_room(weights: LayerWeights, own: Pass, *, tokens: int, rows: int) -> Room:
    """Memory for all that the backward pass of one layer is to find, and for its result as the next one keeps it.

    tokens: how many states there are; rows: how many of them are followed beyond attention.
    What attention gave (mixed), the states between attention and MLP (middle), the MLP's two inner products; in a roomy
    pass also attention's inputs, the normed states before attention and MLP, and the softmax.
    """
    width, inner = weights.output.out_features, weights.gate.out_features
    widths = [each.out_features for each in (weights.query, weights.key, weights.value)]
    shapes = {"mixed": (tokens, widths[0]), "middle": (rows, width), "gate": (rows, inner), "up": (rows, inner)}
    shapes["result"] = (rows, width)
    if own.roomy:
        shapes |= {name: (tokens, each) for name, each in zip(HEADS, widths, strict=True)}
        shapes |= {"attention_input": (tokens, width), "mlp_input": (rows, width)}
        sizes = own.plan.softmax_sizes
        if sum(sizes) <= SOFTMAX_SHARE * tokens * widths[0]:
            shapes |= {name: (1, size) for name, size in zip(_SOFTMAX, sizes, strict=True)}
    parts = _lay_out(weights.output.weight, own.dtype, list(shapes.values()))
    return Room(dict(zip(shapes, parts, strict=True)))


def _lay_out(like: Tensor, dtype: torch.dtype, shapes: Sequence[tuple[int, int]]) -> list[Tensor]:
    """Empty tensors of these shapes in one piece of memory, each where the processor's widest loads want it."""
    sizes = [-(-rows * width // ALIGNED_ELEMENTS) * ALIGNED_ELEMENTS for rows, width in shapes]
    parts = like.new_empty(sum(sizes), dtype=dtype).split(sizes)
    return [part[: rows * width].view(rows, width) for part, (rows, width) in zip(parts, shapes, strict=True)]
