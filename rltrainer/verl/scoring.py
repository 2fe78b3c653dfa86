"""Our rewards inside verl: one text in, the reward and its parts out."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rewardmodel.records import PromptRecord
from rewardmodel.runtime.backbones import load_generation_config, load_tokenizer
from rewardmodel.runtime.device import select_device
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config import ConfigError, OnlineConfig, parse_config
from rltrainer.records import Completion, EncodedPrompt, Group
from rltrainer.rewards.weighted import WeightedReward, build_reward

Score = Callable[[str, Mapping[str, Any]], dict[str, float]]


def open_reward(directory: RunDirectory, config: OnlineConfig, prompts: Sequence[EncodedPrompt]) -> WeightedReward:
    """The run's reward without the part that verl computes by itself (overlong answers).

    Raises: ConfigError or DataError where a part lacks what it needs.
    """
    model = config.model
    return build_reward(
        directory,
        replace(config.reward, overlong_factor=0.0),
        compute=select_device(device=model.device, precision=model.precision, threads=model.threads),
        max_new_tokens=config.rollout.max_new_tokens,
        prompts=prompts,
    )


class JobReward:
    """The reward of one job."""

    def __init__(self, reward: WeightedReward, renderer: Renderer, *, max_new_tokens: int) -> None:
        self.reward = reward
        self.renderer = renderer
        self.max_new_tokens = max_new_tokens

    def score(self, text: str, extra_info: Mapping[str, Any]) -> dict[str, float]:
        """`score`, `task_reward` (without parts that only shape) and every part's value as `part_<name>`."""
        record = PromptRecord(
            str(extra_info["prompt_id"]),
            tuple(json.loads(extra_info["messages"])),
            json.loads(extra_info["metadata"]),
        )
        group = Group(EncodedPrompt(record, ()), (self._completion(text),), (text,), 0)
        (scored,) = self.reward.score([group])
        parts = {f"part_{name}": values[0] for name, values in scored.reward_parts.items()}
        return {"score": scored.rewards[0], "task_reward": scored.task_rewards[0], **parts}

    def _completion(self, text: str) -> Completion:
        """The tokens anew, for functions that count them: verl hands over the text alone."""
        ids = tuple(self.renderer.tokenizer(text, add_special_tokens=False)["input_ids"])
        if len(ids) >= self.max_new_tokens:
            return Completion(ids, (0.0,) * len(ids), "length", 0)
        ended = (*ids, min(self.renderer.stop_ids))
        return Completion(ended, (0.0,) * len(ended), "stop", 0)


def open_job_reward(run_directory: Path) -> JobReward:
    """The reward of the run in a directory. Raises: ConfigError."""
    directory = RunDirectory(run_directory)
    config = parse_config(directory.read_config())
    if not isinstance(config, OnlineConfig):
        raise ConfigError([f"kind: '{config.kind}' samples nothing that could be rewarded"])
    folder = directory.resolve(config.model.path)
    renderer = Renderer(load_tokenizer(folder), load_generation_config(folder))
    return JobReward(open_reward(directory, config, []), renderer, max_new_tokens=config.rollout.max_new_tokens)
