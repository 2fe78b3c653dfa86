"""One optimizer step from the rows of a batch: exact over any micro-batches."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import nn

from rewardmodel.runtime.faults import Diverged
from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.algorithms.algorithm import Algorithm
from rltrainer.algorithms.grpo import measure_distance
from rltrainer.config_sections import OptimizerConfig
from rltrainer.losses import StepTotals
from rltrainer.policy import CompletionScores, Policy
from rltrainer.records import TrainingBatch, TrainingRow
from rltrainer.tally import Tally


class PolicyOptimizer:
    """Moves a policy's master weights along the gradient of an algorithm's loss."""

    def __init__(self, policy: Policy, masters: MasterWeights, config: OptimizerConfig) -> None:
        self.policy = policy
        self.masters = masters
        self.config = config
        self.adamw = build_adamw(masters.parameters, config)

    def update(
        self, batch: TrainingBatch, algorithm: Algorithm, *, learning_rate: float, max_new_tokens: int, tally: Tally
    ) -> None:
        """All passes over the batch, an optimizer step each.

        Raises: Diverged where a gradient is not finite; Interrupted where the run should stop and no weight has moved.
        """
        rows = batch.rows
        for number in range(self.config.passes):
            first = number == 0
            scored = self._accumulate(
                rows, algorithm, totals=count_totals(rows, max_new_tokens), tally=tally, first=first
            )
            tally.add_sum("grad_norm", self._step(learning_rate) / self.config.passes)
            if first and self.config.passes > 1:
                rows = tuple(replace(row, old_log_probs=old) for row, old in zip(rows, scored, strict=True))

    def _accumulate(
        self, rows: Sequence[TrainingRow], algorithm: Algorithm, *, totals: StepTotals, tally: Tally, first: bool
    ) -> list[tuple[float, ...]]:
        """Gradients of the whole batch into the masters; gives each row's log-probs before the step."""
        found: list[tuple[float, ...]] = [()] * len(rows)
        for clusters in self.policy.plan([(row.prompt_ids, row.completion_ids) for row in rows]):
            if first:  # Later passes come after a step of the weights, which cannot be taken back.
                self.policy.check()
            scores = self.policy.score(clusters)
            own = [rows[index] for index in scores.rows]
            loss = algorithm.loss(scores, own, totals, tally)
            loss.backward()
            self.masters.collect()
            tally.add_sum("loss", float(loss.detach()) / self.config.passes)
            if first:
                measure_distance(scores, own, tally)
                _keep(found, scores)
        return found

    def _step(self, learning_rate: float) -> float:
        norm = nn.utils.clip_grad_norm_(self.masters.parameters, self.config.max_grad_norm, foreach=True)
        if not math.isfinite(float(norm)):
            raise Diverged(
                "the gradient of the policy is not finite; lower optimizer.learning_rate or look at the rewards"
            )
        for group in self.adamw.param_groups:
            group["lr"] = learning_rate
        self.adamw.step()
        self.masters.publish()
        self.masters.clear_gradients()
        return float(norm)


def build_adamw(parameters: Sequence[nn.Parameter], config: OptimizerConfig) -> torch.optim.AdamW:
    """AdamW in which only matrices decay."""
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        fused=True,
    )


def count_totals(rows: Sequence[TrainingRow], max_new_tokens: int) -> StepTotals:
    """What the step's loss divides by: rows that have tokens, and their tokens."""
    lengths = [len(row.completion_ids) for row in rows if row.completion_ids]
    return StepTotals(rows=len(lengths), tokens=sum(lengths), max_new_tokens=max_new_tokens)


def learning_rate_at(step: int, *, config: OptimizerConfig, steps: int) -> float:
    """The learning rate of a step, counted from 0: linear warm-up, then constant or linear to 0."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    decays: dict[str, Callable[[], float]] = {
        "constant": lambda: 1.0,
        "linear": lambda: (steps - step) / max(steps - config.warmup_steps, 1),
    }
    return config.learning_rate * max(0.0, decays[config.schedule]())


def _keep(found: list[tuple[float, ...]], scores: CompletionScores) -> None:
    for row, values, mask in zip(scores.rows, scores.log_probs.detach(), scores.mask, strict=True):
        found[row] = tuple(values[mask].tolist())
