"""The weighted sum of reward parts, with every part kept for the log."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rewardmodel.records import DataError
from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config_reward import RewardConfig
from rltrainer.records import EncodedPrompt, Group, flatten_completions
from rltrainer.rewards.answer import Answer, Measured, MeasuredPart, RewardPart
from rltrainer.rewards.choices import read_choices
from rltrainer.rewards.functions import LARGEST_REWARD, function_reward
from rltrainer.rewards.instructions import follows_instructions, parse_instructions
from rltrainer.rewards.learned import learned_reward
from rltrainer.rewards.sections import sectioned
from rltrainer.rewards.shaping import brevity, repetition, soft_overlong, unfinished, wished_length
from rltrainer.rewards.verifiers import exact_choice, exact_number, matches, parse_pattern
from rltrainer.rewards.written_numbers import parse_number

Weighted = Mapping[str, tuple[float, RewardPart]]
"""Parts by name, each with its weight."""
SHAPING = frozenset({"brevity", "length", "repetition", "overlong", "unfinished", "watched"})
"""Parts that say something of an answer's form and nothing of what was asked, or that are looked at only."""
AMBIVALENT = frozenset({"brevity", "length"})
"""Parts that shape beside others and are the task where nothing else is rewarded."""


class WeightedReward:
    """Scores groups by a weighted sum of parts; parts in `shaping` count in rewards but not in task rewards."""

    def __init__(self, parts: Weighted, *, shaping: Iterable[str] = ()) -> None:
        self.parts = dict(parts)
        own = frozenset(shaping) & self.parts.keys()
        self.shaping: frozenset[str] = own if own < self.parts.keys() else own - AMBIVALENT

    def score(self, groups: Sequence[Group]) -> list[Group]:
        """The same groups with their rewards."""
        members = flatten_completions(groups)
        answers = [Answer(group.prompt.record, group.completions[i], group.texts[i]) for group, i in members]
        values, known = self._measure(answers)
        scored: list[Group] = []
        start = 0
        for group in groups:
            own = slice(start, start + len(group.completions))
            scored.append(self._scored(group, values, known, own))
            start = own.stop
        return scored

    def without(self, name: str) -> "WeightedReward":
        """The same reward less one part, which need not be there; nothing where what is left only shaped it."""
        parts = {other: part for other, part in self.parts.items() if other != name}
        return WeightedReward({} if parts.keys() <= self.shaping - AMBIVALENT else parts, shaping=self.shaping)

    def _measure(self, answers: Sequence[Answer]) -> tuple[dict[str, list[float]], Measured]:
        """Every part's values, and what a part that measures itself knows of them, deviations in units of the sum."""
        values: dict[str, list[float]] = {}
        known = Measured([])
        for name, (weight, part) in self.parts.items():
            if isinstance(part, MeasuredPart):
                measured = part.measure(answers)
                values[name] = measured.values
                known = replace(measured, deviations=[abs(weight) * deviation for deviation in measured.deviations])
            else:
                values[name] = part(answers)
        return values, known

    def _scored(self, group: Group, values: Mapping[str, list[float]], known: Measured, own: slice) -> Group:
        """The group with what stands at its own places."""
        parts = {name: tuple(column[own]) for name, column in values.items()}
        count = len(group.completions)
        rewards = self._total(parts, parts, count)
        if too_large := [value for value in rewards if abs(value) > LARGEST_REWARD]:
            size = max(parts, key=lambda name: max(abs(self.parts[name][0] * value) for value in parts[name]))
            message = f"a completion earns {too_large[0]:g}, beyond the {LARGEST_REWARD:g} that can be learned from"
            raise DataError(
                f"prompt {group.prompt.record.prompt_id}: {message}; look at the part '{size}' and its weight"
            )
        return replace(
            group,
            reward_parts=parts,
            rewards=rewards,
            task_rewards=self._total(parts, parts.keys() - self.shaping, count),
            reward_noise=tuple(known.deviations[own]),
            reward_distance=tuple(known.distances[own]),
            reward_unfamiliar=tuple(known.unfamiliar[own]),
        )

    def _total(self, parts: Mapping[str, Sequence[float]], names: Iterable[str], count: int) -> tuple[float, ...]:
        counted = [name for name in parts if name in set(names)]
        return tuple(sum(self.parts[name][0] * parts[name][i] for name in counted) for i in range(count))


def build_reward(
    directory: RunDirectory,
    config: RewardConfig,
    *,
    compute: ComputeDevice,
    max_new_tokens: int,
    prompts: Sequence[EncodedPrompt],
    judged: RewardPart | None = None,
) -> WeightedReward:
    """The reward of a config; `judged` gives people's scores where the groups come with them.

    Raises: ConfigError where a model or function is not there; DataError where a prompt lacks what a part needs.
    """
    _require_metadata(config, prompts)
    parts: dict[str, tuple[float, RewardPart]] = {}
    if config.model is not None and config.model_weight:
        folders = [directory.resolve(folder) for folder in (config.model, *config.ensemble)]
        learned = learned_reward(folders, config, compute, check=directory.cancellation.check)
        parts["model"] = (config.model_weight, learned)
    if judged is not None and config.judged_weight:
        parts["judged"] = (config.judged_weight, judged)
    if config.function is not None and config.function_weight:
        parts["function"] = (config.function_weight, function_reward(config.function))
    if config.watched_function is not None:
        parts["watched"] = (0.0, function_reward(config.watched_function, key="reward.watched_function"))
    parts.update((name, (weight, part)) for name, weight, part in _verifiers(config) if weight)
    parts.update((name, (weight, part())) for name, weight, part in _prices(config, max_new_tokens) if weight)
    return WeightedReward(parts, shaping=SHAPING)


def _verifiers(config: RewardConfig) -> Iterator[tuple[str, float, RewardPart]]:
    section = config.answer_section
    yield "number", config.number_weight, exact_number(section=section)
    yield "choice", config.choice_weight, exact_choice(section=section)
    yield "pattern", config.pattern_weight, matches(pattern=config.pattern, section=section)
    yield "instructions", config.instructions_weight, follows_instructions(rule=config.instructions_rule)
    yield "format", config.format_weight, sectioned(names=config.format_sections)


def _prices(config: RewardConfig, max_new_tokens: int) -> Iterator[tuple[str, float, Callable[[], RewardPart]]]:
    """Parts on length and repetition; made only where they have a weight, for their settings mean nothing otherwise."""
    margin = config.overlong_tokens or max(1, max_new_tokens // 5)
    yield "brevity", config.brevity_weight, lambda: brevity(max_new_tokens=max_new_tokens)
    yield "length", config.length_weight, lambda: wished_length(tokens=config.length_tokens or 1)
    yield "repetition", config.repetition_penalty, lambda: repetition(run_tokens=config.repetition_tokens)
    yield "overlong", config.overlong_factor, lambda: soft_overlong(max_new_tokens=max_new_tokens, margin_tokens=margin)
    yield "unfinished", -config.unfinished_penalty, lambda: unfinished


def _require_metadata(config: RewardConfig, prompts: Sequence[EncodedPrompt]) -> None:
    """Raises: DataError naming the first prompt that lacks what a part looks for, and the part."""
    needs: dict[str, Callable[[Mapping[str, Any]], Any]] = {}
    if config.number_weight:
        needs["number_weight"] = _read_number
    if config.choice_weight:
        needs["choice_weight"] = read_choices
    if config.pattern_weight and config.pattern is None:
        needs["pattern_weight"] = _read_pattern
    if config.instructions_weight:
        needs["instructions_weight"] = parse_instructions
    for key, read in needs.items():
        for prompt in prompts:
            try:
                read(prompt.record.metadata)
            except ValueError as error:
                place = f"prompts.jsonl, prompt {prompt.record.prompt_id}"
                raise DataError(f"{place}: {error} (reward.{key} needs it)") from error


def _read_number(metadata: Mapping[str, Any]) -> None:
    try:
        parse_number(metadata.get("answer"))
    except ValueError as error:
        raise ValueError(f"metadata.answer: {error}") from error


def _read_pattern(metadata: Mapping[str, Any]) -> None:
    try:
        parse_pattern(metadata.get("pattern"))
    except ValueError as error:
        raise ValueError(f"metadata.pattern: {error}") from error
