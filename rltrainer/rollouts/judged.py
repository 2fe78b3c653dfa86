"""Groups that people have scored, in place of sampling: what a step learns from while there is no reward model."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rewardmodel.records import DataError
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.seeding import derive_generator
from rltrainer.config_sections import RolloutConfig
from rltrainer.judged_records import JudgedRecord, is_same_temperature, read_judged_groups
from rltrainer.records import Completion, EncodedPrompt, Group, flatten_completions
from rltrainer.rewards.answer import Answer, RewardPart
from rltrainer.rollouts.dynamic import Collected, Scorer
from rltrainer.rollouts.prompt_history import PromptHistory
from rltrainer.stopwatch import Stopwatch

FOREIGN_VERSION = -1
"""Policy version of groups that no step of this run has sampled: their log-probs stand below the ratio."""


@dataclass(frozen=True, slots=True)
class GivenGroups:
    """Groups out of a file."""

    groups: list[Group]
    """As they were sampled, not scored."""
    score: RewardPart
    """People's score of each of their completions."""

    @property
    def prompts(self) -> list[EncodedPrompt]:
        """What was asked."""
        return [group.prompt for group in self.groups]


class JudgedGroups:
    """Gives each step the next of the given groups: each once a pass, in an order of its own."""

    def __init__(self, groups: Sequence[Group], *, reward: Scorer, groups_per_step: int, seed: int) -> None:
        self.groups = list(groups)
        self.reward = reward
        self.groups_per_step = groups_per_step
        self.seed = seed
        self.drawn = 0
        self.history = PromptHistory()

    def collect(self, step: int, watch: Stopwatch | None = None) -> Collected:
        """The groups of a step, scored; scoring goes onto the watch."""
        places = range(self.drawn, self.drawn + self.groups_per_step)
        orders = {number: self._order(number) for number in {place // len(self.groups) for place in places}}
        chosen = [self.groups[orders[place // len(self.groups)][place % len(self.groups)]] for place in places]
        self.drawn += self.groups_per_step
        with (watch or Stopwatch()).part("score"):
            scored = self.reward.score(chosen)
        self.history.observe(scored)
        return Collected(scored, scored, 0, 0, {"data_passes": self.drawn / len(self.groups)})

    def state(self) -> dict[str, Any]:
        """All that decides what later steps are given, as JSON."""
        return {"groups_drawn": self.drawn, "history": self.history.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Be as when `state` was taken."""
        self.drawn = state["groups_drawn"]
        self.history.restore(state["history"])

    def _order(self, number: int) -> list[int]:
        generator = derive_generator(self.seed, "judged-order", number)
        return [int(place) for place in torch.randperm(len(self.groups), generator=generator)]


def load_judged_groups(
    path: Path,
    renderer: Renderer,
    rollout: RolloutConfig,
    *,
    vocabulary: int,
    max_prompt_tokens: int,
    held_out: Collection[str],
) -> GivenGroups:
    """The groups of a file but for those of held-out prompts.

    Raises: DataError where a group was sampled otherwise than this run would have, or none is left.
    """
    records = [record for record in read_judged_groups(path) if record.prompt.prompt_id not in held_out]
    if not records:
        raise DataError(f"{path.name}: has no group of a prompt that is not held out; a run needs one to learn from")
    for record in records:
        _check(record, rollout, renderer, vocabulary, f"{path.name}, prompt {record.prompt.prompt_id}")
    groups = [_group(record, renderer) for record in records]
    for group in groups:
        if len(group.prompt.token_ids) > max_prompt_tokens:
            place = f"{path.name}, prompt {group.prompt.record.prompt_id}"
            longest = f"data.max_prompt_tokens ({max_prompt_tokens})"
            raise DataError(f"{place}: prompt: {len(group.prompt.token_ids)} tokens exceed {longest}")
    scores = [completion.score for record in records for completion in record.completions]
    return GivenGroups(groups, _people(groups, scores))


def _group(record: JudgedRecord, renderer: Renderer) -> Group:
    completions = tuple(
        Completion(given.token_ids, given.log_probs, given.finish_reason, given.seed) for given in record.completions
    )
    rendering = renderer.render(record.prompt.prompt, prompt_id=record.prompt.prompt_id)
    prompt = EncodedPrompt(record.prompt, rendering.token_ids)
    return Group(prompt, completions, tuple(renderer.decode(c.token_ids) for c in completions), FOREIGN_VERSION)


def _people(groups: Sequence[Group], scores: Sequence[float]) -> RewardPart:
    """People's score of each given completion; of equal ones of a prompt the mean."""
    found: dict[tuple[str, tuple[int, ...]], list[float]] = defaultdict(list)
    for (group, index), score in zip(flatten_completions(groups), scores, strict=True):
        found[group.prompt.record.prompt_id, group.completions[index].token_ids].append(score)
    means = {key: sum(values) / len(values) for key, values in found.items()}

    def give(answers: Sequence[Answer]) -> list[float]:
        return [means[answer.prompt.prompt_id, answer.completion.token_ids] for answer in answers]

    return give


def _check(record: JudgedRecord, rollout: RolloutConfig, renderer: Renderer, vocabulary: int, place: str) -> None:
    """Raises: DataError where the group does not fit the run."""
    if len(record.completions) != rollout.group_size:
        given = len(record.completions)
        raise DataError(f"{place}: completions: {given} of them, but rollout.group_size is {rollout.group_size}")
    if not is_same_temperature(record.temperature, rollout.temperature):
        advice = f"set rollout.temperature to {record.temperature:g}"
        raise DataError(f"{place}: temperature: sampled at {record.temperature:g}, the run has another; {advice}")
    for number, completion in enumerate(record.completions):
        here = f"{place}: completions[{number}]"
        if max(completion.token_ids) >= vocabulary:
            raise DataError(f"{here}.token_ids: {max(completion.token_ids)} is no token of this model")
        if len(completion.token_ids) > rollout.max_new_tokens:
            longest = f"rollout.max_new_tokens ({rollout.max_new_tokens})"
            raise DataError(f"{here}.token_ids: {len(completion.token_ids)} tokens exceed {longest}")
        if (completion.token_ids[-1] in renderer.stop_ids) != (completion.finish_reason == "stop"):
            fits = "does not fit the last token; were they sampled with this model's tokenizer?"
            raise DataError(f"{here}.finish_reason: '{completion.finish_reason}' {fits}")
