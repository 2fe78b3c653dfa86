"""Decoding with any network as transformers runs it, an operation after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rltrainer.architecture import hidden_states, output_head
from rltrainer.attention_mask import additive_mask
from rltrainer.rollouts.decode_attention import decode_attention
from rltrainer.rollouts.engine import SamplingRequest
from rltrainer.rollouts.kv_cache import BufferCache


@dataclass(frozen=True, slots=True)
class Prefill:
    """Prompts that have been computed, with a row for each of their seeds."""

    cache: BufferCache
    """Keys and values, padded on the right to the longest prompt."""
    width: int
    """Tokens of the longest prompt."""
    lengths: Tensor
    """[rows]: tokens of each row's prompt."""
    logits: Tensor
    """[rows, vocabulary] of each row's first token."""


def compute_prompts(model: PreTrainedModel, requests: Sequence[SamplingRequest], *, capacity: int) -> Prefill:
    """Each prompt once, however many seeds it has. capacity: tokens for which the cache has room."""
    device = next(model.parameters()).device
    lengths = torch.tensor([len(request.prompt_ids) for request in requests], device=device)
    width = max(len(request.prompt_ids) for request in requests)
    # Padding stands on the right, where causal attention never looks: no mask is needed here.
    padded = [[*request.prompt_ids, *[0] * (width - len(request.prompt_ids))] for request in requests]
    cache = BufferCache(layers=model.config.num_hidden_layers, capacity=capacity)
    hidden = hidden_states(model, input_ids=torch.tensor(padded, device=device), past_key_values=cache, use_cache=True)
    last = hidden[torch.arange(len(requests), device=device), lengths - 1]
    counts = torch.tensor([len(request.seeds) for request in requests], device=device)
    owners = torch.arange(len(requests), device=device).repeat_interleave(counts)
    cache.select_rows(owners)
    return Prefill(cache, width, lengths[owners], output_head(model)(last)[owners])


def next_logits(
    model: PreTrainedModel, cache: BufferCache, *, tokens: Tensor, positions: Tensor, mask: Tensor | None
) -> Tensor:
    """[rows, vocabulary] after a further token [rows] of each row, whose keys and values the cache takes.

    mask: added to the scores, [rows, 1, 1, keys].
    """
    with decode_attention(model):
        hidden = hidden_states(
            model,
            input_ids=tokens[:, None],
            attention_mask=mask,
            position_ids=positions[:, None],
            past_key_values=cache,
            use_cache=True,
        )
    return output_head(model)(hidden[:, -1])


class TransformersDecoder:
    """Any network, over a key-value cache in buffers; see `rltrainer.rollouts.decoder.Decoder`."""

    retire_share = 0.75

    def __init__(self, model: PreTrainedModel, requests: Sequence[SamplingRequest], room: int) -> None:
        self.model = model
        width = max(len(request.prompt_ids) for request in requests)
        prompts = compute_prompts(model, requests, capacity=width + room)
        self._cache = prompts.cache
        self._positions = prompts.lengths
        self._mask = _mask(prompts.lengths, width, room, model.dtype)
        self.logits = prompts.logits

    def select_rows(self, rows: Tensor) -> None:
        """Keep these rows."""
        self._cache.select_rows(rows)
        self._positions = self._positions[rows]
        self._mask = None if self._mask is None else self._mask[rows]

    def advance(self, tokens: Tensor) -> None:
        """Append a token to each row."""
        length = self._cache.get_seq_length() + 1
        mask = None if self._mask is None else self._mask[..., :length]
        self.logits = next_logits(self.model, self._cache, tokens=tokens, positions=self._positions, mask=mask)
        self._positions = self._positions + 1


def _mask(lengths: Tensor, width: int, room: int, dtype: torch.dtype) -> Tensor | None:
    """Which keys count for the sampled tokens: all but the padding behind shorter prompts; None where there is none."""
    if bool((lengths == width).all()):
        return None
    places = torch.arange(width + room, device=lengths.device)[None]
    return additive_mask((places < lengths[:, None]) | (places >= width), dtype)
