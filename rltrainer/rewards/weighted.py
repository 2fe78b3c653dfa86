"""The weighted sum of reward parts, with every part kept for the log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy

from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.faults import Diverged
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.scorer import RewardScorer
from rltrainer.config_sections import RewardConfig
from rltrainer.records import EncodedPrompt, Group, flatten_completions
from rltrainer.rewards.answer import Answer, RewardPart
from rltrainer.rewards.verifiers import brevity, exact_number, parse_number, unfinished, wished_length


class WeightedReward:
    """Scores groups by a weighted sum of parts."""

    def __init__(self, parts: Mapping[str, tuple[float, RewardPart]]) -> None:
        self.parts = dict(parts)

    def score(self, groups: Sequence[Group]) -> list[Group]:
        """The same groups with their rewards."""
        members = flatten_completions(groups)
        answers = [Answer(group.prompt.record, group.completions[i], group.texts[i]) for group, i in members]
        values = {name: part(answers) for name, (_, part) in self.parts.items()}
        scored: list[Group] = []
        start = 0
        for group in groups:
            end = start + len(group.completions)
            own = {name: tuple(column[start:end]) for name, column in values.items()}
            scored.append(replace(group, reward_parts=own, rewards=self._total(own, end - start)))
            start = end
        return scored

    def _total(self, parts: Mapping[str, tuple[float, ...]], count: int) -> tuple[float, ...]:
        return tuple(sum(self.parts[name][0] * parts[name][i] for name in parts) for i in range(count))


def build_reward(
    directory: RunDirectory,
    config: RewardConfig,
    *,
    compute: ComputeDevice,
    max_new_tokens: int,
    prompts: Sequence[EncodedPrompt],
) -> WeightedReward:
    """The reward of a config. Raises: DataError where a prompt lacks what a part needs."""
    parts: dict[str, tuple[float, RewardPart]] = {}
    if config.model is not None and config.model_weight:
        parts["model"] = (
            config.model_weight,
            reward_model(
                directory.resolve(config.model),
                compute,
                clip=config.model_clip,
                check=directory.cancellation.check,
            ),
        )
    if config.brevity_weight:
        parts["brevity"] = (config.brevity_weight, brevity(max_new_tokens=max_new_tokens))
    if config.length_weight and config.length_tokens is not None:
        parts["length"] = (config.length_weight, wished_length(tokens=config.length_tokens))
    if config.number_weight:
        _require_answers(prompts)
        parts["number"] = (config.number_weight, exact_number)
    if config.unfinished_penalty:
        parts["unfinished"] = (-config.unfinished_penalty, unfinished)
    return WeightedReward(parts)


def reward_model(folder: Path, compute: ComputeDevice, *, clip: float, check: StopCheck = never_stop) -> RewardPart:
    """The normalised score of a trained reward model, held within plus and minus `clip`.

    The part raises Diverged where a score is not a finite number.
    Raises: ConfigError where the folder holds no reward model.
    """
    try:
        scorer = RewardScorer(folder, compute, check=check)
    except ConfigError as error:
        # Its faults begin with "model", which in this config is a key of the section `reward`.
        raise ConfigError([f"reward.{fault}" for fault in error.faults]) from error

    def score(answers: Sequence[Answer]) -> list[float]:
        scores = scorer.score([answer.prompt.prompt for answer in answers], [answer.text for answer in answers])
        if not numpy.isfinite(scores).all():
            raise Diverged("the reward model in reward.model gives scores that are no numbers; its weights are broken")
        return [min(max(float(value), -clip), clip) for value in scores]

    return score


def _require_answers(prompts: Sequence[EncodedPrompt]) -> None:
    for prompt in prompts:
        try:
            parse_number(prompt.record.metadata.get("answer"))
        except ValueError as error:
            place = f"prompts.jsonl, prompt {prompt.record.prompt_id}: metadata.answer"
            raise DataError(f"{place}: {error} (reward.number_weight needs it)") from error
