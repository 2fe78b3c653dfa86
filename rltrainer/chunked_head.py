"""PURE: log-probs and entropy of given tokens, a part of the vocabulary at a time."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rewardmodel.runtime.split_weights import weights_in
from rltrainer.gradients import gradient_of, lend, take_back

CHUNK_ELEMENTS = {"cpu": 2**20, "cuda": 2**26}
"""Logits that exist at once, whatever batch and vocabulary: 4 MiB in float32 fit into a processor's cache; a GPU takes
longer to launch work on so few than to do it."""
CHUNK_ROWS = 2048
KEPT_BYTES = 2**27
"""Logits of one pass that are kept for its backward pass; more are computed again. They are gone before the gradients
of the layers come, and so do not add to the peak of a step."""


@dataclass(frozen=True, slots=True)
class TokenScores:
    """What the network thinks of given tokens."""

    log_probs: Tensor
    """[tokens] float32, nats."""
    entropy: Tensor
    """[tokens] float32, nats, of the whole distribution."""


def score_tokens(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    *,
    temperature: float,
    direct: bool = False,
    backward: torch.dtype | None = None,
    spare: bool = False,
) -> TokenScores:
    """Log-probs of `targets` under softmax((hidden @ weight.T + bias) / temperature), and that softmax's entropy.

    hidden: [tokens, width]; weight: [vocabulary, width]; bias: [vocabulary] or None; targets: [tokens] int64. Of weight
    and bias the exact values count where `hidden` is float32 (`split_weights.exact_weights`).
    Products run in the precision of `hidden`, sums in float32. Logits are made part by part and again in the backward
    pass: they are never all held. direct: the backward pass adds the weight's gradient to `weight.grad` itself, and
    autograd gets none for it; that spares a copy of the weight's size. backward: the precision of the products of the
    backward pass where that is another. spare: with `direct`, `weight.grad` is there and nothing in it counts yet: what
    is kept for the backward pass, which is sure to come, may wait in it.
    """
    if hidden.ndim != 2 or targets.shape != hidden.shape[:1] or weight.shape[1] != hidden.shape[1]:
        raise ValueError(f"hidden {tuple(hidden.shape)}, weight {tuple(weight.shape)}, targets {tuple(targets.shape)}")
    direct = direct and weight.requires_grad
    backward = backward or hidden.dtype
    # The function itself cannot tell whether a backward pass will come: to it, what learns always needs a gradient.
    learns = torch.is_grad_enabled() and any(each is not None and each.requires_grad for each in (hidden, weight, bias))
    kept = _keep(hidden, weight, backward, weight.grad if direct and spare else None) if learns else None
    return TokenScores(*_ChunkedHead.apply(hidden, weight, bias, targets, temperature, direct, backward, kept))


@dataclass(frozen=True, slots=True)
class _Head:
    """A linear layer over the vocabulary, seen in parts."""

    weight: Tensor
    bias: Tensor | None
    temperature: float

    def blocks(self, rows: int) -> Iterator[slice]:
        """The vocabulary in parts that make few enough logits of so many rows."""
        elements = CHUNK_ELEMENTS.get(self.weight.device.type, CHUNK_ELEMENTS["cpu"])
        size, vocabulary = max(1, elements // max(rows, 1)), len(self.weight)
        return (slice(start, min(start + size, vocabulary)) for start in range(0, vocabulary, size))

    def matrix(self, block: slice, dtype: torch.dtype) -> Tensor:
        return weights_in(self.weight, dtype, block)

    def products(self, hidden: Tensor, block: slice) -> Tensor:
        """[rows, block] in the precision of `hidden`, before the temperature."""
        bias = None if self.bias is None else weights_in(self.bias, hidden.dtype, block)
        return torch.nn.functional.linear(hidden, self.matrix(block, hidden.dtype), bias)

    def logits(self, products: Tensor, *, spent: bool = True) -> Tensor:
        """The same in float32 and at the temperature; a tensor of its own where the products are not spent."""
        logits = products.to(torch.float32, copy=not spent)
        return logits if self.temperature == 1.0 else logits.div_(self.temperature)


class _Running:
    """Maximum, sum of exponentials and their mean logit, over the parts of the vocabulary seen so far."""

    def __init__(self, rows: int, device: torch.device) -> None:
        self.highest = torch.full((rows,), -torch.inf, device=device)
        self.total = torch.zeros(rows, device=device)
        self.weighted = torch.zeros(rows, device=device)
        self.of_target = torch.zeros(rows, device=device)

    def add(self, logits: Tensor, targets: Tensor, block: slice) -> Tensor:
        """Take one part's logits [rows, block] into account; they become distances from `highest`, which it gives."""
        inside, places = _find_targets(targets, block)
        self.of_target = torch.where(inside, logits.gather(1, places).squeeze(1), self.of_target)
        highest = torch.maximum(self.highest, logits.amax(dim=1))
        drop = self.highest - highest
        # What was seen so far, as distances from the new maximum; at first there is nothing.
        moved = torch.where(self.total > 0, self.weighted + self.total * drop, self.weighted)
        shrink = drop.exp()
        distances = logits.sub_(highest[:, None])
        weights = distances.exp()
        self.total = self.total * shrink + weights.sum(dim=1)
        self.weighted = moved * shrink + torch.linalg.vecdot(weights, distances)
        self.highest = highest
        return distances

    @property
    def normaliser(self) -> Tensor:
        return self.highest + self.total.log()

    @property
    def entropy(self) -> Tensor:
        return self.total.log() - self.weighted / self.total


class _Kept:
    """Logits of all parts and blocks for the backward pass, in the order in which both passes meet them."""

    def __init__(self, *, halved: bool, place: Tensor | None = None) -> None:
        """halved: they are float32, and held as float16 distances from the highest logit that their row has had so far:
        what matters is near it, and next to nothing is lost. Rounded as they are, they would no longer fit the sum of
        the exponentials, which was made of the exact ones. place: [vocabulary, room] of two bytes a number, in which a
        block's logits are left in its own rows."""
        self.halved = halved
        self.place = place
        self._blocks: deque[tuple[Tensor, Tensor]] = deque()

    def add(self, products: Tensor, distances: Tensor, highest: Tensor, block: slice) -> None:
        """One block's products, and what `_Running` has made of them."""
        found = _halve(distances) if self.halved else products
        if self.place is not None:
            found = self.place[block].view(-1)[: found.numel()].view(found.dtype).view(found.shape).copy_(found)
        self._blocks.append((found, highest))

    def take(self, head: _Head, normaliser: Tensor) -> Tensor:
        """The next block's log-probs, [rows, block] float32."""
        found, highest = self._blocks.popleft()
        if self.halved:
            return found.float().add_((highest - normaliser)[:, None])
        return head.logits(found).sub_(normaliser[:, None])

    @property
    def is_empty(self) -> bool:
        """Whether all has been taken."""
        return not self._blocks


def _halve(distances: Tensor) -> Tensor:
    """As float16; what is farther away than that reaches is as good as there: its probability is 0 either way."""
    return distances.clamp_(min=torch.finfo(torch.float16).min).half()


def _keep(hidden: Tensor, weight: Tensor, backward: torch.dtype, spare: Tensor | None) -> _Kept | None:
    """Room for the logits of these tokens, in `spare` where they fit there; None where they are too many."""
    halved = hidden.dtype != backward
    size = 2 if halved else hidden.element_size()
    if len(hidden) * len(weight) * size > KEPT_BYTES:
        return None
    place = None if spare is None or size != 2 else spare.view(torch.int16)
    # A block's logits must fit into its own rows, which the backward pass overwrites once it has read them.
    if spare is None or place is None or len(hidden) > min(place.shape[1], CHUNK_ROWS):
        return _Kept(halved=halved)
    lend(spare)
    return _Kept(halved=halved, place=place)


def _parts(tokens: int) -> list[slice]:
    return [slice(start, min(start + CHUNK_ROWS, tokens)) for start in range(0, tokens, CHUNK_ROWS)]


class _ChunkedHead(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        temperature: float,
        direct: bool,
        backward: torch.dtype,
        kept: _Kept | None,
    ) -> tuple[Tensor, Tensor]:
        head = _Head(weight, bias, temperature)
        log_probs = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        normaliser, entropy = torch.empty_like(log_probs), torch.empty_like(log_probs)
        for part in _parts(len(hidden)):
            running = _Running(len(hidden[part]), hidden.device)
            for block in head.blocks(len(hidden[part])):
                products = head.products(hidden[part], block)
                logits = head.logits(products, spent=kept is None or kept.halved)
                distances = running.add(logits, targets[part], block)
                if kept is not None:
                    kept.add(products, distances, running.highest, block)
            normaliser[part], entropy[part] = running.normaliser, running.entropy
            log_probs[part] = running.of_target - normaliser[part]
        ctx.save_for_backward(hidden, targets, normaliser, entropy)
        ctx.head, ctx.owner, ctx.kept, ctx.dtype = head, weight if direct else None, kept, backward
        # A loss without entropy gives None for its gradient, and that part of the backward pass is left out.
        ctx.set_materialize_grads(False)
        return log_probs, entropy

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, entropy_gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        hidden, targets, normaliser, entropy = ctx.saved_tensors
        if gradient is None:
            gradient = torch.zeros_like(normaliser)
        head, wants_bias = ctx.head, ctx.needs_input_grad[2]
        if ctx.kept is not None and ctx.kept.is_empty:
            ctx.kept = None  # A second pass back through a graph that was retained.
        # Where the logits waited in the gradient's place the gradient takes it from them.
        blank = ctx.kept is not None and ctx.kept.place is not None
        if blank:
            take_back(ctx.owner.grad)
        sink = _sink(ctx.owner, head.weight) if ctx.needs_input_grad[1] else None
        on_hidden = torch.zeros_like(hidden, dtype=torch.float32)
        on_bias = torch.zeros_like(head.weight[:, 0], dtype=torch.float32) if wants_bias else None
        for part in _parts(len(hidden)):
            slope = gradient[part, None] / head.temperature
            push = None if entropy_gradient is None else entropy_gradient[part, None] / head.temperature
            states = hidden[part].to(ctx.dtype)
            for block in head.blocks(len(hidden[part])):
                if ctx.kept is None:
                    log_probs = head.logits(head.products(hidden[part], block)).sub_(normaliser[part, None])
                else:
                    log_probs = ctx.kept.take(head, normaliser[part])
                on_logits = _logit_gradient(log_probs, slope, push, entropy[part])
                _add_targets(on_logits, slope, targets[part], block)
                small = on_logits.to(ctx.dtype)
                on_hidden[part] += small @ head.matrix(block, ctx.dtype)
                if sink is not None and blank:
                    sink[block] = small.T @ states
                elif sink is not None:
                    sink[block] += small.T @ states
                if on_bias is not None:
                    on_bias[block] += on_logits.sum(dim=0)
        on_weight = None if sink is None or ctx.owner is not None else sink.to(head.weight.dtype)
        on_bias = None if on_bias is None else on_bias.to(head.bias.dtype)
        return on_hidden.to(hidden.dtype), on_weight, on_bias, None, None, None, None, None


def _logit_gradient(log_probs: Tensor, slope: Tensor, push: Tensor | None, entropy: Tensor) -> Tensor:
    """The gradient of one part's logits, but for the targets' own; changes `log_probs` [rows, block]."""
    if push is None:
        return log_probs.exp_().mul_(-slope)
    # dH/dz = -p (log p + H), where z are the logits after the temperature.
    factor = (log_probs + entropy[:, None]).mul_(-push).sub_(slope)
    return log_probs.exp_().mul_(factor)


def _add_targets(on_logits: Tensor, slope: Tensor, targets: Tensor, block: slice) -> None:
    # Rows whose target is elsewhere add 0: to pick the others out would make a GPU wait for the CPU.
    inside, places = _find_targets(targets, block)
    on_logits.scatter_add_(1, places, torch.where(inside, slope[:, 0], 0.0)[:, None])


def _find_targets(targets: Tensor, block: slice) -> tuple[Tensor, Tensor]:
    """Which rows' targets are in the block, [rows], and their columns in it, [rows, 1]; any for the others."""
    inside = (targets >= block.start) & (targets < block.stop)
    return inside, (targets - block.start).clamp_(0, block.stop - block.start - 1)[:, None]


@torch.no_grad()
def _sink(owner: Tensor | None, weight: Tensor) -> Tensor:
    """Where the weight's gradient is added up: in the weight's own, or in a new float32 tensor."""
    if owner is None:
        return torch.zeros_like(weight, dtype=torch.float32)
    return gradient_of(owner)
