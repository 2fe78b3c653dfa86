"""One decoder layer with its backward pass by hand: it keeps little, and adds gradients where they belong.

The states that run from layer to layer are float32 whatever the products compute in: rounded to bfloat16 at every layer
they would be the largest part of a gradient's error (docs/adr/0016). What is kept of them for the backward pass is
rounded, where it costs next to nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from rewardmodel.runtime.split_weights import weights_in
from rltrainer.llama.attention import AttentionPlan, attend, attend_backward
from rltrainer.llama.kernels import gated, gated_backward, normalize, normalize_backward, rotate, silu
from rltrainer.llama.weights import LayerWeights
from rltrainer.side_by_side import Turn

ALIGNED_ELEMENTS = 64
"""Tensors in one piece of memory begin at multiples of this many elements."""
_KEPT = ("mixed", "middle", "gate", "up", "result")
"""What attention gave [tokens, heads * width], the states between attention and MLP [rows, width], the MLP's two inner
products [rows, inner width], and the states after the layer [rows, width]."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What all layers of one pass share."""

    plan: AttentionPlan
    dtype: torch.dtype
    """In which products of the backward pass are computed and what they need is kept."""
    forward: torch.dtype
    """In which products of the forward pass are computed: as those of the backward pass, or in float32."""
    cosine: Tensor
    """[tokens, 1, head width / 2] float32"""
    sine: Tensor
    turn: Turn = field(default_factory=Turn)
    """Within which gradients are added to those of weights: another pass may run beside this one."""
    roomy: bool = False
    """Whether queries, keys and values are kept for the backward pass: a sixth more memory for a thirtieth of its time.
    """


Heads = tuple[Tensor, Tensor, Tensor]
"""Queries [tokens, heads, width] and keys [tokens, key heads, width], turned by position, and values."""


def run_layer(
    states: Tensor, weights: LayerWeights, own: Pass, wanted: Tensor | None = None, room: "Room | None" = None
) -> tuple[Tensor, Heads]:
    """The layer's result for states [tokens, width], both float32, and its heads.

    wanted: the places [rows] whose result is asked for, in which case what comes after attention is of them alone.
    room: where what the backward pass needs is left, if one is to come.
    """
    middle, heads = _after_attention(states, weights, own, wanted, room or _Nowhere())
    return _after_mlp(middle, weights, own, room or _Nowhere()), heads


def _after_attention(
    states: Tensor, weights: LayerWeights, own: Pass, wanted: Tensor | None, room: "Room | _Nowhere"
) -> tuple[Tensor, Heads]:
    """The states after attention, and its queries, keys and values."""
    norm = weights.attention_norm
    normed = normalize(states, weights_in(norm.weight, own.forward), norm.epsilon, own.forward)
    heads = _heads(normed, weights, own, out=room.for_heads)
    mixed = room.keep("mixed", attend(*heads, own.plan, out=room.place("mixed")))
    product = project(_pick(mixed, wanted), weights.output, out=room.place("middle"))
    return room.keep("middle", _add(product, _pick(states, wanted))), room.keep_heads(heads)


def _after_mlp(middle: Tensor, weights: LayerWeights, own: Pass, room: "Room | _Nowhere") -> Tensor:
    """The states after the MLP."""
    norm = weights.mlp_norm
    normed = normalize(middle, weights_in(norm.weight, own.forward), norm.epsilon, own.forward)
    gate = room.keep("gate", project(normed, weights.gate, out=room.place("gate")))
    up = room.keep("up", project(normed, weights.up, out=room.place("up")))
    opened = gated(gate, up, spent=not room.is_direct)
    del gate, up
    return room.keep("result", _add(project(opened, weights.down, out=room.place("result")), middle))


def _add(product: Tensor, states: Tensor) -> Tensor:
    """The sum in float32, in the place of the product where that is float32 too."""
    return product.add_(states) if product.dtype == states.dtype else states + product


class Room:
    """Memory for what a layer keeps for its backward pass, one piece for all, taken before anything short-lived.

    Kept tensors between short-lived ones would leave gaps that nothing fits into, and so would many kept tensors in the
    place of which gradients of other sizes come: glibc never gives an aligned block the gap of one of the same size.
    Each took a tenth of the memory of a run.
    """

    def __init__(self, weights: LayerWeights, own: Pass, *, tokens: int, rows: int) -> None:
        """tokens: how many states there are; rows: how many of them are followed beyond attention."""
        width = weights.output.out_features
        widths = [each.out_features for each in (weights.query, weights.key, weights.value)]
        shapes = [(tokens, each) for each in (widths if own.roomy else [])]
        shapes.append((tokens, widths[0]))
        shapes.extend((rows, each) for each in (width, weights.gate.out_features, weights.up.out_features, width))
        parts = _lay_out(weights.output.weight, own.dtype, shapes)
        self._heads, self._parts = tuple(parts[:-5]), dict(zip(_KEPT, parts[-5:], strict=True))
        self.is_direct = own.forward == own.dtype
        """Whether what is kept is computed in its place at once, and not rounded afterwards."""

    def __getitem__(self, name: str) -> Tensor:
        """What is kept under this name."""
        return self._parts[name]

    @property
    def for_heads(self) -> tuple[Tensor, ...] | None:
        """Where queries, keys and values are to be computed."""
        return (self._heads or None) if self.is_direct else None

    def place(self, name: str) -> Tensor | None:
        """Where it is to be computed: there at once, unless it is kept rounded."""
        return self._parts[name] if self.is_direct else None

    def keep(self, name: str, found: Tensor) -> Tensor:
        """What was found, having left it, rounded, in the place of what is kept."""
        place = self._parts[name]
        if found.dtype != place.dtype:
            place.view(found.shape).copy_(found)
        return found

    def keep_heads(self, heads: Heads) -> Heads:
        """Queries, keys and values as they are kept, or as they are where that is not wanted."""
        if self.is_direct or not self._heads:
            return heads
        pairs = zip(heads, self._heads, strict=True)
        query, key, value = (place.view(found.shape).copy_(found) for found, place in pairs)
        return query, key, value


class _Nowhere:
    """In the place of a `Room` where no backward pass will come: nothing is kept."""

    for_heads: tuple[Tensor, ...] | None = None
    is_direct = False

    def place(self, name: str) -> Tensor | None:
        return None

    def keep(self, name: str, found: Tensor) -> Tensor:
        return found

    def keep_heads(self, heads: Heads) -> Heads:
        return heads


def _lay_out(like: Tensor, dtype: torch.dtype, shapes: Sequence[tuple[int, int]]) -> list[Tensor]:
    """Empty tensors of these shapes in one piece of memory, each where the processor's widest loads want it."""
    sizes = [-(-rows * width // ALIGNED_ELEMENTS) * ALIGNED_ELEMENTS for rows, width in shapes]
    parts = like.new_empty(sum(sizes), dtype=dtype).split(sizes)
    return [part[: rows * width].view(rows, width) for part, (rows, width) in zip(parts, shapes, strict=True)]


def _pick(states: Tensor, wanted: Tensor | None) -> Tensor:
    return states if wanted is None else states.index_select(0, wanted)


def _heads(
    normed: Tensor, weights: LayerWeights, own: Pass, *, out: tuple[Tensor, ...] | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values [tokens, heads, width], the first two turned by position; in `out` where given."""
    linears = weights.query, weights.key, weights.value
    query, key, value = out or (normed.new_empty(len(normed), each.out_features) for each in linears)

    def split(flat: Tensor) -> Tensor:
        return flat.view(len(normed), -1, own.plan.head_width)

    for linear, place in ((weights.query, query), (weights.key, key)):
        rotate(split(project(normed, linear)), own.cosine, own.sine, out=split(place))
    return split(query), split(key), split(project(normed, weights.value, out=value))


class Layer(torch.autograd.Function):
    """`run_layer` for autograd. The weights' gradients are added to their `.grad`, in the precision it is to have."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, kept: Tensor, weights: LayerWeights, own: Pass, wanted: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The layer's result, in float32 and as the next layer is to keep it.

        kept: the states as this one is to keep them.
        """
        room = Room(weights, own, tokens=len(states), rows=len(states) if wanted is None else len(wanted))
        result, heads = run_layer(states, weights, own, wanted, room)
        parts = (room[name] for name in ("mixed", "middle", "gate", "up"))
        ctx.save_for_backward(kept, *parts, *(heads if own.roomy else ()))
        ctx.weights, ctx.own, ctx.wanted = weights, own, wanted
        rounded = room["result"].detach()
        ctx.mark_non_differentiable(rounded)
        return result, rounded

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of the states, float32."""
        states, mixed, middle, gate, up, *heads = ctx.saved_tensors
        weights, own, wanted = ctx.weights, ctx.own, ctx.wanted
        sums = _Gradients(weights, own.turn)
        on_middle = _mlp_backward(gradient, middle, gate, up, weights, sums)
        on_mixed = _unproject(on_middle.to(own.dtype), _pick(mixed, wanted), weights.output, sums)
        if wanted is not None:
            on_mixed = torch.zeros_like(mixed).index_copy_(0, wanted, on_mixed)
        norm = weights.attention_norm
        normed = normalize(states, norm.weight, norm.epsilon, own.dtype)
        query, key, value = heads or _heads(normed, weights, own)
        grads = attend_backward(on_mixed, query, key, value, own.plan)
        turned = [rotate(each, own.cosine, -own.sine) for each in grads[:2]]
        on_normed = _sum(
            _unproject(each.flatten(1), normed, linear, sums)
            for each, linear in zip((*turned, grads[2]), (weights.query, weights.key, weights.value), strict=True)
        )
        on_states, on_norm = normalize_backward(on_normed, states, norm.weight, norm.epsilon)
        sums.add(norm.weight, on_norm)
        if wanted is None:
            on_states.add_(on_middle)
        else:
            on_states.index_add_(0, wanted, on_middle)
        return on_states, None, None, None, None


def project(states: Tensor, linear: nn.Linear, *, out: Tensor | None = None) -> Tensor:
    """The linear layer's result, computed in the precision of the states; in `out` where that is given."""
    bias = None if linear.bias is None else weights_in(linear.bias, states.dtype)
    weight = weights_in(linear.weight, states.dtype).T
    if bias is None:
        return torch.mm(states, weight, out=out)
    return torch.addmm(bias, states, weight, out=out)


class _Gradients:
    """Where a layer's gradients go: each weight gets one, added to what other passes have left there."""

    def __init__(self, weights: LayerWeights, turn: Turn) -> None:
        """Makes room for those that have none: like what is kept, they take it before anything short-lived."""
        self._turn = turn
        # Whoever comes second finds them made when its turn comes.
        missing = [p for p in weights.parameters if p.requires_grad and p.grad is None] if turn.is_first else []
        for parameter in missing:
            parameter.grad = torch.empty_like(parameter, dtype=parameter.grad_dtype)
        self._blank = {id(parameter) for parameter in missing}

    def add(self, parameter: Tensor, gradient: Tensor) -> None:
        """Once for each parameter, in the precision that its gradient is to have."""
        if not parameter.requires_grad:
            return
        with self._turn:
            assert parameter.grad is not None
            if id(parameter) in self._blank:
                # To fill it with zeros and add to them would visit it twice.
                parameter.grad.copy_(gradient)
            else:
                parameter.grad.add_(gradient)


def _mlp_backward(
    gradient: Tensor, middle: Tensor, gate: Tensor, up: Tensor, weights: LayerWeights, sums: _Gradients
) -> Tensor:
    """The gradient, float32, of the states between attention and MLP."""
    open_gate = silu(gate)
    on_gated = _unproject(gradient.to(gate.dtype), open_gate * up, weights.down, sums)
    on_gate, on_up = gated_backward(on_gated, gate, up, open_gate)
    norm = weights.mlp_norm
    normed = normalize(middle, norm.weight, norm.epsilon, gate.dtype)
    on_normed = _unproject(on_gate, normed, weights.gate, sums).add_(_unproject(on_up, normed, weights.up, sums))
    on_middle, on_norm = normalize_backward(on_normed, middle, norm.weight, norm.epsilon)
    sums.add(norm.weight, on_norm)
    return on_middle.add_(gradient)


def _unproject(gradient: Tensor, states: Tensor, linear: nn.Linear, sums: _Gradients) -> Tensor:
    """The gradient of a linear layer's input; those of its weight and bias go where they belong."""
    if linear.weight.requires_grad:
        sums.add(linear.weight, gradient.T @ states)
    if linear.bias is not None and linear.bias.requires_grad:
        sums.add(linear.bias, gradient.sum(dim=0, dtype=torch.float32))
    return gradient @ linear.weight.detach().to(gradient.dtype)


def _sum(parts: Any) -> Tensor:
    total: Tensor | None = None
    for part in parts:
        total = part if total is None else total.add_(part)
    assert total is not None
    return total
