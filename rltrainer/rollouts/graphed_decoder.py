"""Decoding on a GPU with one launch a token: the step is recorded once as a CUDA graph and played again.

A decoding step is hundreds of small kernels, which take longer to launch one by one than to run.
"""

import logging
from collections.abc import Callable, Sequence
from weakref import WeakSet

import torch
from torch import Tensor
from torch.distributed.fsdp import FSDPModule
from transformers import PreTrainedModel

from rltrainer.attention_mask import additive_mask
from rltrainer.rollouts.engine import SamplingRequest
from rltrainer.rollouts.transformers_decoder import compute_prompts, next_logits

GROWTH_TOKENS = 256
"""Attention runs over a part of the buffers that grows by this many tokens, or by half, with a new recording each."""
ALIGNMENT = 64
"""Buffers and their parts are multiples of this long, for which the attention kernels are made."""
Step = Callable[[], None]
Record = Callable[[Step], Step]
"""Gives what does the same as the step it is given, which has been run once in the same shapes."""
log = logging.getLogger(__name__)
_unrecordable: "WeakSet[PreTrainedModel]" = WeakSet()


def can_record(model: PreTrainedModel) -> bool:
    """Whether the network's steps may be recorded: on a GPU, whole on it, and nothing in it has refused before."""
    if next(model.parameters()).device.type != "cuda" or model in _unrecordable:
        return False
    return not any(isinstance(module, FSDPModule) for module in model.modules())


class GraphedDecoder:
    """Any network, over buffers of fixed size; see `rltrainer.rollouts.decoder.Decoder`."""

    retire_share = 0.5
    """A smaller batch needs a new recording, which costs as much as a dozen steps."""

    def __init__(
        self, model: PreTrainedModel, requests: Sequence[SamplingRequest], room: int, *, record: Record | None = None
    ) -> None:
        """record: how a step is recorded; None takes a CUDA graph."""
        self.model = model
        self._record = record or self._record_graph
        width = max(len(request.prompt_ids) for request in requests)
        self._capacity = _round_up(width + room)
        prompts = compute_prompts(model, requests, capacity=self._capacity)
        self._cache = prompts.cache
        self._length = width
        self._positions = prompts.lengths.clone()
        self._place = torch.tensor([width], device=prompts.lengths.device)
        self._cache.write_at(self._place)
        # Only the prompt's own keys count now; each new token's will as it comes.
        places = torch.arange(self._capacity, device=prompts.lengths.device)[None]
        self._mask = additive_mask(places < prompts.lengths[:, None], model.dtype)
        self._tokens = torch.zeros_like(prompts.lengths)
        self.logits = prompts.logits
        self._replay: Step | None = None
        self._has_run = False
        self._grow()

    def select_rows(self, rows: Tensor) -> None:
        """Keep these rows."""
        self._forget()
        self._cache.select_rows(rows)
        self._positions, self._mask = self._positions[rows], self._mask[rows]
        self._tokens = torch.zeros_like(self._positions)

    def advance(self, tokens: Tensor) -> None:
        """Append a token to each row."""
        if self._length == self._bound:
            self._grow()
        self._tokens.copy_(tokens)
        if not self._has_run:
            # The first step in new shapes sets up what a recording may not: handles, workspaces, kernels.
            self._step()
            self._has_run = True
        else:
            self._replay = self._replay or self._record(self._step)
            self._replay()
        self._length += 1

    def _step(self) -> None:
        """Everything of a token, on tensors that stay where they are."""
        self._mask.index_fill_(3, self._place, 0.0)
        mask = self._mask[..., : self._bound]
        self.logits = next_logits(self.model, self._cache, tokens=self._tokens, positions=self._positions, mask=mask)
        self._positions.add_(1)
        self._place.add_(1)

    def _grow(self) -> None:
        self._forget()
        self._bound = min(self._capacity, _round_up(self._length + max(GROWTH_TOKENS, self._length // 2)))
        self._cache.read_until(self._bound)

    def _forget(self) -> None:
        self._replay, self._has_run = None, False

    def _record_graph(self, step: Step) -> Step:
        if self.model in _unrecordable:
            return step
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                step()
        except RuntimeError as error:
            _unrecordable.add(self.model)
            name = type(self.model).__name__
            log.warning("%s cannot be recorded as a CUDA graph, and decodes more slowly: %s", name, error)
            return step
        return graph.replay


def _round_up(tokens: int) -> int:
    return -(-tokens // ALIGNMENT) * ALIGNMENT
