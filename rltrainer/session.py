"""Everything that a run on its own completions holds, loaded and checked before the first step."""

from collections.abc import Sequence
from dataclasses import dataclass

from rewardmodel.config_parsing import ConfigError
from rewardmodel.familiarity import FEATURES_FILE
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.algorithms.algorithm import AdvantageRule
from rltrainer.algorithms.policy_loss import PolicyLoss
from rltrainer.architecture import require_full_attention
from rltrainer.brakes import Brakes
from rltrainer.composition import compose_loss, compose_rule
from rltrainer.config import OnlineConfig
from rltrainer.config_learning import OptimizerConfig
from rltrainer.critic import Critic
from rltrainer.critic_network import open_critic, rate_factor
from rltrainer.evaluation import Examination
from rltrainer.filed_weights import file_weights
from rltrainer.human_feedback import HumanFeedback
from rltrainer.kl import KLController
from rltrainer.layouts import Cluster
from rltrainer.memory import MicroBatchBudget, measure_budget
from rltrainer.optimization import PolicyOptimizer
from rltrainer.policy import Policy
from rltrainer.progress import Part, Parts, hash_file
from rltrainer.prompts import PromptSampler, split_held_out
from rltrainer.ranks import SINGLE, Ranks
from rltrainer.records import EncodedPrompt
from rltrainer.reference import Reference
from rltrainer.reference_loading import load_reference
from rltrainer.rewards.learned import LearnedReward
from rltrainer.rewards.weighted import WeightedReward, build_reward
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.dynamic import Collector
from rltrainer.rollouts.engine import RolloutEngine, SamplingRules
from rltrainer.rollouts.judged import GivenGroups, JudgedGroups, load_judged_groups
from rltrainer.rollouts.served_policy import ServedPolicy, publish_adapters, publish_weights, require_served_folder
from rltrainer.rollouts.vllm_engine import VLLMEngine
from rltrainer.shared_work import SharedEngine, SharedReward
from rltrainer.step_work import PeakWatch
from rltrainer.weights import Weights
from rltrainer.workbench import Workbench, longest_sequence, make_trainable, set_up

MICRO_BATCH_TOKENS = 1024


@dataclass(slots=True)
class Session:
    """What a run holds from its first step to its last."""

    bench: Workbench
    reference: Reference
    optimizer: PolicyOptimizer
    reward: WeightedReward
    collector: Collector | JudgedGroups
    examination: Examination
    rule: AdvantageRule
    loss: PolicyLoss
    controller: KLController
    critic: Critic | None
    brakes: Brakes
    people: HumanFeedback
    data_sha256: str
    ranks: Ranks
    peak: PeakWatch

    @property
    def parts(self) -> Parts:
        """What belongs into a checkpoint."""
        plain = {"kl": self.controller, "collector": self.collector, "brakes": self.brakes, "people": self.people}
        tensors: dict[str, Part] = {"policy": self.optimizer}
        if self.critic is not None:
            tensors["critic"] = self.critic
        return Parts(tensors=tensors, plain=plain)


def open_session(directory: RunDirectory, config: OnlineConfig, *, ranks: Ranks = SINGLE) -> Session:
    """Load and check everything. Raises: ConfigError or DataError with what is wrong."""
    rollout = config.rollout
    bench = set_up(
        directory, model=config.model, data=config.data, seed=config.seed, max_new_tokens=rollout.max_new_tokens
    )
    training, held_out = split_held_out(bench.prompts, held_out=config.evaluation.prompts, seed=config.seed)
    given = _given_groups(directory, config, bench, held_out)
    reward = build_reward(
        directory,
        config.reward,
        compute=bench.compute,
        max_new_tokens=rollout.max_new_tokens,
        prompts=[*bench.prompts, *(given.prompts if given else ())],
        judged=given.score if given else None,
    )
    _require_distances(config, reward)
    rules = SamplingRules(rollout.max_new_tokens, bench.renderer.stop_ids, rollout.temperature)
    directory.status.update(message="loading the reference")
    policy = Policy(
        bench.model,
        temperature=rollout.temperature,
        micro_batch_tokens=config.optimizer.micro_batch_tokens or MICRO_BATCH_TOKENS,
        check=directory.cancellation.check,
        # Beside a critic whose passes wait in memory these are not the peak.
        roomy=config.kind == "ppo",
        exact=config.model.exact_forward,
    )
    shares = config.kind == "ppo" and config.critic.kind == "shared"
    masters = make_trainable(
        bench.model, directory, config.model, with_value_head=shares, ranks=ranks, dither=config.seed
    )
    policy.learn_with(masters)
    policy.reserve_room()
    budget = choose_budget(config.optimizer, policy, masters, ranks)
    optimizer = PolicyOptimizer(
        policy, masters, config.optimizer, budget=budget, ranks=ranks, head_rate_factor=rate_factor(config)
    )
    return Session(
        bench=bench,
        reference=_open_reference(directory, config, bench, policy, ranks),
        optimizer=optimizer,
        reward=reward,
        collector=JudgedGroups(
            given.groups, reward=SharedReward(reward, ranks), groups_per_step=rollout.prompts_per_step, seed=config.seed
        )
        if given
        else Collector(
            config=config.drawing,
            rollout=rollout,
            seed=config.seed,
            prompts=PromptSampler(training, seed=config.seed),
            engine=SharedEngine(
                _open_engine(directory, config, bench, optimizer, ranks), ranks, in_place=masters.whole
            ),
            reward=SharedReward(reward, ranks),
            renderer=bench.renderer,
            rules=rules,
        ),
        # Nobody has judged the answers of an evaluation.
        examination=_examination(config, bench, held_out, reward.without("judged"), rules, ranks),
        rule=compose_rule(config),
        loss=compose_loss(config),
        controller=KLController(config.kl),
        critic=open_critic(directory, config, bench=bench, optimizer=optimizer, ranks=ranks),
        brakes=Brakes(config.watched),
        people=HumanFeedback(directory.root / "human_feedback.jsonl"),
        data_sha256=_hash_data(directory, config),
        ranks=ranks,
        peak=PeakWatch(bench.compute, configured=config.model.peak_tflops, ranks=ranks, status=directory.status),
    )


def choose_budget(config: OptimizerConfig, policy: Policy, masters: Weights, ranks: Ranks) -> MicroBatchBudget:
    """What the config says, else what fits: the same on all ranks. Spread weights cannot be probed by one rank."""
    if config.micro_batch_tokens is not None or masters.is_spread:
        return MicroBatchBudget(config.micro_batch_tokens or MICRO_BATCH_TOKENS)
    trained = sum(parameter.numel() for parameter in masters.parameters)
    budget = measure_budget(
        lambda tokens: policy.score([Cluster((0,), ((0,) * (tokens - 1),), (0,))]),
        device=policy.device,
        trained=trained,
    )
    return MicroBatchBudget(min(ranks.gather(budget.tokens)))


def _open_engine(
    directory: RunDirectory, config: OnlineConfig, bench: Workbench, optimizer: PolicyOptimizer, ranks: Ranks
) -> RolloutEngine:
    """Who samples the completions that are learned from; an evaluation always samples by itself."""
    rollout, check = config.rollout, directory.cancellation.check
    if rollout.engine == "own":
        return BatchedSampler(bench.model, batch_rows=rollout.batch_rows, check=check)
    if ranks.count > 1:
        raise ConfigError(["rollout.engine: 'vllm' works with one process; it shares the work among GPUs by itself"])
    assert rollout.vllm_url is not None and rollout.vllm_folder is not None
    folder, adapters = directory.resolve(rollout.vllm_folder), bool(config.model.adapter_rank)
    require_served_folder(folder, adapters=adapters)
    server = VLLMEngine(rollout.vllm_url, check=check)

    def publish(version: int) -> None:
        if adapters:
            publish_adapters(server, bench.model, folder, version)
        else:
            publish_weights(server, bench.model, folder, dtype=bench.compute.compute_dtype)

    return ServedPolicy(server, publish, version=lambda: optimizer.steps_taken)


def _require_distances(config: OnlineConfig, reward: WeightedReward) -> None:
    """Raises: ConfigError where a brake is to end the run by distances that no reward model tells."""
    _, model = reward.parts.get("model", (0.0, None))
    if config.watched.distance in ("pause", "stop") and isinstance(model, LearnedReward) and not model.tells_distances:
        fault = (
            f"brakes.distance: '{config.watched.distance}' would never come, for no reward model here was saved with "
            f"the features of its training responses ({FEATURES_FILE}); train one anew, or take 'warn' or 'off'"
        )
        raise ConfigError([fault])


def _given_groups(
    directory: RunDirectory, config: OnlineConfig, bench: Workbench, held_out: Sequence[EncodedPrompt]
) -> GivenGroups | None:
    """The groups that people have judged, or None where the policy is to be sampled."""
    if config.rollout.source == "sampled":
        return None
    return load_judged_groups(
        directory.resolve(config.data.groups),
        bench.renderer,
        config.rollout,
        vocabulary=bench.model.config.vocab_size,
        max_prompt_tokens=config.data.max_prompt_tokens,
        held_out={prompt.record.prompt_id for prompt in held_out},
    )


def _hash_data(directory: RunDirectory, config: OnlineConfig) -> str:
    """One hash over all that is learned from."""
    files = [config.data.prompts, *([config.data.groups] if config.rollout.source == "judged" else [])]
    return "+".join(hash_file(directory.resolve(file)) for file in files)


def _open_reference(
    directory: RunDirectory, config: OnlineConfig, bench: Workbench, policy: Policy, ranks: Ranks
) -> Reference:
    longest = longest_sequence(bench, config)
    # Prompts that come with given groups were not yet known when the policy was loaded.
    require_full_attention(bench.model, longest)
    if config.model.adapter_rank:
        return Reference(policy, has_adapters=True, ranks=ranks)
    network = load_reference(
        directory,
        config.model,
        bench.compute,
        policy=bench.model,
        tokenizer=bench.renderer.tokenizer,
        longest=longest,
    )
    frozen = Policy(
        network,
        temperature=policy.temperature,
        micro_batch_tokens=policy.budget.tokens,
        check=policy.check,
        # Beside the sampler's rounding, or times the penalty's coefficient, its own is lost.
        exact=False,
    )
    weights = file_weights(network, directory.resolve(config.model.reference or config.model.path))
    return Reference(frozen, has_adapters=False, ranks=ranks, weights=weights)


def _examination(
    config: OnlineConfig,
    bench: Workbench,
    held_out: Sequence[EncodedPrompt],
    reward: WeightedReward,
    rules: SamplingRules,
    ranks: Ranks,
) -> Examination:
    return Examination(
        prompts=held_out,
        samples_per_prompt=config.evaluation.samples_per_prompt,
        rules=rules,
        reward=reward,
        renderer=bench.renderer,
        batch_rows=config.rollout.batch_rows,
        seed=config.seed,
        confidence=config.evaluation.confidence,
        ranks=ranks,
    )
