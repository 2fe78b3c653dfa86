"""The gradient of one optimizer step as the trainer computes it, and rows to compute it on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rewardmodel.runtime.master_weights import MasterWeights
from rltrainer.algorithms.policy_loss import PolicyLoss
from rltrainer.config_learning import KLConfig, LossConfig, OptimizerConfig
from rltrainer.optimization import PolicyOptimizer, StepTerms
from rltrainer.policy import Policy
from rltrainer.records import TrainingBatch, TrainingRow
from rltrainer.tally import Tally

NO_KL = KLConfig(coefficient=0.0)
MAX_NEW_TOKENS = 8
PROMPTS = ((5, 6, 7), (9, 8, 7, 6, 5))
LENGTHS = (1, 5, 3, 8, 2, 8, 4, 6)


@dataclass(frozen=True)
class StepGradient:
    """What one optimizer step would move along."""

    gradient: Tensor
    """All parameters' in one, float32."""
    metrics: dict[str, float]
    """What the step measured."""

    @property
    def loss(self) -> float:
        """The step's loss."""
        return self.metrics["loss"]


class GradientWatch:
    """Keeps the gradient that an optimizer step is about to follow; with a learning rate of 0 nothing moves."""

    gradient: Tensor

    def __init__(self, masters: MasterWeights, adamw: torch.optim.AdamW) -> None:
        self.masters = masters
        adamw.register_step_pre_hook(self._keep)

    def _keep(self, *_: object) -> None:
        self.gradient = torch.cat([master.grad.detach().flatten() for master in self.masters.parameters])


def step_gradient(
    model,
    rows: Sequence[TrainingRow],
    *,
    loss: LossConfig | None = None,
    kl: KLConfig = NO_KL,
    temperature: float = 1.0,
    micro_batch_tokens: int = 100,
    max_new_tokens: int = MAX_NEW_TOKENS,
    needs_pass: Callable[[TrainingRow], bool] = lambda row: True,
) -> StepGradient:
    """Runs the trainer's own step over these rows, with a learning rate of 0 and no limit on the gradient."""
    policy, masters = (
        Policy(model, temperature=temperature, micro_batch_tokens=micro_batch_tokens),
        MasterWeights(model),
    )
    masters.clear_gradients()
    optimizer = PolicyOptimizer(policy, masters, OptimizerConfig(max_grad_norm=1e9))
    watch = GradientWatch(masters, optimizer.adamw)
    terms = StepTerms(
        loss=PolicyLoss(loss=loss or LossConfig(), kl=kl),
        needs_pass=needs_pass,
        learning_rate=0.0,
        max_new_tokens=max_new_tokens,
        seed=0,
    )
    tally = Tally()
    optimizer.update(TrainingBatch(tuple(rows), 0), terms, tally)
    return StepGradient(watch.gradient, tally.values())


def make_rows(model, *, temperature: float = 1.0, lengths: Sequence[int] = LENGTHS, seed: int = 0) -> list[TrainingRow]:
    """Completions of two prompts, half each; the reference is some tenths of a nat away, the sampler nearby."""
    generator = torch.Generator().manual_seed(seed)
    half = len(lengths) // 2
    pairs = [
        (PROMPTS[row // half], tuple(torch.randint(20, 200, (length,), generator=generator).tolist()))
        for row, length in enumerate(lengths)
    ]
    advantages = torch.randn(len(lengths), generator=generator).tolist()
    found = Policy(model, temperature=temperature, micro_batch_tokens=100).log_probs(pairs)
    return [
        TrainingRow(
            prompt_ids=prompt,
            completion_ids=completion,
            advantages=(advantage,) * len(completion),
            sampler_log_probs=log_probs,
            reference_log_probs=_shifted(log_probs, 0.3, generator),
        )
        for (prompt, completion), advantage, log_probs in zip(pairs, advantages, found, strict=True)
    ]


def moved_since_sampling(rows: Sequence[TrainingRow], *, by: float = 0.4) -> list[TrainingRow]:
    """The rows as a later pass sees them: the policy that sampled was about `by` nats away, ratios are not 1."""
    generator = torch.Generator().manual_seed(1)
    return [replace(row, old_log_probs=_shifted(row.sampler_log_probs, by, generator)) for row in rows]


def plain_log_probs(model, rows: Sequence[TrainingRow], *, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """[rows, tokens] log-probs and their mask by a forward pass a row and the whole vocabulary's softmax: no sharing of
    prompts, no padding, no chunks."""
    found = [
        plain_distributions(model, row, temperature=temperature)
        .gather(1, torch.tensor(row.completion_ids)[:, None])
        .squeeze(1)
        for row in rows
    ]
    mask = pad_sequence([torch.ones(len(own), dtype=torch.bool) for own in found], batch_first=True)
    return pad_sequence(found, batch_first=True), mask


def plain_step(
    model,
    rows: Sequence[TrainingRow],
    *,
    loss: LossConfig | None = None,
    kl: KLConfig = NO_KL,
    temperature: float = 1.0,
    max_new_tokens: int = MAX_NEW_TOKENS,
) -> StepGradient:
    """The same step as it stands in the papers: a row at a time, whole distributions, nothing of the trainer's.

    Knows the clipped surrogate with token or sequence ratio, k3 weighed by the ratio, entropy and all normalisers.
    """
    loss = loss or LossConfig()
    tokens = sum(len(row.completion_ids) for row in rows)
    total = torch.zeros(())
    for row in rows:
        length = len(row.completion_ids)
        every = plain_distributions(model, row, temperature=temperature)
        log_probs = every.gather(1, torch.tensor(row.completion_ids)[:, None]).squeeze(1)
        old = log_probs.detach() if row.old_log_probs is None else torch.tensor(row.old_log_probs)
        token_ratio = (log_probs - old).exp()
        ratio = (log_probs - old).mean().exp() if loss.ratio == "sequence" else token_ratio
        advantages = torch.tensor(row.advantages)
        gain = torch.min(ratio * advantages, ratio.clamp(1 - loss.clip_low, 1 + loss.clip_high) * advantages)
        x = torch.tensor(row.reference_log_probs) - log_probs
        distance = token_ratio * (x.exp() - 1 - x)
        entropy = -(every.exp() * every).sum(1)
        losses = -gain + kl.coefficient * distance - loss.entropy_coefficient * entropy
        divisors = {"grpo": len(rows) * length, "token_mean": tokens, "dr_grpo": len(rows) * max_new_tokens}
        total = total + losses.sum() / divisors[loss.aggregation]
    gradients = torch.autograd.grad(total, list(model.parameters()))
    return StepGradient(torch.cat([gradient.flatten() for gradient in gradients]), {"loss": float(total.detach())})


def plain_distributions(model, row: TrainingRow, *, temperature: float) -> Tensor:
    """[tokens, vocabulary] log-probs where each of the completion's tokens is chosen."""
    logits = model(torch.tensor([[*row.prompt_ids, *row.completion_ids]])).logits[0].float() / temperature
    start = len(row.prompt_ids) - 1
    return logits[start : start + len(row.completion_ids)].log_softmax(1)


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Length of the difference over the length of what is expected."""
    return float((found - expected).norm() / expected.norm())


def _shifted(values: Sequence[float], by: float, generator: torch.Generator) -> tuple[float, ...]:
    return tuple((torch.tensor(values) + by * torch.randn(len(values), generator=generator)).tolist())
