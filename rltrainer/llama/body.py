"""A Llama-shaped network's hidden states by our own layers, once they have been seen to be the network's own."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from rewardmodel.runtime.split_weights import weights_in
from rltrainer.architecture import hidden_states
from rltrainer.gradients import gradient_of
from rltrainer.layouts import Cluster
from rltrainer.llama.attention import plan_attention
from rltrainer.llama.kernels import normalize, normalize_backward
from rltrainer.llama.layer import Layer, run_layer
from rltrainer.llama.packing import Packed, pack_clusters, pack_prompts
from rltrainer.llama.passes import Pass
from rltrainer.llama.weights import LlamaWeights, Norm, find_weights
from rltrainer.side_by_side import Turn, differentiate_halves, plan_halves, run_halves

TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.1}
"""Allowed distance to the network's own hidden states, relative to their length: rounding, and not more (SmolLM2 in
bfloat16: 0.02 to each other, and 0.04 and 0.05 to float32)."""
EXACT_SHARE = 2 / 3
"""Of the layers, from the first on, an exact pass has float32 products in: all others build on what these get wrong. On
SmolLM2 the gradient is then 1.6 to 1.7 % off, with all layers 1.4, with half of them 2.0."""
KNOWN_TYPES = ("llama", "mistral", "qwen2")
"""Families whose modules are known to mean what we compute."""
FIXED_ROTARY = ("default", "linear", "llama3", "yarn")
"""Position embeddings that do not change with the length of the input."""
log = logging.getLogger(__name__)
PieceT = TypeVar("PieceT")
_verdicts: "WeakKeyDictionary[PreTrainedModel, bool]" = WeakKeyDictionary()


def find_body(model: PreTrainedModel) -> "Body | None":
    """Our own layers for this network; None, told once in the log, where it must be run by transformers."""
    if not isinstance(model, PreTrainedModel) or model.config.model_type not in KNOWN_TYPES:
        _say(model, f"is of no family that our own layers run ({', '.join(KNOWN_TYPES)})")
        return None
    weights = find_weights(model)
    if weights is None:
        _say(model, _obstacle(model))
        return None
    if _rotary_type(model) not in FIXED_ROTARY:
        _say(model, "has position embeddings that depend on the length")
        return None
    body = Body(weights, model.dtype)
    if model not in _verdicts:
        _verdicts[model] = _agrees(model, body)
        if not _verdicts[model]:
            log.warning("%s computes otherwise than its modules tell; transformers runs it", type(model).__name__)
    return body if _verdicts[model] else None


class Body:
    """The network up to its last norm."""

    def __init__(self, weights: LlamaWeights, dtype: torch.dtype) -> None:
        self.weights = weights
        self.dtype = dtype

    def predicting_states(self, clusters: Sequence[Cluster], *, roomy: bool = False, exact: bool = False) -> Tensor:
        """The hidden states [completion tokens, width] that foretell the completions' tokens, in their order.

        Differentiable where gradients are enabled; the weights' gradients are added to their `.grad` directly.
        roomy: keep two thirds more, for a faster backward pass. exact: compute in float32 in the first EXACT_SHARE of
        the layers, and give float32; the backward pass is as ever.
        """

        def compute(part: Sequence[Cluster], turn: Turn) -> Tensor:
            packed = pack_clusters(part)
            # A stem's last place foretells the first token of all its branches: it is computed once.
            wanted, places = torch.unique(packed.sources, return_inverse=True)
            return self._run(packed, wanted, turn, roomy=roomy, exact=exact).index_select(0, places)

        return self._in_halves(clusters, [cluster.tokens for cluster in clusters], compute)

    def all_states(self, ids: tuple[int, ...]) -> Tensor:
        """Hidden states [tokens, width] of these tokens."""
        return self._run(pack_prompts([ids]), None, Turn())

    def last_states(self, prompts: Sequence[tuple[int, ...]]) -> Tensor:
        """The hidden state [prompts, width] at the last token of each."""

        def compute(part: Sequence[tuple[int, ...]], turn: Turn) -> Tensor:
            packed = pack_prompts(part)
            return self._run(packed, packed.ends, turn)

        return self._in_halves(prompts, [len(ids) for ids in prompts], compute)

    def prepare(self, packed: Packed) -> Pass:
        """What all layers of one pass share."""
        weights = self.weights
        plan = plan_attention(packed, heads=weights.heads, key_heads=weights.key_heads, head_width=weights.head_width)
        return Pass(plan, self.dtype, self.dtype, *self.turn(packed.position_ids))

    def turn(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines [tokens, 1, head width / 2] of these positions, float32."""
        cosine, sine = self.weights.rotary(torch.empty(1, dtype=torch.float32), positions[None])
        half = cosine.shape[-1] // 2
        return cosine[0, :, None, :half].float(), sine[0, :, None, :half].float()

    def embed(self, ids: Tensor) -> Tensor:
        """Embeddings [tokens, width] in the compute precision."""
        return self.weights.embeddings.detach()[ids].to(self.dtype)

    def _in_halves(
        self, pieces: Sequence[PieceT], tokens: Sequence[int], compute: Callable[[Sequence[PieceT], Turn], Tensor]
    ) -> Tensor:
        """What `compute` gives for all pieces, one half of them beside the other where that is faster."""
        halves = plan_halves(tokens)
        if halves is None:
            return compute(pieces, Turn())
        if torch.is_grad_enabled() and self.weights.learns:
            return differentiate_halves(lambda number, turn: compute(pieces[halves[number]], turn))
        return torch.cat(run_halves(lambda number, turn: compute(pieces[halves[number]], turn)))

    def _run(
        self, packed: Packed, wanted: Tensor | None, turn: Turn, *, roomy: bool = False, exact: bool = False
    ) -> Tensor:
        """The normed states [places, width] at these places of the row, each of which is named once; None: at all.

        turn: within which gradients are added to those of weights.
        """
        plain = replace(self.prepare(packed), roomy=roomy, turn=turn)
        first = replace(plain, forward=torch.float32) if exact else plain
        states, kept = _Embed.apply(self.weights.embeddings, packed.input_ids, self.weights.padding_id, first)
        if torch.is_grad_enabled() and not states.requires_grad and self.weights.learns:
            states.requires_grad_()
        layers = self.weights.layers
        for number, layer in enumerate(layers):
            own = first if number < EXACT_SHARE * len(layers) else plain
            asked = wanted if number == len(layers) - 1 else None
            if torch.is_grad_enabled():
                states, kept = Layer.apply(states, kept, layer, own, asked)
            else:
                states, _ = run_layer(states, layer, own, asked)
        found: Tensor = _Normalize.apply(states, self.weights.norm, first)
        return found


class _Embed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: nn.Parameter, ids: Tensor, padding_id: int | None, own: Pass) -> tuple[Tensor, Tensor]:
        """Embeddings in float32, and in the precision in which they are kept."""
        ctx.table, ctx.ids, ctx.padding_id, ctx.turn = table, ids, padding_id, own.turn
        states = weights_in(table, own.forward, ids).float()
        kept = states.to(own.dtype, copy=True)
        ctx.mark_non_differentiable(kept)
        return states, kept

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[None, ...]:
        table = ctx.table
        if ctx.padding_id is not None:
            gradient = gradient.masked_fill((ctx.ids == ctx.padding_id)[:, None], 0.0)
        with ctx.turn:
            sums = gradient_of(table)
            sums.index_add_(0, ctx.ids, gradient.to(sums.dtype))
        return None, None, None, None


class _Normalize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, norm: Norm, own: Pass) -> Tensor:
        ctx.save_for_backward(states)
        ctx.norm, ctx.turn = norm, own.turn
        return normalize(states, weights_in(norm.weight, own.forward), norm.epsilon, own.forward)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (states,) = ctx.saved_tensors
        on_states, on_norm = normalize_backward(gradient, states, ctx.norm.weight, ctx.norm.epsilon)
        if ctx.norm.weight.requires_grad:
            with ctx.turn:
                gradient_of(ctx.norm.weight).add_(on_norm)
        return on_states, None, None


def _rotary_type(model: PreTrainedModel) -> str:
    parameters = getattr(model.config, "rope_parameters", None) or {}
    return str(parameters.get("rope_type", "default"))


def _obstacle(model: PreTrainedModel) -> str:
    """Why there are no weights for our own layers in a network of a known family."""
    parameters = list(model.parameters())
    if any(isinstance(parameter, DTensor) for parameter in parameters):
        return "is spread over several processes, and our own layers run whole networks alone"
    if any(parameter.device.type != "cpu" for parameter in parameters):
        return "is not on the CPU, for which our own layers are"
    if any(parameter.dtype not in TOLERANCE for parameter in parameters):
        return "has weights that are neither float32 nor bfloat16"
    return "has other modules than a plain Llama"


def _say(model: PreTrainedModel, why: str) -> None:
    if isinstance(model, PreTrainedModel) and model not in _verdicts:
        _verdicts[model] = False
        log.info("%s %s: transformers runs it", type(model).__name__, why)


@torch.no_grad()
def _agrees(model: PreTrainedModel, body: Body) -> bool:
    """Whether our layers give the network's own hidden states for a few tokens."""
    size = body.weights.embeddings.shape[0]
    ids = torch.arange(12) * 977 % size
    expected = hidden_states(model, input_ids=ids[None], use_cache=False)[0].float()
    found = body.all_states(tuple(ids.tolist())).float()
    return bool((found - expected).norm() <= TOLERANCE[model.dtype] * expected.norm())
