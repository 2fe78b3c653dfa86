"""Optimizer steps from the rows of a batch: exact over any micro-batches and ranks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from rewardmodel.runtime.cancellation import never_stop
from rewardmodel.runtime.seeding import derive_generator
from rltrainer.config_learning import OptimizerConfig
from rltrainer.distance import choose_witnesses, measure_distance, measure_scored
from rltrainer.joint_passes import count_missing, run_for_others
from rltrainer.losses import StepTotals
from rltrainer.memory import MicroBatchBudget
from rltrainer.policy import CompletionScores, Pair, Policy, list_tokens
from rltrainer.ranks import SINGLE, Ranks
from rltrainer.records import TrainingBatch, TrainingRow
from rltrainer.step_work import WorkCount
from rltrainer.tally import Tally
from rltrainer.value_head import value_head
from rltrainer.weight_stepper import WeightStepper
from rltrainer.weights import Weights

StepLoss = Callable[[CompletionScores, Sequence[TrainingRow], StepTotals, Tally], Tensor]
"""One micro-batch's share of the loss of an optimizer step."""
NeedsPass = Callable[[TrainingRow], bool]
"""Whether a row has a loss or gradient at all; one that has none still counts in what the loss divides by."""


@dataclass(frozen=True, slots=True)
class StepTerms:
    """What one batch is learned with."""

    loss: StepLoss
    """The loss of the policy."""
    needs_pass: NeedsPass
    """Rows without loss and gradient are not run."""
    learning_rate: float
    """Of this step."""
    max_new_tokens: int
    """Longest completion that sampling allows."""
    seed: int
    """Seed of the order of minibatches; another one for each batch."""
    old_log_probs_of_sampler: bool = False
    """Take the sampler's log-probs as the old ones, and save the trainer's own pass."""


class PolicyOptimizer:
    """Moves a policy's weights along the gradient of a loss."""

    def __init__(
        self,
        policy: Policy,
        masters: Weights,
        config: OptimizerConfig,
        *,
        budget: MicroBatchBudget | None = None,
        ranks: Ranks = SINGLE,
        head_rate_factor: float = 1.0,
    ) -> None:
        """head_rate_factor: how much faster than the rest the policy's value head learns, where it has one."""
        self.policy = policy
        self.masters = masters
        self.config = config
        self.ranks = ranks
        self.work = WorkCount(policy.model)
        foreteller = value_head(policy.model)
        head = [] if foreteller is None else list(foreteller.parameters())
        self.adamw = build_adamw(masters.parameters, config, head=head, head_rate_factor=head_rate_factor)
        policy.budget = budget or policy.budget
        self.stepper = WeightStepper(masters, self.adamw, config, budget=policy.budget, ranks=ranks)

    @property
    def skipped_in_a_row(self) -> int:
        """Steps left out since the last one that was taken."""
        return self.stepper.skipped_in_a_row

    @property
    def steps_taken(self) -> int:
        """How often the weights have moved, over all parts of a resumed run."""
        state = self.adamw.state.get(self.masters.parameters[0])
        return int(state["step"]) if state else 0

    def update(self, batch: TrainingBatch, terms: StepTerms, tally: Tally) -> None:
        """All passes over the batch, each in `minibatches` optimizer steps.

        A step whose gradient is not finite is left out and counted.
        Raises: Diverged where that happens too often in a row; Interrupted where the run should stop and no weight has
        moved.
        """
        rows = list(batch.counted_rows)
        plan = plan_steps(rows, passes=self.config.passes, minibatches=self.config.minibatches, seed=terms.seed)
        self._look_around(rows, terms, tally, first=plan[0])
        for taken, part in enumerate(plan, start=1):
            own = Tally()
            scored = self._take_step([rows[index] for index in part], terms, own, first=taken == 1)
            # Summed over micro-batches and ranks; over the steps of the batch their mean is what people compare.
            own.settle("loss", "loss_policy")
            tally.merge(own)
            tally.add_sum("optimizer_steps", 1)
            if taken == 1 and len(plan) > 1:
                _fill_old(rows, part, scored)
            if self._has_gone_far(own):
                break

    def pack(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Weights, AdamW's means and what else the next step depends on."""
        return self.stepper.pack()

    def unpack(self, tensors: Mapping[str, Tensor], state: Any) -> None:
        """Put what `pack` gave back."""
        self.stepper.unpack(tensors, state)

    def _look_around(self, rows: list[TrainingRow], terms: StepTerms, tally: Tally, *, first: Sequence[int]) -> None:
        """What the policy that sampled thinks of rows that its first step, of the rows `first`, does not run.

        Those that later steps learn from need it below their ratio; those of the first get it from that step's own
        pass. Of those that nobody learns from some tell how far the policy is.
        """
        run_first = set(first)
        later = [index for index in range(len(rows)) if index not in run_first and terms.needs_pass(rows[index])]
        if terms.old_log_probs_of_sampler:
            _fill_old(rows, later, [rows[index].sampler_log_probs for index in later])
            later = []
        witnesses = choose_witnesses(rows, terms.needs_pass)
        places = [*later, *witnesses]
        if not places:
            return
        found = self.score([(rows[index].prompt_ids, rows[index].completion_ids) for index in places], tally)
        weights = [*[1.0] * len(later), *witnesses.values()]
        measure_scored([rows[index] for index in places], found, tally, weights=weights)
        _fill_old(rows, later, found[: len(later)])

    def score(self, pairs: Sequence[Pair], tally: Tally) -> list[tuple[float, ...]]:
        """Log-probs of each completion's tokens; the ranks share the work, and all get all of them.

        Raises: as `Policy.log_probs`.
        """
        self.work.note_scoring(self.policy.plan(pairs), tally)
        mine = self.ranks.share(pairs, weights=[float(len(completion)) for _, completion in pairs])
        with self.masters.whole():
            return self.ranks.join(self.ranks.attempt(lambda: self.policy.log_probs(mine)))

    def _has_gone_far(self, measured: Tally) -> bool:
        limit = self.config.target_kl
        if limit is None:
            return False
        total, count = measured.sum_and_count("old_kl_k3")
        return count > 0 and total / count > limit

    def _take_step(
        self, rows: Sequence[TrainingRow], terms: StepTerms, tally: Tally, *, first: bool
    ) -> list[tuple[float, ...]]:
        """One optimizer step; gives each row's log-probs before it, () for those that were not run."""
        totals = count_totals(rows, terms.max_new_tokens)
        wanted = [index for index, row in enumerate(rows) if terms.needs_pass(row)]
        tally.add_sum("rows_spared", len(rows) - len(wanted))
        mine = self.ranks.share(wanted, weights=[float(len(rows[index].completion_ids)) for index in wanted])
        run = [rows[index] for index in mine]
        spare = rows[wanted[0]] if wanted else None
        found = self.stepper.take(
            lambda measured: self._accumulate(run, terms, totals, measured, first=first, spare=spare),
            learning_rate=terms.learning_rate,
            tally=tally,
        )
        scored: list[tuple[float, ...]] = [()] * len(rows)
        for index, values in self.ranks.join(list(zip(mine, found, strict=True))):
            scored[index] = values
        return scored

    def _accumulate(
        self,
        rows: Sequence[TrainingRow],
        terms: StepTerms,
        totals: StepTotals,
        tally: Tally,
        *,
        first: bool,
        spare: TrainingRow | None,
    ) -> list[tuple[float, ...]]:
        """Gradients of all micro-batches into the weights; gives each row's log-probs."""
        found: list[tuple[float, ...]] = [()] * len(rows)
        batches = self.policy.plan([(row.prompt_ids, row.completion_ids) for row in rows])
        self.work.note(batches, tally)
        self.policy.take_room()
        missing = 0
        if self.masters.is_spread:
            missing = count_missing(len(batches), self.ranks, check=self.policy.check if first else never_stop)
        for clusters in batches:
            # Later steps come after the weights have moved, which cannot be taken back.
            if first and not self.masters.is_spread:
                self.policy.check()
            scores = self.policy.score(clusters)
            own = [rows[index] for index in scores.rows]
            loss = terms.loss(scores, own, totals, tally)
            loss.backward()
            self.masters.collect()
            tally.add_sum("loss", float(loss.detach()))
            if first:
                measure_distance(scores.log_probs, scores.mask, own, tally)
            for index, values in zip(scores.rows, list_tokens(scores.log_probs, scores.mask), strict=True):
                found[index] = values
        if spare is not None:
            run_for_others(self.policy, self.masters, (spare.prompt_ids, spare.completion_ids), missing)
        return found


def plan_steps(rows: Sequence[TrainingRow], *, passes: int, minibatches: int, seed: int) -> list[list[int]]:
    """The rows of each optimizer step, as indices: `passes` times all of them in `minibatches` parts.

    Rows of one prompt stay neighbours, so that their prompt is computed once. One minibatch keeps the order of the
    rows; several deal them anew in each pass.
    """
    if minibatches == 1:
        return [list(range(len(rows))) for _ in range(passes)]
    plan: list[list[int]] = []
    for number in range(passes):
        order = _shuffle_groups(rows, seed=seed, number=number)
        bounds = [len(order) * part // minibatches for part in range(minibatches + 1)]
        parts = [order[low:high] for low, high in pairwise(bounds)]
        plan.extend(part for part in parts if part)
    return plan


def _shuffle_groups(rows: Sequence[TrainingRow], *, seed: int, number: int) -> list[int]:
    groups = [list(members) for _, members in groupby(range(len(rows)), key=lambda index: rows[index].prompt_ids)]
    generator = derive_generator(seed, "minibatches", number)
    return [index for place in torch.randperm(len(groups), generator=generator).tolist() for index in groups[place]]


def _fill_old(rows: list[TrainingRow], places: Sequence[int], found: Sequence[tuple[float, ...]]) -> None:
    for place, values in zip(places, found, strict=True):
        if values and rows[place].old_log_probs is None:
            rows[place] = replace(rows[place], old_log_probs=values)


def build_adamw(
    parameters: Sequence[nn.Parameter],
    config: OptimizerConfig,
    *,
    head: Sequence[nn.Parameter] = (),
    head_rate_factor: float = 1.0,
) -> torch.optim.AdamW:
    """AdamW in which only matrices decay.

    head: those among the parameters that learn `head_rate_factor` times as fast as the others, and never decay.
    """
    apart = {id(parameter) for parameter in head}
    body = [parameter for parameter in parameters if id(parameter) not in apart]
    groups = [
        {"params": [p for p in body if p.ndim >= 2], "weight_decay": config.weight_decay, "rate_factor": 1.0},
        {"params": [p for p in body if p.ndim < 2], "weight_decay": 0.0, "rate_factor": 1.0},
        {"params": list(head), "weight_decay": 0.0, "rate_factor": head_rate_factor},
    ]
    adamw = torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        fused=True,
    )
    _lay_out_means(adamw)
    return adamw


def _lay_out_means(adamw: torch.optim.AdamW) -> None:
    """Make AdamW's means now, at 0 as its first step would.

    Made in the first step, they would settle between the gradients and activations of that step, and what these leave
    would never again be one piece: on a CPU that took a fifth of the memory of a run.
    """
    for parameter in (parameter for group in adamw.param_groups for parameter in group["params"]):
        if hasattr(parameter, "full_tensor"):
            continue  # Spread over processes: its optimizer knows best how.
        adamw.state[parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            "exp_avg": torch.zeros_like(parameter, dtype=torch.float32, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(parameter, dtype=torch.float32, memory_format=torch.preserve_format),
        }


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
