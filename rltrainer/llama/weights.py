"""The weights of a Llama-shaped network, found in transformers' own modules."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

BODY = {"embed_tokens", "layers", "norm", "rotary_emb"}
LAYER = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
MLP = {"gate_proj", "up_proj", "down_proj", "act_fn"}


@dataclass(frozen=True, slots=True)
class Norm:
    """A root-mean-square norm."""

    weight: nn.Parameter
    epsilon: float


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One decoder layer."""

    attention_norm: Norm
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    output: nn.Linear
    mlp_norm: Norm
    gate: nn.Linear
    up: nn.Linear
    down: nn.Linear

    @property
    def linears(self) -> tuple[nn.Linear, ...]:
        """Every product of the layer."""
        return self.query, self.key, self.value, self.output, self.gate, self.up, self.down

    @property
    def parameters(self) -> Iterator[nn.Parameter]:
        """Every weight of the layer."""
        yield self.attention_norm.weight
        yield self.mlp_norm.weight
        for linear in self.linears:
            yield from linear.parameters()


@dataclass(frozen=True, slots=True)
class LlamaWeights:
    """A whole network but for its output head."""

    embeddings: nn.Parameter
    """[vocabulary, width]"""
    padding_id: int | None
    """A token whose embedding does not learn."""
    layers: tuple[LayerWeights, ...]
    norm: Norm
    rotary: nn.Module
    """Gives cosines and sines of positions."""
    heads: int
    key_heads: int
    head_width: int

    @property
    def parameters(self) -> Iterator[nn.Parameter]:
        """Every weight."""
        yield self.embeddings
        yield self.norm.weight
        for layer in self.layers:
            yield from layer.parameters

    @property
    def learns(self) -> bool:
        """Whether any weight has a gradient."""
        return any(parameter.requires_grad for parameter in self.parameters)


def find_weights(model: PreTrainedModel) -> LlamaWeights | None:
    """The weights where the network has exactly the modules of a Llama, plain and on the CPU; None for any other.

    The same modules can still mean other arithmetic: see `rltrainer.llama.body`, which compares results.
    """
    body = model.base_model
    if (
        not _has(body, BODY)
        or not isinstance(body.layers, nn.ModuleList)
        or not isinstance(body.embed_tokens, nn.Embedding)
    ):
        return None
    config, parts = model.config, _parts(body)
    layers = [_find_layer(layer) for layer in parts.layers]
    norm = _find_norm(parts.norm)
    if norm is None or not layers or getattr(config, "hidden_act", None) != "silu":
        return None
    found = tuple(layer for layer in layers if layer is not None)
    head_width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    weights = LlamaWeights(
        parts.embed_tokens.weight,
        parts.embed_tokens.padding_idx,
        found,
        norm,
        parts.rotary_emb,
        config.num_attention_heads,
        config.num_key_value_heads,
        head_width,
    )
    plain = len(found) == len(layers) and all(_is_plain(parameter) for parameter in weights.parameters)
    return weights if plain else None


def _parts(module: nn.Module) -> Any:
    """The module as one whose children go by their names: to the checker they may be anything."""
    return module


def _find_layer(layer: nn.Module) -> LayerWeights | None:
    parts = _parts(layer)
    if not _has(layer, LAYER) or not _has(parts.self_attn, ATTENTION) or not _has(parts.mlp, MLP):
        return None
    attention, mlp = parts.self_attn, parts.mlp
    norms = _find_norm(parts.input_layernorm), _find_norm(parts.post_attention_layernorm)
    linears = [attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj]
    linears += [mlp.gate_proj, mlp.up_proj, mlp.down_proj]
    if norms[0] is None or norms[1] is None or any(type(linear) is not nn.Linear for linear in linears):
        return None
    query, key, value, output, gate, up, down = linears
    return LayerWeights(norms[0], query, key, value, output, norms[1], gate, up, down)


def _find_norm(module: nn.Module) -> Norm | None:
    weight, epsilon = getattr(module, "weight", None), getattr(module, "variance_epsilon", None)
    if not isinstance(weight, nn.Parameter) or epsilon is None or len(list(module.parameters())) != 1:
        return None
    return Norm(weight, float(epsilon))


def _has(module: nn.Module, names: set[str]) -> bool:
    return {name for name, _ in module.named_children()} - {"rotary_emb"} == names - {"rotary_emb"}


def _is_plain(parameter: Tensor) -> bool:
    """An ordinary tensor on the CPU: no shard of several processes, no quantised form."""
    ours = type(parameter) is nn.Parameter and type(parameter.data) is Tensor
    return ours and parameter.device.type == "cpu" and parameter.dtype in (torch.float32, torch.bfloat16)
