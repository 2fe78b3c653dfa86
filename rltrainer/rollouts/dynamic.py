"""The groups of one step: drawn, sampled and scored until enough of them have something to teach."""

import itertools
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from rewardmodel.runtime.rendering import Renderer
from rltrainer.config_learning import DynamicSamplingConfig
from rltrainer.config_sections import RolloutConfig
from rltrainer.prompts import PromptSampler
from rltrainer.records import Group
from rltrainer.rollouts.collecting import collect_groups
from rltrainer.rollouts.engine import RolloutEngine, SamplingRules
from rltrainer.rollouts.keep_rules import is_useful
from rltrainer.rollouts.packed_groups import pack_group, unpack_group
from rltrainer.rollouts.prompt_history import PromptHistory
from rltrainer.stopwatch import Stopwatch

log = logging.getLogger(__name__)

KEEP_RATE_MEMORY = 0.7
"""How much of the expected keep rate outlives one batch; the rest is what the batch showed."""
KEEP_RATE_FLOOR = 0.1
"""No batch is drawn larger than this rate would need: where almost nothing is kept, the cap must decide."""


class Scorer(Protocol):
    """What gives groups their rewards."""

    def score(self, groups: Sequence[Group]) -> list[Group]:
        """The same groups with their rewards."""
        ...


@dataclass(frozen=True, slots=True)
class Collected:
    """What one step samples."""

    groups: list[Group]
    """Groups to learn from, older ones first; with `fill_with_zero_advantage` padded with levelled ones, whose
    advantages are 0. Empty where nothing in the step has anything to teach."""
    all_groups: list[Group]
    """Every group sampled, kept or not; those learned from where none had to be sampled."""
    batches: int
    """How often prompts were drawn."""
    missing_groups: int
    """By how many groups the step fell short."""
    metrics: dict[str, float]
    """By the names that docs/metrics.md explains."""
    stop: str = ""
    """Why the run should end after this step, in plain words; empty where it should not."""


@dataclass(slots=True)
class _Harvest:
    """What a step has gathered so far."""

    kept: list[Group]
    carried: int
    sampled: list[Group] = field(default_factory=list)
    dropped: list[Group] = field(default_factory=list)
    batches: int = 0
    all_low: int = 0
    all_high: int = 0


class Collector:
    """Gives each step its groups; surplus useful ones are carried over to later steps while they are fresh enough.

    Source: Yu et al. 2025 (arXiv:2503.14476) algorithm 1; carry-over, expected keep rate and caps are our own.
    """

    def __init__(
        self,
        *,
        config: DynamicSamplingConfig,
        rollout: RolloutConfig,
        seed: int,
        prompts: PromptSampler,
        engine: RolloutEngine,
        reward: Scorer,
        renderer: Renderer,
        rules: SamplingRules,
    ) -> None:
        self.config = config
        self.rollout = rollout
        self.seed = seed
        self.prompts = prompts
        self.engine = engine
        self.reward = reward
        self.renderer = renderer
        self.rules = rules
        self.carried: list[Group] = []
        self.keep_rate: float | None = None
        self.history = PromptHistory()

    def collect(self, step: int, watch: Stopwatch | None = None) -> Collected:
        """The groups of the step that follows `step` steps; sampling and scoring go onto the watch.

        Raises: Interrupted where the run should stop, with this collector half-way: `restore` an earlier state.
        """
        watch = watch or Stopwatch()
        fresh = [group for group in self.carried if group.policy_version >= step - self.config.stale_steps]
        stale = len(self.carried) - len(fresh)
        harvest = _Harvest(kept=fresh, carried=len(fresh))
        most = self.config.max_batches if self.config.enabled else 1
        while len(harvest.kept) < self.rollout.prompts_per_step and harvest.batches < most:
            self._draw(harvest, step, watch)
        return self._close(harvest, stale)

    def _draw(self, harvest: _Harvest, step: int, watch: Stopwatch) -> None:
        with watch.part("generate"):
            groups = collect_groups(
                self.prompts.draw(self._count_to_draw(len(harvest.kept))),
                engine=self.engine,
                renderer=self.renderer,
                rules=self.rules,
                group_size=self.rollout.group_size,
                seed=self.seed,
                purpose="rollout",
                policy_version=step,
                first_place=len(harvest.sampled),
            )
        with watch.part("score"):
            groups = self.reward.score(groups)
        low, high = self.history.observe(groups)
        useful = [not self.config.enabled or is_useful(group, self.config) for group in groups]
        harvest.kept.extend(itertools.compress(groups, useful))
        harvest.dropped.extend(group for group, kept in zip(groups, useful, strict=True) if not kept)
        harvest.sampled.extend(groups)
        harvest.batches += 1
        harvest.all_low += low
        harvest.all_high += high
        self._learn_keep_rate(sum(useful) / len(groups))

    def _count_to_draw(self, kept: int) -> int:
        """As many prompts as should fill the step; no prompt twice in one batch, as far as they reach."""
        missing = self.rollout.prompts_per_step - kept
        if not self.config.enabled:
            return missing
        expected = max(1.0 if self.keep_rate is None else self.keep_rate, KEEP_RATE_FLOOR)
        return max(missing, min(math.ceil(missing / expected), len(self.prompts.prompts)))

    def _learn_keep_rate(self, observed: float) -> None:
        before = observed if self.keep_rate is None else self.keep_rate
        self.keep_rate = KEEP_RATE_MEMORY * before + (1 - KEEP_RATE_MEMORY) * observed

    def _close(self, harvest: _Harvest, stale: int) -> Collected:
        wanted = self.rollout.prompts_per_step
        groups = harvest.kept[:wanted]
        missing = wanted - len(groups)
        surplus = harvest.kept[wanted:]
        # None would be fresh enough by the next step: no checkpoint has to carry them.
        self.carried = surplus if self.config.stale_steps else []
        metrics = self._describe(harvest, surplus=len(surplus), stale=stale, missing=missing)
        if missing:
            log.warning("%s", _shortfall(harvest, wanted))
        if self.config.on_cap == "fill_with_zero_advantage":
            groups = groups + [_level(group) for group in harvest.dropped[:missing]]
        stop = _shortfall(harvest, wanted) if missing and self.config.on_cap == "stop" else ""
        return Collected(groups, harvest.sampled or groups, harvest.batches, missing, metrics, stop)

    def _describe(self, harvest: _Harvest, *, surplus: int, stale: int, missing: int) -> dict[str, float]:
        sampled = len(harvest.sampled)
        described = {"data_passes": self.prompts.drawn / len(self.prompts.prompts)}
        if sampled and self.rollout.group_size > 1:
            described["flat_low_fraction"] = harvest.all_low / sampled
            described["flat_high_fraction"] = harvest.all_high / sampled
        if not self.config.enabled:
            return described
        if sampled:
            described["keep_rate"] = 1 - len(harvest.dropped) / sampled
        return {
            **described,
            "keep_rate_expected": 1.0 if self.keep_rate is None else self.keep_rate,
            "generation_batches": harvest.batches,
            "groups_sampled": sampled,
            "groups_carried": harvest.carried,
            "groups_surplus": surplus,
            "groups_stale": stale,
            "groups_missing": missing,
        }

    def state(self) -> dict[str, Any]:
        """All that decides what later steps sample, as JSON."""
        return {
            "prompts_drawn": self.prompts.drawn,
            "keep_rate": self.keep_rate,
            "carried": [pack_group(group) for group in self.carried],
            "history": self.history.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Be as when `state` was taken, and go on from there bit by bit the same."""
        prompts = {prompt.record.prompt_id: prompt for prompt in self.prompts.prompts} if state["carried"] else {}
        self.prompts.drawn = state["prompts_drawn"]
        self.keep_rate = state["keep_rate"]
        self.carried = [unpack_group(packed, prompts) for packed in state["carried"]]
        self.history.restore(state["history"])


def _level(group: Group) -> Group:
    """The group with rewards that are all the same, so that its advantages are exactly 0."""
    mean = sum(group.rewards) / len(group.rewards)
    return replace(group, rewards=(mean,) * len(group.rewards))


def _shortfall(harvest: _Harvest, wanted: int) -> str:
    """Why a step has fewer groups than it should, in plain words."""
    sampled = len(harvest.sampled)
    low, high = (100 * count / sampled for count in (harvest.all_low, harvest.all_high))
    text = (
        f"after {harvest.batches} batches of prompts only {len(harvest.kept)} of {wanted} groups have something to "
        f"teach: of {sampled} sampled, {low:.0f}% all fail and {high:.0f}% all pass"
    )
    if low == high:
        return text
    return f"{text}; the prompts are too {'hard' if low > high else 'easy'}"
