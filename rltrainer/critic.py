"""A network that foretells, before each token of a completion, what the completion will earn from there on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rltrainer.algorithms.policy_loss import stack
from rltrainer.kept_passes import KeptPasses, Pass
from rltrainer.layouts import Cluster, Pair, lay_out, plan_micro_batches
from rltrainer.llama.body import find_body
from rltrainer.losses import StepTotals, aggregate
from rltrainer.memory import count_kept_bytes, within_memory
from rltrainer.optimization import StepLoss, count_totals, plan_steps
from rltrainer.policy import CompletionScores, list_tokens, mask_tokens, predicting_states, spread_tokens
from rltrainer.ranks import SINGLE, Ranks
from rltrainer.records import TrainingBatch, TrainingRow
from rltrainer.tally import Tally
from rltrainer.value_head import foretell
from rltrainer.value_losses import held_values, value_losses
from rltrainer.weight_stepper import WeightStepper


@dataclass(frozen=True, slots=True)
class CriticTerms:
    """What a critic learns one batch with."""

    learning_rate: float
    """The policy's in this step; a critic's own is a fixed multiple of it."""
    seed: int
    """Seed of the order of minibatches; another one for each batch."""
    warming_up: bool
    """True while only the critic learns, and the policy stays."""


class Critic:
    """Values of tokens and what is learned from their returns: a network of its own, or a head on the policy's body."""

    def __init__(
        self,
        body: PreTrainedModel,
        head: nn.Linear,
        stepper: WeightStepper,
        *,
        passes: int,
        minibatches: int,
        clip: float | None,
        rate_factor: float,
        shared: bool,
        exact: bool = False,
        check: StopCheck = never_stop,
        ranks: Ranks = SINGLE,
    ) -> None:
        """head: float32, on the body's hidden states. stepper: of all that learns here.

        rate_factor: how much faster than the policy it learns.
        shared: the body is the policy's, which teaches it and the head in its own steps; while the policy stays, the
        head alone learns here. exact: values come from such passes as the log-probs of the policy that it shares.
        """
        self.body = body
        self.head = head
        self.stepper = stepper
        self.passes = passes
        self.minibatches = minibatches
        self.clip = clip
        self.rate_factor = rate_factor
        self.shared = shared
        self.exact = exact
        self.check = check
        self.ranks = ranks
        self._kept: KeptPasses | None = None

    def values(self, pairs: Sequence[Pair]) -> list[tuple[float, ...]]:
        """What each completion's tokens are expected to lead to. Raises: Interrupted where the run should stop.

        Where the next step learns from exactly these passes they are kept for it, as far as memory allows.
        """
        mine = self.ranks.share(pairs, weights=[float(len(completion)) for _, completion in pairs])
        keep = not self.shared and self.minibatches == 1 and self.ranks.count == 1
        self._kept = KeptPasses(mine, device=self.head.weight.device) if keep else None
        return self.ranks.join(self.ranks.attempt(lambda: within_memory(lambda: self._values(mine), self._make_room)))

    def update(self, batch: TrainingBatch, terms: CriticTerms, tally: Tally) -> None:
        """Learn from the returns: `passes` over the batch, each in minibatches; nothing where the policy teaches it.

        A step whose gradient is not finite is left out and counted.
        Raises: Diverged where that happens too often in a row; Interrupted where the run should stop and no weight has
        moved, which can only be while the policy stays.
        """
        if self.shared and not terms.warming_up:
            return
        rows = batch.counted_rows
        plan = plan_steps(rows, passes=self.passes, minibatches=self.minibatches, seed=terms.seed)
        for number, part in enumerate(plan):
            # Once weights have moved, here or in the policy, the step cannot be taken back.
            check = self.check if terms.warming_up and number == 0 else never_stop
            self._take_step([rows[index] for index in part], terms.learning_rate * self.rate_factor, tally, check)

    def pack(self) -> tuple[dict[str, Tensor], Any]:
        """What a checkpoint must hold; of a shared critic the policy's part holds the weights."""
        tensors, state = self.stepper.pack()
        return ({}, {"skipped_in_a_row": self.stepper.skipped_in_a_row}) if self.shared else (tensors, state)

    def unpack(self, tensors: Mapping[str, Tensor], state: Any) -> None:
        """Put it back."""
        self._kept = None
        if self.shared:
            self.stepper.skipped_in_a_row = state["skipped_in_a_row"]
        else:
            self.stepper.unpack(tensors, state)

    def _make_room(self) -> None:
        """Keep no passes for the step to come, or else take smaller ones."""
        if self._kept is None:
            self.stepper.budget.halve()
        self._kept = None

    def _values(self, pairs: Sequence[Pair]) -> list[tuple[float, ...]]:
        found: list[tuple[float, ...]] = [()] * len(pairs)
        with count_kept_bytes() as kept_bytes:
            for clusters in self._plan(pairs):
                self.check()
                with torch.set_grad_enabled(self._kept is not None):
                    values, mask = self._foretell(clusters)
                if self._kept is not None and not self._kept.add(clusters, values, mask, kept_bytes()):
                    self._kept = None
                rows = [row for cluster in clusters for row in cluster.rows]
                for row, own in zip(rows, list_tokens(values, mask), strict=True):
                    found[row] = own
        return found

    def _plan(self, pairs: Sequence[Pair]) -> list[list[Cluster]]:
        return plan_micro_batches(
            pairs,
            max_tokens=self.stepper.budget.tokens,
            width=self.head.in_features,
            padded=find_body(self.body) is None,
        )

    def _foretell(self, clusters: Sequence[Cluster]) -> tuple[Tensor, Tensor]:
        """Values [completions, tokens] and which of them count."""
        layout = lay_out(clusters, device=self.head.weight.device)
        mask = mask_tokens(layout)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.shared):
            states = predicting_states(self.body, layout, roomy=self._kept is not None, exact=self.exact)
        return spread_tokens(foretell(self.head, states), mask), mask

    def _take_step(self, rows: Sequence[TrainingRow], learning_rate: float, tally: Tally, check: StopCheck) -> None:
        totals = count_totals(rows, max_new_tokens=1)
        mine = self.ranks.share(rows, weights=[float(len(row.completion_ids)) for row in rows])
        own = Tally()
        self.stepper.take(
            lambda measured: self._accumulate(mine, totals, measured, check), learning_rate=learning_rate, tally=own
        )
        # Under the policy's names they would be averaged with its own.
        tally.merge(own.renamed(**{name: f"critic_{name}" for name in ("grad_norm", "update_norm", "skipped_steps")}))

    def _accumulate(self, rows: Sequence[TrainingRow], totals: StepTotals, tally: Tally, check: StopCheck) -> None:
        for clusters, values, mask in self._passes([(row.prompt_ids, row.completion_ids) for row in rows]):
            check()
            own = [rows[row] for cluster in clusters for row in cluster.rows]
            loss = measure_values(values, mask, own, totals, clip=self.clip, tally=tally)
            loss.backward()
            self.stepper.masters.collect()

    def _passes(self, pairs: Sequence[Pair]) -> Iterator[Pass]:
        """The micro-batches of a step with their values, from the passes that were kept where these are the same."""
        kept, self._kept = self._kept, None
        if kept is not None and kept.pairs == list(pairs):
            yield from kept.take()
            return
        for clusters in self._plan(pairs):
            yield clusters, *self._foretell(clusters)


class ValueLoss:
    """The loss of a policy whose body foretells rewards as well: the value loss joins it."""

    def __init__(self, policy_loss: StepLoss, *, coefficient: float, clip: float | None) -> None:
        self.policy_loss = policy_loss
        self.coefficient = coefficient
        self.clip = clip

    def __call__(
        self, scores: CompletionScores, rows: Sequence[TrainingRow], totals: StepTotals, tally: Tally
    ) -> Tensor:
        """One micro-batch's share of both. Raises: ValueError where the network has no value head."""
        if scores.values is None:
            raise ValueError("a shared critic needs a value head on the policy")
        loss = self.policy_loss(scores, rows, totals, tally)
        values = measure_values(scores.values, scores.mask, rows, totals, clip=self.clip, tally=tally)
        return loss + self.coefficient * values


def measure_values(
    values: Tensor,
    mask: Tensor,
    rows: Sequence[TrainingRow],
    totals: StepTotals,
    *,
    clip: float | None,
    tally: Tally,
) -> Tensor:
    """One micro-batch's share of the mean value loss over all tokens of an optimizer step.

    values: [completions, tokens], differentiable; rows: the same completions, with their old values and returns.
    """
    old, returns = (stack([_known(row, name) for row in rows], values) for name in ("values", "returns"))
    losses = value_losses(values, old, returns, clip=clip)
    tally.add_mean("value_loss", losses, mask)
    if clip is not None:
        tally.add_mean("value_clip_fraction", held_values(values.detach(), old, returns, clip=clip).double(), mask)
    return aggregate(losses, mask, aggregation="token_mean", totals=totals)


def _known(row: TrainingRow, name: str) -> tuple[float, ...]:
    found: tuple[float, ...] | None = getattr(row, name)
    if found is None:
        raise ValueError(f"a critic learns from the {name} of every row; this one has none")
    return found
