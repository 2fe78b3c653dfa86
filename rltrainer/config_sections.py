"""The sections of a policy run's config, one owner each. Standard library only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The network."""

    path: str = ""
    """Folder of the model to train, sample or judge."""
    reference: str | None = None
    """Folder of the model to stay near to; null takes a frozen copy of `path`."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; `auto` takes a GPU where there is one."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """Precision of the network's arithmetic; weights keep a float32 master in any case."""
    threads: int | None = None
    """CPU threads; null takes OMP_NUM_THREADS or else all cores this process may use, less one on a busy machine."""

    def missing_path(self, key: str) -> Iterator[str]:
        """The fault of an absent model folder."""
        if not self.path:
            yield f"{key}: is missing; name the folder of the model"

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        if self.threads is not None:
            yield from _at_least(self, "threads", 1)


@dataclass(frozen=True, slots=True)
class DataConfig:
    """The prompts."""

    prompts: str = "data/prompts.jsonl"
    """File of prompt records."""
    max_prompt_tokens: int = 512
    """Longer prompts are left out, counted and reported."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from _at_least(self, "max_prompt_tokens", 1)


@dataclass(frozen=True, slots=True)
class RolloutConfig:
    """How completions to learn from are sampled."""

    prompts_per_step: int = 8
    """Prompts of one optimizer step."""
    group_size: int = 8
    """Completions of each prompt."""
    max_new_tokens: int = 128
    """Longest completion in tokens."""
    temperature: float = 1.0
    """Divides the logits while sampling and in every training pass."""
    batch_rows: int = 64
    """Completions that are decoded together."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from _at_least(self, "prompts_per_step", 1)
        yield from _at_least(self, "group_size", 2)
        yield from _at_least(self, "max_new_tokens", 1)
        yield from _at_least(self, "batch_rows", 1)
        yield from _above(self, "temperature", 0)


@dataclass(frozen=True, slots=True)
class RewardConfig:
    """What is rewarded: the weighted sum of the parts whose weight is not 0."""

    model: str | None = None
    """Folder of a reward model, or null for none."""
    model_weight: float = 1.0
    """Weight of the reward model's normalised score."""
    model_clip: float = 10.0
    """The score is held within plus and minus this before it is weighted."""
    brevity_weight: float = 0.0
    """Weight of minus the length, as a share of the longest completion."""
    length_weight: float = 0.0
    """Weight of minus the distance to `length_tokens`, as a share of it."""
    length_tokens: int | None = None
    """The wished length in tokens; needed where `length_weight` is not 0."""
    number_weight: float = 0.0
    """Weight of 1 for a completion whose last number equals the prompt's `metadata.answer`, else 0."""
    unfinished_penalty: float = 0.0
    """Taken off where a completion ran into `max_new_tokens`."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from _above(self, "model_clip", 0)
        yield from _at_least(self, "unfinished_penalty", 0)
        if self.length_weight and (self.length_tokens is None or self.length_tokens < 1):
            yield "length_tokens: must be 1 or more where length_weight is not 0"
        if not self.length_weight and self.length_tokens is not None:
            yield "length_tokens: has no effect while length_weight is 0"

    def missing_source(self) -> Iterator[str]:
        """The fault of a run that rewards nothing."""
        verifiers = (self.brevity_weight, self.length_weight, self.number_weight)
        if not any(verifiers) and (self.model is None or not self.model_weight):
            yield "reward: nothing is rewarded; name a reward.model or give a verifier a weight"


@dataclass(frozen=True, slots=True)
class KLConfig:
    """What it costs to leave the reference."""

    coefficient: float = 0.04
    """Price of one nat; 0 for none (the distance is measured all the same)."""
    place: Literal["loss", "reward"] = "loss"
    """`loss`: a term of each token's loss; `reward`: taken off each completion's reward."""
    estimator: Literal["k1", "k2", "k3"] = "k3"
    """How a token's distance is estimated."""
    gradient: Literal["naive", "k2_st", "ratio"] = "ratio"
    """How the term in the loss is differentiated; without meaning for `place` `reward`."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of those that do not fit each other."""
        yield from _at_least(self, "coefficient", 0)
        if self.place == "reward" and self.estimator != "k1":
            yield f"estimator: place 'reward' needs the unbiased 'k1', not '{self.estimator}'"
        if self.place == "loss" and self.estimator == "k1" and self.gradient == "naive":
            yield "gradient: 'naive' with estimator 'k1' has an expected gradient of zero; take 'ratio' or 'k2_st'"


@dataclass(frozen=True, slots=True)
class AdvantageConfig:
    """How rewards become advantages."""

    scale: Literal["group_std", "none", "loo", "batch"] = "group_std"
    """What the distance to the group's mean is divided by; `loo` compares with the other completions alone."""


@dataclass(frozen=True, slots=True)
class LossConfig:
    """The clipped surrogate."""

    clip_low: float = 0.2
    """How far the ratio may fall below 1."""
    clip_high: float = 0.2
    """How far the ratio may rise above 1."""
    ratio: Literal["token", "sequence"] = "token"
    """The importance ratio of each token, or of the completion as a whole."""
    aggregation: Literal["grpo", "token_mean", "dr_grpo"] = "token_mean"
    """What the losses of tokens are averaged over."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from _above(self, "clip_low", 0)
        yield from _above(self, "clip_high", 0)
        if self.clip_low > 1:
            yield f"clip_low: must not exceed 1, got {self.clip_low}"


@dataclass(frozen=True, slots=True)
class OptimizerConfig:
    """AdamW and its schedule."""

    learning_rate: float = 1e-6
    """Highest learning rate."""
    warmup_steps: int = 0
    """Steps over which it rises to that."""
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
    """Optimizer steps on each batch of completions."""
    micro_batch_tokens: int = 1024
    """Tokens run forward and backward at once; fewer need less memory."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        for name in ("learning_rate", "epsilon", "max_grad_norm"):
            yield from _above(self, name, 0)
        for name in ("warmup_steps", "weight_decay", "beta1", "beta2"):
            yield from _at_least(self, name, 0)
        yield from (f"{name}: must be below 1" for name in ("beta1", "beta2") if getattr(self, name) >= 1)
        yield from _at_least(self, "passes", 1)
        yield from _at_least(self, "micro_batch_tokens", 1)


@dataclass(frozen=True, slots=True)
class CheckpointConfig:
    """When to write a checkpoint, besides on cancel."""

    every_steps: int = 10
    """After this many steps."""
    every_seconds: float = 300.0
    """Or when this long has passed since the last."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from _at_least(self, "every_steps", 1)
        yield from _above(self, "every_seconds", 0)


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """The comparison of policy and reference on prompts kept out of training."""

    prompts: int = 16
    """How many prompts to hold out, though at most a quarter of all; chosen by the seed."""
    samples_per_prompt: int = 4
    """Completions of each held-out prompt, from policy and reference alike."""
    shown_prompts: int = 4
    """Of how many held-out prompts the completions are kept in `samples.jsonl`."""
    confidence: float = 0.95
    """Level of the intervals."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of those that do not fit each other."""
        yield from _at_least(self, "prompts", 1)
        yield from _at_least(self, "samples_per_prompt", 1)
        yield from _at_least(self, "shown_prompts", 0)
        if not 0 < self.confidence < 1:
            yield f"confidence: must be between 0 and 1, got {self.confidence}"
        if self.shown_prompts > self.prompts:
            yield f"shown_prompts: must not exceed prompts ({self.prompts})"


@dataclass(frozen=True, slots=True)
class StopConfig:
    """When the run is over."""

    steps: int = 100
    """Batches of completions to learn from."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from _at_least(self, "steps", 1)


@dataclass(frozen=True, slots=True)
class SamplingConfig:
    """How responses are sampled for people, or for an evaluation."""

    responses_per_prompt: int = 4
    """Completions of each prompt."""
    max_new_tokens: int = 256
    """Longest completion in tokens."""
    temperature: float = 1.0
    """Divides the logits; 0 always takes the likeliest token."""
    top_p: float = 1.0
    """Only the likeliest tokens whose probabilities reach this sum are drawn from."""
    batch_rows: int = 32
    """Completions that are decoded together."""
    confidence: float = 0.95
    """Level of an evaluation's intervals."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from _at_least(self, "responses_per_prompt", 1)
        yield from _at_least(self, "max_new_tokens", 1)
        yield from _at_least(self, "temperature", 0)
        yield from _at_least(self, "batch_rows", 1)
        if not 0 < self.top_p <= 1:
            yield f"top_p: must be above 0 and at most 1, got {self.top_p}"
        if not 0 < self.confidence < 1:
            yield f"confidence: must be between 0 and 1, got {self.confidence}"


def _at_least(section: Any, name: str, least: float) -> Iterator[str]:
    value = getattr(section, name)
    if value < least:
        yield f"{name}: must be {least} or more, got {value}"


def _above(section: Any, name: str, bound: float) -> Iterator[str]:
    value = getattr(section, name)
    if value <= bound:
        yield f"{name}: must be above {bound}, got {value}"
