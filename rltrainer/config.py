"""What a policy run can be told: kinds `grpo`, `sample` and `policy-evaluate`. Standard library only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rewardmodel.config_parsing import ConfigError, dump_dataclass, parse_dataclass, with_overrides
from rltrainer.config_sections import (
    AdvantageConfig,
    CheckpointConfig,
    DataConfig,
    EvaluationConfig,
    KLConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    RewardConfig,
    RolloutConfig,
    SamplingConfig,
    StopConfig,
)

__all__ = [
    "Config",
    "ConfigError",
    "EvaluateConfig",
    "GRPOConfig",
    "SampleConfig",
    "parse_config",
    "with_overrides",
]


@dataclass(frozen=True, slots=True)
class GRPOConfig:
    """Train a policy with group-relative advantages."""

    schema: Literal[1] = 1
    """Version of this format."""
    kind: Literal["grpo"] = "grpo"
    """What to do."""
    seed: int = 0
    """Seed of everything random in the run."""
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    rollout: RolloutConfig = field(default_factory=RolloutConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    kl: KLConfig = field(default_factory=KLConfig)
    advantage: AdvantageConfig = field(default_factory=AdvantageConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    stop: StopConfig = field(default_factory=StopConfig)

    def validate(self) -> Iterator[str]:
        """Faults of fields that do not fit each other."""
        yield from self.model.missing_path("model.path")
        yield from self.reward.missing_source()
        if self.optimizer.warmup_steps > self.stop.steps:
            yield f"optimizer.warmup_steps: must not exceed stop.steps ({self.stop.steps})"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return dump_dataclass(self)


@dataclass(frozen=True, slots=True)
class SampleConfig:
    """Sample responses of a policy."""

    schema: Literal[1] = 1
    """Version of this format."""
    kind: Literal["sample"] = "sample"
    """What to do."""
    seed: int = 0
    """Seed of everything random in the run."""
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)

    def validate(self) -> Iterator[str]:
        """Faults of fields that do not fit each other."""
        yield from self.model.missing_path("model.path")
        if self.model.reference is not None:
            yield "model.reference: kind 'sample' has no reference; sample it in a run of its own"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return dump_dataclass(self)


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """Compare a policy with its reference by reward and KL on given prompts."""

    schema: Literal[1] = 1
    """Version of this format."""
    kind: Literal["policy-evaluate"] = "policy-evaluate"
    """What to do."""
    seed: int = 0
    """Seed of everything random in the run."""
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)

    def validate(self) -> Iterator[str]:
        """Faults of fields that do not fit each other."""
        yield from self.model.missing_path("model.path")
        yield from self.reward.missing_source()
        if self.model.reference is None:
            yield "model.reference: kind 'policy-evaluate' needs the model to compare with"
        if self.sampling.top_p != 1 or self.sampling.temperature == 0:
            yield "sampling: kind 'policy-evaluate' measures KL, which needs top_p 1 and a temperature above 0"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return dump_dataclass(self)


Config = GRPOConfig | SampleConfig | EvaluateConfig
KINDS: dict[str, type[Config]] = {"grpo": GRPOConfig, "sample": SampleConfig, "policy-evaluate": EvaluateConfig}


def parse_config(mapping: Mapping[str, Any]) -> Config:
    """The config of a run. Raises: ConfigError listing every fault at once, each beginning with its dotted key."""
    kind = mapping.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError([f"kind: expected one of {', '.join(KINDS)}, got {kind!r}"])
    return parse_dataclass(KINDS[kind], mapping)
