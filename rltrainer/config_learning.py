"""Sections of a policy run's config: what is learned from completions, and how. Standard library only."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rltrainer.config_checks import above, at_least, within


@dataclass(frozen=True, slots=True)
class KLConfig:
    """What it costs to leave the reference."""

    coefficient: float = 0.04
    """Price of one nat; 0 for none."""
    place: Literal["loss", "reward"] = "loss"
    """`loss`: a term of each token's loss; `reward`: taken off the reward (of each token with `ppo`, else of each
    completion)."""
    estimator: Literal["k1", "k2", "k3"] = "k3"
    """How a token's distance is estimated."""
    gradient: Literal["naive", "k2_st", "ratio"] = "ratio"
    """How the term in the loss is differentiated; without meaning for `place` `reward`."""
    measure: bool = True
    """Compute the distance even where it has no price; that costs a pass of the reference."""
    controller: Literal["fixed", "adaptive"] = "fixed"
    """`adaptive` raises the price while the distance exceeds `target`, and lowers it below."""
    target: float = 6.0
    """Wished distance of a completion from the reference, nats; for `adaptive`."""
    horizon: int = 10_000
    """Completions over which `adaptive` may change the price by its whole reach; fewer make it quicker."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of those that do not fit each other."""
        yield from at_least(self, "coefficient", 0)
        yield from above(self, "target", 0)
        yield from at_least(self, "horizon", 1)
        if self.place == "reward" and self.estimator != "k1":
            yield f"estimator: place 'reward' needs the unbiased 'k1', not '{self.estimator}'"
        if self.place == "loss" and self.estimator == "k1" and self.gradient == "naive":
            yield "gradient: 'naive' with estimator 'k1' has an expected gradient of zero; take 'ratio' or 'k2_st'"
        if self.coefficient and not self.measure:
            yield "measure: a distance with a price must be measured; set coefficient to 0 as well"
        if self.controller == "adaptive" and not self.coefficient:
            yield "controller: 'adaptive' multiplies the coefficient, which is 0; give it a start"


@dataclass(frozen=True, slots=True)
class AdvantageConfig:
    """How the rewards of a group become advantages (`grpo`, `rloo`, `dapo`)."""

    scale: Literal["group_std", "none", "loo", "batch"] = "group_std"
    """What the distance to the group's mean is divided by; `loo` compares with the other completions alone."""


@dataclass(frozen=True, slots=True)
class GAEConfig:
    """How rewards and values become advantages (`ppo`)."""

    discount: float = 1.0
    """Weight of a reward one token later (gamma)."""
    trace: float = 0.95
    """How far advantages trust rewards over values (lambda): 1 only rewards, 0 only the next value."""
    whiten: bool = True
    """Bring the advantages of a step to mean 0 and deviation 1."""
    bootstrap_truncated: bool = False
    """Take the critic's value, and not 0, for what would follow a completion that was cut off."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from within(self, "discount", 0, 1)
        yield from within(self, "trace", 0, 1)


@dataclass(frozen=True, slots=True)
class CriticConfig:
    """The network that foretells rewards (`ppo`)."""

    kind: Literal["separate", "shared"] = "separate"
    """`separate`: a network of its own, started from the reward model where there is one; `shared`: a head on the
    policy's own body, which needs less memory."""
    path: str | None = None
    """Folder of a reward model to start from; null takes `reward.model`, else the policy's body with a new head."""
    learning_rate: float = 1e-5
    """Highest learning rate of the critic: of all of a separate one, of the head of a shared one."""
    warmup_steps: int = 10
    """Steps in which only the critic learns, so that the policy is not led by a critic that knows nothing. Where it is
    not given, at most half of `stop.steps`; with as many as these the critic learns alone."""
    coefficient: float = 0.1
    """Weight of the value loss beside the policy's in a shared network."""
    clip: float | None = None
    """How far a value may move from the one at sampling time and still lower the loss; null for no limit. In units of
    the returns."""
    passes: int = 1
    """Passes over each batch; a separate critic may take more than the policy."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of those that do not fit each other."""
        yield from above(self, "learning_rate", 0)
        yield from at_least(self, "warmup_steps", 0)
        yield from above(self, "coefficient", 0)
        yield from at_least(self, "passes", 1)
        if self.clip is not None:
            yield from above(self, "clip", 0)
        if self.kind == "shared" and self.path is not None:
            yield "path: has no effect on a shared critic, whose body is the policy's"


@dataclass(frozen=True, slots=True)
class LossConfig:
    """The surrogate of the policy's gain."""

    surrogate: Literal["clipped", "cispo"] = "clipped"
    """`clipped`: tokens outside the limits have no gradient; `cispo`: all have, with the ratio held at its limit."""
    clip_low: float = 0.2
    """How far the ratio may fall below 1."""
    clip_high: float = 0.2
    """How far the ratio may rise above 1."""
    clip_dual: float | None = None
    """With a negative advantage the loss of a token is held below this many advantages; null for no limit."""
    ratio_limit: float | None = None
    """Highest ratio in the unclipped term, on both sides of the advantage; null for no limit."""
    ratio: Literal["token", "sequence", "sequence_token"] = "token"
    """The importance ratio of each token, or of the completion as a whole; `sequence_token` has the completion's value
    and each token's own gradient."""
    aggregation: Literal["grpo", "token_mean", "dr_grpo"] = "token_mean"
    """What the losses of tokens are averaged over."""
    entropy_coefficient: float = 0.0
    """Reward of one nat of entropy in the loss."""
    mask_truncated: bool = False
    """Leave completions that were cut off out of the loss and of its average."""
    old_log_probs: Literal["trainer", "sampler"] = "trainer"
    """Whose log-probs stand below the ratio once the policy has moved: the trainer's own pass, or the sampler's, which
    cost nothing and in bfloat16 are some hundredths off."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of those that do not fit each other."""
        yield from above(self, "clip_low", 0)
        yield from above(self, "clip_high", 0)
        yield from at_least(self, "entropy_coefficient", 0)
        if self.clip_low > 1:
            yield f"clip_low: must not exceed 1, got {self.clip_low}"
        if self.clip_dual is not None:
            yield from above(self, "clip_dual", 1)
        if self.ratio_limit is not None and self.ratio_limit <= 1 + self.clip_high:
            yield f"ratio_limit: must exceed 1 + clip_high ({1 + self.clip_high:g}), got {self.ratio_limit}"
        if self.surrogate == "cispo":
            yield from self._faults_of_cispo()

    def _faults_of_cispo(self) -> Iterator[str]:
        for name in ("clip_dual", "ratio_limit"):
            if getattr(self, name) is not None:
                yield f"{name}: has no effect with surrogate 'cispo', which has its own limit (1 + clip_high)"
        if self.ratio != "token":
            yield f"ratio: surrogate 'cispo' weighs tokens; take 'token', not '{self.ratio}'"


@dataclass(frozen=True, slots=True)
class DynamicSamplingConfig:
    """Drawing more prompts until enough groups have something to teach (`dapo`)."""

    enabled: bool = False
    """Leave groups out that tell nothing, and draw others in their place."""
    rule: Literal["auto", "variance", "noise"] = "auto"
    """`variance`: a group counts when its rewards differ; `noise`: when they differ by more than the reward model's own
    uncertainty, for learned rewards, which always differ. `auto`: `noise` where several reward models score."""
    noise_factor: float = 0.5
    """With `noise`: a group's deviation must reach this many deviations of the reward model's ensemble."""
    max_batches: int = 10
    """How often a step may draw before it goes on with what it has."""
    on_cap: Literal["train_partial", "fill_with_zero_advantage", "stop"] = "train_partial"
    """What happens then: learn from the fewer groups, divide as if the missing ones had been there, or end the run."""
    stale_steps: int = 0
    """Surplus groups may be used this many steps later; 0 uses none of an older policy."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from at_least(self, "noise_factor", 0)
        yield from at_least(self, "max_batches", 1)
        yield from at_least(self, "stale_steps", 0)

    def settled(self, *, doubted: bool) -> "DynamicSamplingConfig":
        """The same without `auto`; doubted: whether the task's reward holds the score of several reward models."""
        return replace(self, rule="noise" if doubted else "variance") if self.rule == "auto" else self


@dataclass(frozen=True, slots=True)
class OptimizerConfig:
    """AdamW and its schedule."""

    learning_rate: float = 1e-6
    """Highest learning rate."""
    warmup_steps: int = 0
    """Steps over which it rises to that; a run on given responses that has fewer warns."""
    schedule: Literal["constant", "linear"] = "constant"
    """What it does afterwards; `linear` falls to 0 at the last step."""
    beta1: float = 0.9
    """Memory of the gradient's mean."""
    beta2: float = 0.999
    """Memory of the gradient's square."""
    epsilon: float = 1e-8
    """Keeps the division finite."""
    weight_decay: float = 0.0
    """Share of each matrix that a step at learning rate 1 would take off."""
    max_grad_norm: float = 1.0
    """Longer gradients are shortened to this."""
    passes: int = 1
    """How often each batch of completions is gone through."""
    minibatches: int = 1
    """Optimizer steps of a pass, each on its share of the completions, shuffled anew each pass."""
    target_kl: float | None = None
    """The batch is left early once the policy is this far from the one that sampled it, nats a token (k3); or never."""
    max_skipped_steps: int = 5
    """So many steps in a row may be left out because their gradient is not finite; then the run ends as diverged."""
    micro_batch_tokens: int | None = None
    """Tokens run forward and backward at once; null chooses from measured memory. Fewer need less memory."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        for name in ("learning_rate", "epsilon", "max_grad_norm"):
            yield from above(self, name, 0)
        for name in ("warmup_steps", "weight_decay", "beta1", "beta2"):
            yield from at_least(self, name, 0)
        yield from (f"{name}: must be below 1" for name in ("beta1", "beta2") if getattr(self, name) >= 1)
        yield from at_least(self, "passes", 1)
        yield from at_least(self, "minibatches", 1)
        yield from at_least(self, "max_skipped_steps", 0)
        if self.target_kl is not None:
            yield from above(self, "target_kl", 0)
        if self.micro_batch_tokens is not None:
            yield from at_least(self, "micro_batch_tokens", 1)
