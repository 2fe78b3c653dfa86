"""A policy beside its reference: reward on the same prompts, and how far it has moved away."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy
import torch
from transformers import PreTrainedModel

from rewardmodel.intervals import Estimate, estimate_ratio
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.faults import Cancelled, Interrupted
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.comparison import Comparison
from rltrainer.config import EvaluateConfig
from rltrainer.config_sections import EvaluationConfig
from rltrainer.kl import estimate_kl
from rltrainer.marks import Marks, take_marks
from rltrainer.policy import Policy
from rltrainer.ranks import SINGLE, Ranks
from rltrainer.records import EncodedPrompt, Group, flatten_completions
from rltrainer.reference import Reference
from rltrainer.reference_loading import load_reference
from rltrainer.rewards.weighted import WeightedReward, build_reward
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.collecting import collect_groups
from rltrainer.rollouts.engine import RolloutEngine, SamplingRules
from rltrainer.shared_work import SharedEngine, SharedReward
from rltrainer.workbench import Workbench, set_up

SCORING_TOKENS = 2048
"""Tokens per forward pass where no gradient is kept."""


@dataclass(frozen=True, slots=True)
class Examination:
    """The terms under which models are compared: the same prompts, seeds and rules for each."""

    prompts: Sequence[EncodedPrompt]
    """What is asked."""
    samples_per_prompt: int
    """Completions of each."""
    rules: SamplingRules
    """How they are sampled."""
    reward: WeightedReward
    """What they earn."""
    renderer: Renderer
    """Tokens to text."""
    batch_rows: int
    """Completions decoded together."""
    seed: int
    """Seed of the run."""
    confidence: float
    """Level of the intervals."""
    ranks: Ranks = SINGLE
    """Who answers: each its part of the prompts."""

    def examine(self, model: PreTrainedModel, directory: RunDirectory) -> list[Group]:
        """The model's scored completions, a wave at a time. Raises: Cancelled where the starter asks for it."""
        sampler = BatchedSampler(model, batch_rows=self.batch_rows, check=directory.cancellation.check)
        engine, reward = SharedEngine(sampler, self.ranks), SharedReward(self.reward, self.ranks)
        width = max(1, self.batch_rows // self.samples_per_prompt)
        groups: list[Group] = []
        for start in range(0, len(self.prompts), width):
            part = self.prompts[start : start + width]
            try:
                groups.extend(reward.score(self._collect(engine, part, version=start)))
            except Interrupted as wish:
                raise Cancelled(f"{wish}, during an evaluation") from wish
        return groups

    def _collect(self, engine: RolloutEngine, prompts: Sequence[EncodedPrompt], *, version: int) -> list[Group]:
        return collect_groups(
            prompts,
            engine=engine,
            renderer=self.renderer,
            rules=self.rules,
            group_size=self.samples_per_prompt,
            seed=self.seed,
            purpose="evaluation",
            policy_version=version,
        )


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a policy is from its reference on its own completions."""

    sequence: Estimate
    """Mean k1 sum of a completion, nats, with an interval over prompts: near 0 its sign is chance."""
    token: float
    """Mean k3 of a token, nats."""

    def describe(self) -> dict[str, float | None]:
        """For `result.json`."""
        sure = {"kl_sequence_low": self.sequence.low, "kl_sequence_high": self.sequence.high}
        return {"kl_sequence": self.sequence.value, **sure, "kl_token": self.token}


def measure_kl(
    policy: PreTrainedModel,
    reference: Reference,
    groups: Sequence[Group],
    temperature: float,
    confidence: float,
    *,
    check: StopCheck = never_stop,
    ranks: Ranks = SINGLE,
) -> Distance:
    """The distance on these completions, both models scored the same way: as they are sampled from, so that equal
    weights are no distance. `ranks` share the work."""
    prompts = [place for place, group in enumerate(groups) for _ in group.completions]
    pairs = [(group.prompt.token_ids, group.completions[i].token_ids) for group, i in flatten_completions(groups)]
    mine = ranks.share(pairs, weights=[float(len(completion)) for _, completion in pairs])

    def score(model: PreTrainedModel) -> list[tuple[float, ...]]:
        policy = Policy(model, temperature=temperature, micro_batch_tokens=SCORING_TOKENS, check=check, exact=False)
        return ranks.join(ranks.attempt(lambda: policy.log_probs(mine)))

    columns = [score(policy)]
    with reference.in_place():
        columns.append(score(reference.model))
    own, other = (torch.tensor([value for row in column for value in row]) for column in columns)
    tokens = estimate_kl(own, other, estimator="k3")
    rows = (own - other).double().split([len(completion) for _, completion in pairs])
    sums = numpy.array([float(row.sum()) for row in rows])
    return Distance(estimate_ratio(sums, numpy.ones(len(sums)), prompts, confidence), float(tokens.double().mean()))


def evaluate(directory: RunDirectory, config: EvaluateConfig) -> None:
    """The command `evaluate`: reward of policy and reference on the prompts, and the distance between them."""
    bench = set_up(
        directory, model=config.model, data=config.data, seed=config.seed, max_new_tokens=config.sampling.max_new_tokens
    )
    examination = _examination(directory, config, bench)
    directory.status.update(phase="evaluate", total_steps=2, message="answering with the reference")
    network = load_reference(
        directory,
        config.model,
        bench.compute,
        policy=bench.model,
        tokenizer=bench.renderer.tokenizer,
        longest=bench.longest_prompt + config.sampling.max_new_tokens,
    )
    reference = Reference(
        Policy(network, temperature=config.sampling.temperature, micro_batch_tokens=SCORING_TOKENS), has_adapters=False
    )
    before = examination.examine(network, directory)
    directory.status.update(step=1, message="answering with the policy")
    after = examination.examine(bench.model, directory)
    check = directory.cancellation.check
    sampling = config.sampling
    distance = measure_kl(bench.model, reference, after, sampling.temperature, sampling.confidence, check=check)
    directory.write_result(
        {
            "kind": "policy-evaluate",
            "prompts": len(bench.prompts),
            "prompts_left_out": bench.prompts_left_out,
            **compare(examination, {"reference": take_marks(before)}, after, draws=EvaluationConfig().pass_at),
            **distance.describe(),
        }
    )


def compare(
    examination: Examination,
    rivals: Mapping[str, Sequence[Marks]],
    policy: Sequence[Group],
    *,
    draws: Sequence[int],
) -> dict[str, Any]:
    """The policy beside each of its rivals, for `result.json`; keys as docs/metrics.md explains them.

    Nothing where only people could say what the answers are worth.
    """
    if not examination.reward.parts:
        return {}
    own = take_marks(policy)
    found: dict[str, Any] = {}
    accuracy: dict[str, dict[str, Any]] = {}
    for name, marks in rivals.items():
        comparison = Comparison(own, marks, name, examination.confidence)
        found.update(comparison.describe())
        gain = "reward_gain" if name == "reference" else f"reward_gain_{name}"
        found[gain] = asdict(comparison.gain())
        for part, rates in comparison.accuracy(draws).items():
            accuracy.setdefault(part, {}).update(rates)
    return {**found, "accuracy": accuracy}


def _examination(directory: RunDirectory, config: EvaluateConfig, bench: Workbench) -> Examination:
    sampling = config.sampling
    return Examination(
        prompts=bench.prompts,
        samples_per_prompt=sampling.responses_per_prompt,
        rules=SamplingRules(sampling.max_new_tokens, bench.renderer.stop_ids, sampling.temperature),
        reward=build_reward(
            directory,
            config.reward,
            compute=bench.compute,
            max_new_tokens=sampling.max_new_tokens,
            prompts=bench.prompts,
        ),
        renderer=bench.renderer,
        batch_rows=sampling.batch_rows,
        seed=config.seed,
        confidence=sampling.confidence,
    )
