"""A language model seen as a policy: log-probs of completions, computed the same way in every pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rltrainer.architecture import hidden_states, output_head
from rltrainer.attention_mask import additive_mask
from rltrainer.chunked_head import score_tokens
from rltrainer.layouts import Cluster, Pair, lay_out, plan_micro_batches


@dataclass(frozen=True, slots=True)
class CompletionScores:
    """Log-probs and entropies of some completions' tokens."""

    log_probs: Tensor
    """[completions, tokens] float32, nats; 0 where `mask` is False."""
    entropy: Tensor
    """[completions, tokens] float32, nats; 0 where `mask` is False."""
    mask: Tensor
    """[completions, tokens] bool: True for a completion's own tokens."""
    rows: tuple[int, ...]
    """The index of each completion among all rows."""


class Policy:
    """Scores completions with a network, at the temperature they were sampled with."""

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        temperature: float,
        micro_batch_tokens: int,
        check: StopCheck = never_stop,
    ) -> None:
        self.model = model
        self.temperature = temperature
        self.micro_batch_tokens = micro_batch_tokens
        self.check = check

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.model.parameters()).device

    def plan(self, pairs: Sequence[Pair]) -> list[list[Cluster]]:
        """The completions in micro-batches; those of one prompt must be neighbours."""
        width = output_head(self.model).in_features
        return plan_micro_batches(pairs, max_tokens=self.micro_batch_tokens, width=width)

    def score(self, clusters: Sequence[Cluster]) -> CompletionScores:
        """Scores of one micro-batch; differentiable where gradients are enabled."""
        layout = lay_out(clusters, device=self.device)
        mask = None if layout.visible is None else additive_mask(layout.visible, self.model.dtype)
        hidden = hidden_states(
            self.model,
            input_ids=layout.input_ids,
            attention_mask=mask,
            position_ids=layout.position_ids,
            use_cache=False,
        )
        head = output_head(self.model)
        chosen = hidden.flatten(0, 1).index_select(0, layout.sources)
        scores = score_tokens(chosen, head.weight, head.bias, layout.targets, temperature=self.temperature)
        counted = _mask(layout.lengths, self.device)
        log_probs, entropy = _spread(scores.log_probs, counted), _spread(scores.entropy, counted)
        return CompletionScores(log_probs, entropy, counted, layout.rows)

    @torch.no_grad()
    def log_probs(self, pairs: Sequence[Pair]) -> list[tuple[float, ...]]:
        """Log-probs of each completion's tokens, without gradient. Raises: Interrupted where the run should stop."""
        found: list[tuple[float, ...]] = [()] * len(pairs)
        for clusters in self.plan(pairs):
            self.check()
            scores = self.score(clusters)
            for row, values, mask in zip(scores.rows, scores.log_probs, scores.mask, strict=True):
                found[row] = tuple(values[mask].tolist())
        return found


def _mask(lengths: Sequence[int], device: torch.device) -> Tensor:
    ends = torch.tensor(lengths, device=device)
    return torch.arange(max(lengths), device=device)[None] < ends[:, None]


def _spread(values: Tensor, mask: Tensor) -> Tensor:
    """Flat values of all completions into [completions, tokens]."""
    return torch.zeros(mask.shape, dtype=values.dtype, device=values.device).masked_scatter(mask, values)
