"""One decoder layer with its backward pass by hand: it keeps little, and adds gradients where they belong.

The states that run from layer to layer are float32 whatever the products compute in: rounded to bfloat16 at every layer
they would be the largest part of a gradient's error (docs/adr/0016). What is kept of them for the backward pass is
rounded, where it costs next to nothing.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rewardmodel.runtime.split_weights import weights_in
from rltrainer.llama.attention import attend, attend_backward
from rltrainer.llama.kernels import gated, gated_backward, normalize, normalize_backward, rotate, silu
from rltrainer.llama.passes import Heads, Pass
from rltrainer.llama.room import HEADS, Room, make_room
from rltrainer.llama.weights import LayerWeights, Norm
from rltrainer.side_by_side import Turn


def run_layer(
    states: Tensor, weights: LayerWeights, own: Pass, wanted: Tensor | None = None, room: Room | None = None
) -> tuple[Tensor, Heads]:
    """The layer's result for states [tokens, width], both float32, and its heads.

    wanted: the places [rows] whose result is asked for, in which case what comes after attention is of them alone.
    room: where what the backward pass needs is left, if one is to come.
    """
    middle, heads = _after_attention(states, weights, own, wanted, room or Room({}))
    return _after_mlp(middle, weights, own, room or Room({})), heads


def _after_attention(
    states: Tensor, weights: LayerWeights, own: Pass, wanted: Tensor | None, room: Room
) -> tuple[Tensor, Heads]:
    """The states after attention, and its queries, keys and values."""
    normed = room.normalize("attention_input", states, weights.attention_norm, own.forward)
    heads = _heads(normed, weights, own, out=room.heads(own.forward))
    for name, found in zip(HEADS, heads, strict=True):
        room.keep(name, found)
    mixed = attend(*heads, own.plan, out=room.place("mixed", own.forward), softmax=room.softmax)
    room.keep("mixed", mixed)
    product = project(_pick(mixed, wanted), weights.output, out=room.place("middle", own.forward))
    return room.keep("middle", _add(product, _pick(states, wanted))), heads


def _after_mlp(middle: Tensor, weights: LayerWeights, own: Pass, room: Room) -> Tensor:
    """The states after the MLP."""
    dtype = own.forward
    normed = room.normalize("mlp_input", middle, weights.mlp_norm, dtype)
    gate = room.keep("gate", project(normed, weights.gate, out=room.place("gate", dtype)))
    up = room.keep("up", project(normed, weights.up, out=room.place("up", dtype)))
    opened = gated(gate, up, spent=room.place("gate", dtype) is None)
    del gate, up
    return room.keep("result", _add(project(opened, weights.down, out=room.place("result", dtype)), middle))


def _add(product: Tensor, states: Tensor) -> Tensor:
    """The sum in float32, in the place of the product where that is float32 too."""
    return product.add_(states) if product.dtype == states.dtype else states + product


def _pick(states: Tensor, wanted: Tensor | None) -> Tensor:
    return states if wanted is None else states.index_select(0, wanted)


def _heads(
    normed: Tensor, weights: LayerWeights, own: Pass, *, out: tuple[Tensor, ...] | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values [tokens, heads, width], the first two turned by position; in `out` where given."""
    linears = weights.query, weights.key, weights.value
    flat = out or tuple(normed.new_empty(len(normed), each.out_features) for each in linears)
    query, key, value = _split(flat, own)
    for linear, place in ((weights.query, query), (weights.key, key)):
        rotate(project(normed, linear).view(place.shape), own.cosine, own.sine, out=place)
    project(normed, weights.value, out=flat[2])
    return query, key, value


def _split(flat: tuple[Tensor, ...], own: Pass) -> Heads:
    """[tokens, heads * width] of each -> [tokens, heads, width]"""
    query, key, value = (each.view(len(each), -1, own.plan.head_width) for each in flat)
    return query, key, value


class Layer(torch.autograd.Function):
    """`run_layer` for autograd. The weights' gradients are added to their `.grad`, in the precision it is to have."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, kept: Tensor, weights: LayerWeights, own: Pass, wanted: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The layer's result, in float32 and as the next layer is to keep it.

        kept: the states as this one is to keep them.
        """
        room = make_room(weights, own, tokens=len(states), rows=len(states) if wanted is None else len(wanted))
        result, _ = run_layer(states, weights, own, wanted, room)
        ctx.names = [name for name in room.parts if name != "result"]
        ctx.save_for_backward(kept, *(room.parts[name] for name in ctx.names))
        ctx.weights, ctx.own, ctx.wanted = weights, own, wanted
        rounded = room.parts["result"].detach()
        ctx.mark_non_differentiable(rounded)
        return result, rounded

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of the states, float32."""
        states, *parts = ctx.saved_tensors
        kept = Room(dict(zip(ctx.names, parts, strict=True)))
        weights, own, wanted = ctx.weights, ctx.own, ctx.wanted
        sums = _Gradients(weights, own.turn)
        on_middle = _mlp_backward(gradient, kept.parts, weights, sums)
        mixed = kept.parts["mixed"]
        on_mixed = _unproject(on_middle.to(own.dtype), _pick(mixed, wanted), weights.output, sums)
        if wanted is not None:
            on_mixed = torch.zeros_like(mixed).index_copy_(0, wanted, on_mixed)
        norm = weights.attention_norm
        normed = _normed("attention_input", states, norm, kept.parts, own.dtype)
        heads = kept.heads(own.dtype)
        query, key, value = _heads(normed, weights, own) if heads is None else _split(heads, own)
        grads = attend_backward(on_mixed, query, key, value, own.plan, softmax=kept.softmax)
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


def _mlp_backward(gradient: Tensor, kept: Mapping[str, Tensor], weights: LayerWeights, sums: _Gradients) -> Tensor:
    """The gradient, float32, of the states between attention and MLP."""
    middle, gate, up = (kept[name] for name in ("middle", "gate", "up"))
    open_gate = silu(gate)
    on_gated = _unproject(gradient.to(gate.dtype), open_gate * up, weights.down, sums)
    on_gate, on_up = gated_backward(on_gated, gate, up, open_gate)
    norm = weights.mlp_norm
    normed = _normed("mlp_input", middle, norm, kept, gate.dtype)
    on_normed = _unproject(on_gate, normed, weights.gate, sums).add_(_unproject(on_up, normed, weights.up, sums))
    on_middle, on_norm = normalize_backward(on_normed, middle, norm.weight, norm.epsilon)
    sums.add(norm.weight, on_norm)
    return on_middle.add_(gradient)


def _normed(name: str, states: Tensor, norm: Norm, kept: Mapping[str, Tensor], dtype: torch.dtype) -> Tensor:
    """The normed states as they were kept, or computed again."""
    found = kept.get(name)
    return normalize(states, norm.weight, norm.epsilon, dtype) if found is None else found


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
