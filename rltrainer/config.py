"""What a policy run can be told: the online kinds, `sample` and `policy-evaluate`. Standard library only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from rewardmodel.config_parsing import ConfigError, dump_dataclass, parse_dataclass, with_overrides
from rltrainer.config_brakes import WATCH_OWN_COMPLETIONS, BrakesConfig
from rltrainer.config_checks import at_least
from rltrainer.config_idle import brake_faults, idle_faults
from rltrainer.config_learning import (
    AdvantageConfig,
    CriticConfig,
    DynamicSamplingConfig,
    GAEConfig,
    KLConfig,
    LossConfig,
    OptimizerConfig,
)
from rltrainer.config_offline import OFFLINE_DEFAULTS, DPOConfig, OfflineConfig, SFTConfig
from rltrainer.config_reward import RewardConfig
from rltrainer.config_sections import (
    CheckpointConfig,
    DataConfig,
    EvaluationConfig,
    ModelConfig,
    RolloutConfig,
    SamplingConfig,
    StopConfig,
)
from rltrainer.config_warmup import fit_critic_warmup, warmup_fault

__all__ = [
    "Config",
    "ConfigError",
    "DPOConfig",
    "EvaluateConfig",
    "OfflineConfig",
    "OnlineConfig",
    "SFTConfig",
    "SampleConfig",
    "parse_config",
    "with_overrides",
]

OnlineKind = Literal["grpo", "rloo", "dapo", "ppo"]


@dataclass(frozen=True, slots=True)
class OnlineConfig:
    """Train a policy on its own completions. The kinds differ in defaults, and `ppo` in its advantages."""

    schema: Literal[1] = 1
    """Version of this format."""
    kind: OnlineKind = "grpo"
    """What to do."""
    seed: int = 0
    """Seed of everything random in the run."""
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    rollout: RolloutConfig = field(default_factory=RolloutConfig)
    dynamic_sampling: DynamicSamplingConfig = field(default_factory=DynamicSamplingConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    kl: KLConfig = field(default_factory=KLConfig)
    advantage: AdvantageConfig = field(default_factory=AdvantageConfig)
    gae: GAEConfig = field(default_factory=GAEConfig)
    critic: CriticConfig = field(default_factory=CriticConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    brakes: BrakesConfig = field(default_factory=BrakesConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    stop: StopConfig = field(default_factory=StopConfig)

    def validate(self) -> Iterator[str]:
        """Faults of fields that do not fit each other."""
        yield from self.model.missing_path("model.path")
        yield from self._faults_of_judged() if self.rollout.source == "judged" else self._faults_of_sampled()
        yield from self.reward.overlong_fault(self.rollout.max_new_tokens)
        if self.rollout.engine == "vllm":
            yield from self.model.one_process_only_with("rollout.engine 'vllm'")
        yield from at_least(self, "seed", 0)
        yield from warmup_fault(self.optimizer, "optimizer", steps=self.stop.steps, limit="stop.steps")
        if self.model.adapter_rank and self.model.reference is not None:
            yield "model.reference: with model.adapter_rank the reference is the model without adapters; leave it out"
        if self.drawing.enabled and self.drawing.rule == "noise" and not self.reward.is_doubted:
            yield f"dynamic_sampling.rule: 'noise' needs several reward models; {self.reward.lack_of_doubt}"
        if self.brakes.kl != "off" and not self.kl.measure:
            yield "brakes.kl: needs the distance; set kl.measure to true, or the brake to 'off'"
        yield from brake_faults(self.brakes, reward=self.reward, rollout=self.rollout, stop=self.stop)
        yield from idle_faults(
            self.kind,
            drawing=self.dynamic_sampling,
            settled=self.drawing,
            kl=self.kl,
            optimizer=self.optimizer,
            rollout=self.rollout,
        )
        yield from self._faults_of_ppo() if self.kind == "ppo" else self._faults_of_groups()

    @property
    def drawing(self) -> DynamicSamplingConfig:
        """Dynamic sampling with its rule settled: what the run does."""
        return self.dynamic_sampling.settled(doubted=self.reward.is_doubted)

    @property
    def watched(self) -> BrakesConfig:
        """The brakes without those that would look at completions which are not the policy's own."""
        if self.rollout.source == "sampled":
            return self.brakes
        return replace(self.brakes, **dict.fromkeys(WATCH_OWN_COMPLETIONS, "off"))  # type: ignore[arg-type]

    def _faults_of_sampled(self) -> Iterator[str]:
        """Settings of people's groups where none are given."""
        yield from self.reward.missing_source()
        if self.reward.judged_weight != RewardConfig().judged_weight:
            yield "reward.judged_weight: has no effect unless rollout.source is 'judged'"

    def _faults_of_judged(self) -> Iterator[str]:
        """Settings that need completions of the policy's own where people's groups are given."""
        yield from self.reward.missing_source(judged=True)
        if not self.reward.judged_weight:
            yield "reward.judged_weight: is 0, and so people's scores of the given groups would count for nothing"
        if self.dynamic_sampling.enabled:
            yield "dynamic_sampling.enabled: groups that people have judged cannot be drawn anew; set it to false"
        if self.kl.controller == "adaptive":
            yield "kl.controller: 'adaptive' follows the distance of completions that the policy samples; take 'fixed'"

    def _faults_of_groups(self) -> Iterator[str]:
        """Settings of a critic in a run that has none, and groups that cannot be compared."""
        if self.rollout.group_size < 2:
            yield f"rollout.group_size: kind '{self.kind}' compares completions of a prompt; take 2 or more"
        for name, default in (("critic", CriticConfig()), ("gae", GAEConfig())):
            if getattr(self, name) != default:
                yield f"{name}: kind '{self.kind}' has no critic; leave the section out, or take kind 'ppo'"

    def _faults_of_ppo(self) -> Iterator[str]:
        """Settings that mean something to groups only."""
        if self.advantage != AdvantageConfig():
            yield "advantage: kind 'ppo' takes its advantages from the critic; see the section gae"
        if self.dynamic_sampling.enabled:
            yield "dynamic_sampling.enabled: kind 'ppo' learns from groups without spread as well; take kind 'dapo'"
        if self.loss.ratio != "token":
            yield f"loss.ratio: kind 'ppo' has advantages of tokens; take 'token', not '{self.loss.ratio}'"
        if self.critic.kind == "shared" and self.model.sharding != "none":
            yield "critic.kind: a 'shared' critic needs a whole network; with model.sharding 'full' take 'separate'"
        if self.critic.kind == "separate" and self.critic.coefficient != CriticConfig().coefficient:
            yield "critic.coefficient: has no effect on a separate critic, which has a loss of its own"
        if self.critic.kind == "shared" and self.critic.passes != 1:
            yield "critic.passes: a shared critic learns with the policy; set optimizer.passes"
        yield from warmup_fault(self.critic, "critic", steps=self.stop.steps, limit="stop.steps")

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
        yield from at_least(self, "seed", 0)
        yield from self.model.one_process_only("sample")
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
        yield from self.reward.overlong_fault(self.sampling.max_new_tokens)
        yield from at_least(self, "seed", 0)
        yield from self.model.one_process_only("policy-evaluate")
        if self.model.reference is None:
            yield "model.reference: kind 'policy-evaluate' needs the model to compare with"
        if self.sampling.top_p != 1 or self.sampling.temperature == 0:
            yield "sampling: kind 'policy-evaluate' measures KL, which needs top_p 1 and a temperature above 0"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return dump_dataclass(self)


Config = OnlineConfig | OfflineConfig | SampleConfig | EvaluateConfig
KINDS: dict[str, type[Config]] = {
    **dict.fromkeys(get_args(OnlineKind), OnlineConfig),
    "sft": SFTConfig,
    "dpo": DPOConfig,
    "sample": SampleConfig,
    "policy-evaluate": EvaluateConfig,
}
ONLINE_KINDS: tuple[str, ...] = get_args(OnlineKind)
DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    # Ahmadian et al. 2024 (arXiv:2402.14740): leave-one-out baseline, distance as part of the reward.
    "rloo": {"advantage": {"scale": "loo"}, "kl": {"coefficient": 0.05, "place": "reward", "estimator": "k1"}},
    # Yu et al. 2025 (arXiv:2503.14476): wider upper limit, useful groups only, no price on distance.
    "dapo": {
        "loss": {"clip_high": 0.28},
        "kl": {"coefficient": 0.0},
        "dynamic_sampling": {"enabled": True},
        "reward": {"overlong_factor": 1.0},
    },
    # Ouyang et al. 2022 (arXiv:2203.02155): one completion a prompt, distance as part of each token's reward. What an
    # answer without an end costs, and how far a batch may carry the policy, are our own choice.
    "ppo": {
        "rollout": {"prompts_per_step": 64, "group_size": 1},
        "reward": {"unfinished_penalty": 1.0},
        "kl": {"coefficient": 0.05, "place": "reward", "estimator": "k1"},
        "optimizer": {"passes": 2, "minibatches": 2, "target_kl": 0.1},
    },
    **OFFLINE_DEFAULTS,
}
"""Where a kind starts from other values than the sections' own."""


def parse_config(mapping: Mapping[str, Any]) -> Config:
    """The config of a run. Raises: ConfigError listing every fault at once, each beginning with its dotted key."""
    kind = mapping.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError([f"kind: expected one of {', '.join(KINDS)}, got {kind!r}"])
    return parse_dataclass(KINDS[kind], _with_defaults(mapping, _defaults_beside(mapping, kind)))


def _defaults_beside(mapping: Mapping[str, Any], kind: str) -> Mapping[str, Mapping[str, Any]]:
    """The kind's own defaults, less what would have no effect beside the given settings: nobody has asked for it."""
    defaults, given = DEFAULTS.get(kind, {}), mapping.get("optimizer")
    if kind == "ppo":
        defaults = {**defaults, **fit_critic_warmup(mapping)}
    if kind == "ppo" and isinstance(given, Mapping) and given.get("passes") == given.get("minibatches") == 1:
        kept = {name: value for name, value in defaults["optimizer"].items() if name != "target_kl"}
        return {**defaults, "optimizer": kept}
    return defaults


def _with_defaults(mapping: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    complete = dict(mapping)
    for section, values in defaults.items():
        given = mapping.get(section, {})
        # What is no section is left for the parser to name.
        complete[section] = {**values, **given} if isinstance(given, Mapping) else given
    return complete
