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
from rltrainer.gradients import end_loan
from rltrainer.layouts import Cluster, Layout, Pair, lay_out, plan_micro_batches
from rltrainer.llama.body import find_body
from rltrainer.memory import MicroBatchBudget, within_memory
from rltrainer.value_head import foretell, value_head
from rltrainer.weights import Run, Weights, run_directly


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
    values: Tensor | None = None
    """[completions, tokens] float32, what the network's value head expects before each token; None without one."""


class Policy:
    """Scores completions with a network, at the temperature they were sampled with."""

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        temperature: float,
        micro_batch_tokens: int,
        check: StopCheck = never_stop,
        run: Run = run_directly,
        roomy: bool = False,
        exact: bool = True,
    ) -> None:
        """run: how work on the network is done where its weights are spread over ranks.

        roomy: memory may be spent on faster backward passes. exact: forward passes are float32, but for the last
        layers, where our own layers run the network, whatever it computes in; others compute as they do.
        """
        self.model = model
        self.temperature = temperature
        self.budget = MicroBatchBudget(micro_batch_tokens)
        """Tokens of a micro-batch; passes that memory does not suffice for shrink it for all who share it."""
        self.check = check
        self.run = run
        self.roomy = roomy
        self.exact = exact
        self._room: Tensor | None = None
        self._has_spare = False

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.model.parameters()).device

    def learn_with(self, weights: Weights) -> None:
        """Run the network as these weights of it that learn allow.

        Steps on weights that are spread over ranks are by transformers: no other pass is to be exact beside them.
        """
        self.run = weights.run
        self.exact &= not weights.is_spread

    def plan(self, pairs: Sequence[Pair]) -> list[list[Cluster]]:
        """The completions in micro-batches; those of one prompt must be neighbours."""
        width = output_head(self.model).in_features
        padded = find_body(self.model) is None
        return plan_micro_batches(pairs, max_tokens=self.budget.tokens, width=width, padded=padded)

    def reserve_room(self) -> None:
        """Take the memory of the largest gradient, the output layer's, for good and before anything short-lived.

        It is a twentieth of the memory of a small network. Given back after each step it would leave a gap that other
        things fill, and no gap would hold it again.
        """
        weight = output_head(self.model).weight
        if self._room is None and find_body(self.model) is not None and weight.requires_grad:
            self._room = torch.zeros_like(weight, dtype=weight.grad_dtype)

    def take_room(self) -> None:
        """Let a step begin: that gradient is there, and zero.

        Until the step's first pass goes back, which it must, its logits wait there: they would take nearly as much.
        `gradient_of` raises before that.
        """
        self.reserve_room()
        weight = output_head(self.model).weight
        self._has_spare = self._room is not None and weight.grad is None
        if self._room is not None and self._has_spare:
            weight.grad = self._room.zero_()
            end_loan(weight.grad)

    def score(self, clusters: Sequence[Cluster]) -> CompletionScores:
        """Scores of one micro-batch; differentiable where gradients are enabled."""
        layout = lay_out(clusters, device=self.device)
        log_probs, entropy, values = self.run(lambda: self._score(layout))
        return CompletionScores(log_probs, entropy, mask_tokens(layout), layout.rows, values)

    def _score(self, layout: Layout) -> tuple[Tensor, Tensor, Tensor | None]:
        """Log-probs, entropies and values, each [completions, tokens]."""
        states = predicting_states(self.model, layout, roomy=self.roomy, exact=self.exact)
        head, foreteller = output_head(self.model), value_head(self.model)
        body = find_body(self.model)
        spare, self._has_spare = self._has_spare and torch.is_grad_enabled(), False
        scores = score_tokens(
            states,
            head.weight,
            head.bias,
            layout.targets,
            temperature=self.temperature,
            direct=body is not None,
            # Spread weights are float32, whatever the network computes in.
            backward=None if body is None else body.dtype,
            spare=spare,
        )
        counted = mask_tokens(layout)
        values = None if foreteller is None else spread_tokens(foretell(foreteller, states), counted)
        return spread_tokens(scores.log_probs, counted), spread_tokens(scores.entropy, counted), values

    @torch.no_grad()
    def log_probs(self, pairs: Sequence[Pair]) -> list[tuple[float, ...]]:
        """Log-probs of each completion's tokens, without gradient.

        Raises: Interrupted where the run should stop; Diverged where memory suffices for no micro-batch.
        """
        return within_memory(lambda: self._log_probs(pairs), self.budget.halve)

    def _log_probs(self, pairs: Sequence[Pair]) -> list[tuple[float, ...]]:
        found: list[tuple[float, ...]] = [()] * len(pairs)
        for clusters in self.plan(pairs):
            self.check()
            scores = self.score(clusters)
            for row, values in zip(scores.rows, list_tokens(scores.log_probs, scores.mask), strict=True):
                found[row] = values
        return found


def predicting_states(model: PreTrainedModel, layout: Layout, *, roomy: bool = False, exact: bool = False) -> Tensor:
    """The hidden states [completion tokens, width] from which the network foretells each token of the completions.

    roomy: memory may be spent on a faster backward pass. exact: where our own layers run the network, they are float32,
    and so is all but the last layers.
    """
    body = find_body(model)
    if body is not None:
        return body.predicting_states(layout.clusters, roomy=roomy, exact=exact)
    mask = None if layout.visible is None else additive_mask(layout.visible, model.dtype)
    hidden = hidden_states(
        model,
        input_ids=layout.input_ids,
        attention_mask=mask,
        position_ids=layout.position_ids,
        use_cache=False,
    )
    return hidden.flatten(0, 1).index_select(0, layout.sources)


def mask_tokens(layout: Layout) -> Tensor:
    """Which places hold a completion's own tokens: bool [completions, tokens]."""
    device = layout.sources.device
    ends = torch.tensor(layout.lengths, device=device)
    return torch.arange(max(layout.lengths), device=device)[None] < ends[:, None]


def list_tokens(values: Tensor, mask: Tensor) -> list[tuple[float, ...]]:
    """Each completion's own values [completions, tokens] as numbers, brought over from the device all at once."""
    whole, counted = values.detach().cpu(), mask.cpu()
    return [tuple(row[own].tolist()) for row, own in zip(whole, counted, strict=True)]


def spread_tokens(values: Tensor, mask: Tensor) -> Tensor:
    """Flat values of all completions into [completions, tokens]; 0 elsewhere."""
    return torch.zeros(mask.shape, dtype=values.dtype, device=values.device).masked_scatter(mask, values)
