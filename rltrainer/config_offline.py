"""What a run on given responses can be told: the kinds `sft` and `dpo`. Standard library only."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from rewardmodel.config_parsing import dump_dataclass
from rltrainer.config_checks import above, at_least
from rltrainer.config_learning import OptimizerConfig
from rltrainer.config_sections import CheckpointConfig, ModelConfig
from rltrainer.config_warmup import warmup_fault

OFFLINE_DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    # Adapters (model.adapter_rank) want about ten times these learning rates.
    "sft": {"optimizer": {"learning_rate": 2e-5, "schedule": "linear"}},
    "dpo": {"optimizer": {"learning_rate": 1e-6, "schedule": "linear"}},
}
"""Where a kind starts from other values than the sections' own."""


@dataclass(frozen=True, slots=True)
class ExampleDataConfig:
    """The responses to imitate."""

    train: str = "data/sft_train.jsonl"
    """File of example records to learn from."""
    eval: str = "data/sft_eval.jsonl"
    """File of held-out example records, of other prompts."""
    max_length_tokens: int = 1024
    """Longest prompt with response; longer ones are left out, counted and reported."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from at_least(self, "max_length_tokens", 8)


@dataclass(frozen=True, slots=True)
class PairDataConfig:
    """The preferences."""

    train: str = "data/train.jsonl"
    """File of preference records to learn from."""
    eval: str = "data/eval.jsonl"
    """File of held-out preference records, of other prompts."""
    max_length_tokens: int = 1024
    """Longest prompt with response; pairs with a longer side are left out, counted and reported."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from at_least(self, "max_length_tokens", 8)


@dataclass(frozen=True, slots=True)
class PreferenceLossConfig:
    """What a preference asks of the policy (`dpo`)."""

    kind: Literal["sigmoid", "ipo"] = "sigmoid"
    """`sigmoid`: the log-likelihood of people's choice; `ipo`: the squared distance to a lead of fixed size, which does
    not grow without end where people all agree."""
    beta: float = 0.1
    """How dear the distance from the reference is: less moves further."""
    target: Literal["votes", "hard"] = "votes"
    """`votes`: the probability that people's votes suggest; `hard`: the chosen response always wins."""
    vote_prior: float = 0.5
    """Votes added to either side before the probability is taken; keeps a single vote from being certainty."""
    label_smoothing: float = 0.0
    """Share of labels assumed to be wrong, mixed into the target."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from above(self, "beta", 0)
        yield from at_least(self, "vote_prior", 0)
        if not 0 <= self.label_smoothing < 0.5:
            yield f"label_smoothing: must be from 0 to below 0.5, got {self.label_smoothing}"


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How long, and in which portions."""

    epochs: int = 1
    """Passes over the records."""
    max_steps: int | None = None
    """Stop after this many optimizer steps even if data is left; the learning rate's schedule ends there."""
    records_per_step: int = 32
    """Records behind one optimizer step."""
    pool_steps: int = 16
    """Steps whose records are sorted by length together; larger wastes less on padding, smaller mixes lengths more."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        for name in ("epochs", "records_per_step", "pool_steps"):
            yield from at_least(self, name, 1)
        if self.max_steps is not None:
            yield from at_least(self, "max_steps", 1)


@dataclass(frozen=True, slots=True)
class ComparisonConfig:
    """How the policy is judged, before the first step and after the last."""

    every_steps: int = 25
    """Steps between looks at the monitored records while training; 0 looks only before and after."""
    monitor_records: int = 64
    """Held-out records looked at while training, always the same ones."""
    shown_prompts: int = 4
    """To how many held-out prompts answers are sampled, before and after, for people to read."""
    samples_per_prompt: int = 1
    """Answers to each of them."""
    max_new_tokens: int = 128
    """Longest such answer in tokens."""
    temperature: float = 1.0
    """Divides the logits while those are sampled; 0 always takes the likeliest token."""
    confidence: float = 0.95
    """Level of the intervals."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        for name in ("every_steps", "shown_prompts", "temperature"):
            yield from at_least(self, name, 0)
        for name in ("monitor_records", "samples_per_prompt", "max_new_tokens"):
            yield from at_least(self, name, 1)
        if not 0 < self.confidence < 1:
            yield f"confidence: must be between 0 and 1, got {self.confidence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfflineConfig:
    """What both kinds have."""

    schema: Literal[1] = 1
    """Version of this format."""
    seed: int = 0
    """Seed of everything random in the run."""
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    evaluation: ComparisonConfig = field(default_factory=ComparisonConfig)

    def _faults_of_sections(self, kind: str) -> Iterator[str]:
        """Settings of the shared sections that mean something to sampled completions only."""
        yield from self.model.missing_path("model.path")
        for name, idle in (("passes", 1), ("minibatches", 1), ("target_kl", None)):
            if getattr(self.optimizer, name) != idle:
                yield f"optimizer.{name}: has no effect with kind '{kind}', which samples nothing; leave it out"
        yield from at_least(self, "seed", 0)
        if (most := self.training.max_steps) is not None:
            yield from warmup_fault(self.optimizer, "optimizer", steps=most, limit="training.max_steps")

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return dump_dataclass(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SFTConfig(_OfflineConfig):
    """Train a policy to give the responses that people chose or wrote."""

    kind: Literal["sft"] = "sft"
    """What to do."""
    data: ExampleDataConfig = field(default_factory=ExampleDataConfig)

    def validate(self) -> Iterator[str]:
        """Faults of fields that do not fit each other."""
        yield from self._faults_of_sections(self.kind)
        if self.model.reference is not None:
            yield "model.reference: kind 'sft' has no reference; it is compared with where it starts"


@dataclass(frozen=True, slots=True, kw_only=True)
class DPOConfig(_OfflineConfig):
    """Train a policy on preferences, without sampling and without a reward model."""

    kind: Literal["dpo"] = "dpo"
    """What to do."""
    data: PairDataConfig = field(default_factory=PairDataConfig)
    loss: PreferenceLossConfig = field(default_factory=PreferenceLossConfig)

    def validate(self) -> Iterator[str]:
        """Faults of fields that do not fit each other."""
        yield from self._faults_of_sections(self.kind)
        if self.model.adapter_rank and self.model.reference is not None:
            yield "model.reference: with model.adapter_rank the reference is the model without adapters; leave it out"


OfflineConfig = SFTConfig | DPOConfig
