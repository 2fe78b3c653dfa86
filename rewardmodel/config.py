"""The configurations of reward-model runs. Standard library only: the site reads this module too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from rewardmodel.config_compute import ComputeConfig
from rewardmodel.config_parsing import ConfigError, dump_dataclass, parse_dataclass, with_overrides

__all__ = ["Config", "ConfigError", "EvaluateConfig", "RewardConfig", "ScoreConfig", "parse_config", "with_overrides"]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What is trained."""

    base: str
    """Folder of the language model to start from: absolute, or relative to the run directory."""
    frozen_layers: int = 0
    """Layers left as they are, counted from the input, the embedding with them; 0 trains everything. Freezing half
    takes a third of the time off a step."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        if not self.base:
            yield "base: is empty; name the folder of a language model"
        if self.frozen_layers < 0:
            yield f"frozen_layers: must be 0 or more, got {self.frozen_layers}"


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Which records, and how long they may be."""

    train: str = "data/train.jsonl"
    """Preference records to learn from."""
    eval: str = "data/eval.jsonl"
    """Held-out preference records, of other prompts."""
    max_length_tokens: int = 512
    """Longest sequence of prompt and response; a longer one loses tokens at the front and is counted."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        if self.max_length_tokens < 8:
            yield f"max_length_tokens: must be at least 8, got {self.max_length_tokens}"


@dataclass(frozen=True, slots=True)
class LossConfig:
    """What counts as a good score."""

    target: Literal["votes", "hard"] = "votes"
    """`votes`: the probability that people's votes suggest; `hard`: the chosen response always wins."""
    vote_prior: float = 0.5
    """Votes added to either side before the probability is taken; keeps a single vote from being certainty."""
    label_smoothing: float = 0.0
    """Share of labels assumed to be wrong, mixed into the target."""
    use_margins: bool = True
    """Use the records' margins (only with hard targets: a soft target already says how strongly)."""
    centre: float = 0.01
    """Weight of the squared sum of a pair's two scores, which keeps scores around zero."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        if self.vote_prior < 0:
            yield f"vote_prior: must be 0 or more, got {self.vote_prior}"
        if not 0 <= self.label_smoothing < 0.5:
            yield f"label_smoothing: must be from 0 to below 0.5, got {self.label_smoothing}"
        if self.centre < 0:
            yield f"centre: must be 0 or more, got {self.centre}"


@dataclass(frozen=True, slots=True)
class OptimizerConfig:
    """AdamW and its schedule."""

    learning_rate: float = 1e-5
    """Peak learning rate."""
    weight_decay: float = 0.0
    """Decoupled weight decay."""
    beta1: float = 0.9
    """Decay of the gradient's average."""
    beta2: float = 0.95
    """Decay of the squared gradient's average."""
    epsilon: float = 1e-8
    """Added to the root of the squared gradient's average."""
    warmup_fraction: float = 0.03
    """Share of the steps in which the rate climbs to its peak."""
    final_fraction: float = 0.1
    """The rate at the end of the cosine, as a share of the peak."""
    max_grad_norm: float = 1.0
    """Longer gradients are scaled down to this length."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        for name in ("learning_rate", "epsilon", "max_grad_norm"):
            if getattr(self, name) <= 0:
                yield f"{name}: must be above 0, got {getattr(self, name)}"
        for name in ("beta1", "beta2", "warmup_fraction"):
            if not 0 <= getattr(self, name) < 1:
                yield f"{name}: must be from 0 to below 1, got {getattr(self, name)}"
        if not 0 <= self.final_fraction <= 1:
            yield f"final_fraction: must be from 0 to 1, got {self.final_fraction}"
        if self.weight_decay < 0:
            yield f"weight_decay: must be 0 or more, got {self.weight_decay}"


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How long, and in which portions."""

    epochs: int = 1
    """Passes over the training pairs; more than two usually overfit."""
    max_steps: int | None = None
    """Stop after this many optimizer steps even if data is left."""
    pairs_per_step: int = 32
    """Pairs behind one optimizer step."""
    micro_batch_tokens: int = 2048
    """Tokens, padding included, that go through the network at once; bounds memory and does not change the result."""
    pool_steps: int = 16
    """Steps whose pairs are sorted by length together; larger wastes less on padding, smaller mixes lengths more."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        for name in ("epochs", "pairs_per_step", "micro_batch_tokens", "pool_steps"):
            if getattr(self, name) < 1:
                yield f"{name}: must be at least 1, got {getattr(self, name)}"
        if self.max_steps is not None and self.max_steps < 1:
            yield f"max_steps: must be at least 1, got {self.max_steps}"


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """How the model is judged."""

    every_steps: int = 25
    """Steps between looks at the monitored pairs while training; 0 looks only at the end."""
    monitor_pairs: int = 64
    """Held-out pairs looked at while training, always the same ones."""
    bootstrap_samples: int = 1000
    """Without effect: intervals are computed and no longer drawn. Read so that configs of before stay valid."""
    confidence: float = 0.95
    """Coverage of the intervals."""
    batch_tokens: int = 8192
    """Tokens, padding included, scored at once."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        if self.every_steps < 0:
            yield f"every_steps: must be 0 or more, got {self.every_steps}"
        for name in ("monitor_pairs", "batch_tokens"):
            if getattr(self, name) < 1:
                yield f"{name}: must be at least 1, got {getattr(self, name)}"
        if self.bootstrap_samples < 100:
            yield f"bootstrap_samples: must be at least 100, got {self.bootstrap_samples}"
        if not 0.5 <= self.confidence < 1:
            yield f"confidence: must be from 0.5 to below 1, got {self.confidence}"


@dataclass(frozen=True, slots=True)
class CheckpointConfig:
    """How much work a kill may cost."""

    every_steps: int | None = None
    """Steps between checkpoints; null goes by time alone."""
    every_seconds: float = 180.0
    """Seconds between checkpoints."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        if self.every_steps is not None and self.every_steps < 1:
            yield f"every_steps: must be at least 1, got {self.every_steps}"
        if self.every_seconds <= 0:
            yield f"every_seconds: must be above 0, got {self.every_seconds}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _RunConfig:
    """What every kind of run has."""

    schema: Literal[1] = 1
    """Version of this form."""
    seed: int = 0
    """Decides whatever is drawn: the head's first weights, the order of the data."""
    compute: ComputeConfig = field(default_factory=ComputeConfig)
    """Where to compute."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        if self.seed < 0:
            yield f"seed: must be 0 or more, got {self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; `parse_config` takes it back unchanged."""
        return dump_dataclass(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardConfig(_RunConfig):
    """`kind: reward`: train a reward model on preferences."""

    model: ModelConfig
    """What is trained."""
    kind: Literal["reward"] = "reward"
    """The kind of run."""
    data: DataConfig = field(default_factory=DataConfig)
    """Records."""
    loss: LossConfig = field(default_factory=LossConfig)
    """Objective."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """Optimizer."""
    training: TrainingConfig = field(default_factory=TrainingConfig)
    """Duration and portions."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """Judgement of the model."""
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    """Safety."""


@dataclass(frozen=True, slots=True)
class TrainedModelConfig:
    """A reward model that is there already."""

    folder: str
    """Folder of the reward model: absolute, or relative to the run directory."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        if not self.folder:
            yield "folder: is empty; name the folder of a reward model"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig(_RunConfig):
    """`kind: reward-evaluate`: judge a trained reward model on held-out preferences."""

    model: TrainedModelConfig
    """The reward model."""
    kind: Literal["reward-evaluate"] = "reward-evaluate"
    """The kind of run."""
    data: DataConfig = field(default_factory=DataConfig)
    """Records; only `eval` is read."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """Judgement of the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreConfig(_RunConfig):
    """`kind: score`: score responses with a trained reward model."""

    model: TrainedModelConfig
    """The reward model."""
    kind: Literal["score"] = "score"
    """The kind of run."""
    responses: str = "data/responses.jsonl"
    """Response records to score."""
    batch_tokens: int = 8192
    """Tokens, padding included, scored at once."""

    def validate(self) -> Iterator[str]:
        """Faults, each beginning with its key."""
        # No super(): a dataclass with slots is another class than the one written here.
        yield from _RunConfig.validate(self)
        if self.batch_tokens < 1:
            yield f"batch_tokens: must be at least 1, got {self.batch_tokens}"


ConfigT = TypeVar("ConfigT", RewardConfig, EvaluateConfig, ScoreConfig)
Config = RewardConfig | EvaluateConfig | ScoreConfig
CONFIG_KINDS: dict[str, type[RewardConfig] | type[EvaluateConfig] | type[ScoreConfig]] = {
    "reward": RewardConfig,
    "reward-evaluate": EvaluateConfig,
    "score": ScoreConfig,
}


def read_kind(mapping: Mapping[str, Any], owner: type[ConfigT]) -> ConfigT:
    """The configuration of one kind. Raises: ConfigError naming every fault, or the kind that is wanted."""
    config = parse_config(mapping)
    if not isinstance(config, owner):
        wanted = next(kind for kind, candidate in CONFIG_KINDS.items() if candidate is owner)
        raise ConfigError([f"kind: this command needs a config of kind '{wanted}', got '{config.kind}'"])
    return config


def parse_config(mapping: Mapping[str, Any]) -> Config:
    """The configuration that a JSON object describes. Raises: ConfigError naming every fault."""
    kind = mapping.get("kind")
    if kind not in CONFIG_KINDS:
        raise ConfigError([f"kind: expected one of {', '.join(CONFIG_KINDS)}, got {kind!r}"])
    return parse_dataclass(CONFIG_KINDS[kind], mapping)
