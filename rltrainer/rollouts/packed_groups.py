"""PURE: groups as JSON and back, every number exact."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rltrainer.records import Completion, EncodedPrompt, Group


def pack_group(group: Group) -> dict[str, Any]:
    """The JSON form; the prompt is named only, for the run has it."""
    return {
        "prompt_id": group.prompt.record.prompt_id,
        "completions": [asdict(completion) for completion in group.completions],
        "texts": list(group.texts),
        "policy_version": group.policy_version,
        "reward_parts": {name: list(values) for name, values in group.reward_parts.items()},
        "rewards": list(group.rewards),
        "task_rewards": list(group.task_rewards),
        "reward_noise": list(group.reward_noise),
        "reward_distance": list(group.reward_distance),
        "reward_unfamiliar": list(group.reward_unfamiliar),
    }


def unpack_group(packed: Mapping[str, Any], prompts: Mapping[str, EncodedPrompt]) -> Group:
    """The group that `pack_group` was given; `prompts` are those of the run by prompt_id."""
    return Group(
        prompt=prompts[packed["prompt_id"]],
        completions=tuple(
            Completion(
                tuple(completion["token_ids"]),
                tuple(completion["log_probs"]),
                completion["finish_reason"],
                completion["seed"],
            )
            for completion in packed["completions"]
        ),
        texts=tuple(packed["texts"]),
        policy_version=packed["policy_version"],
        reward_parts={name: tuple(values) for name, values in packed["reward_parts"].items()},
        rewards=tuple(packed["rewards"]),
        task_rewards=tuple(packed["task_rewards"]),
        reward_noise=tuple(packed["reward_noise"]),
        reward_distance=tuple(packed["reward_distance"]),
        reward_unfamiliar=tuple(packed["reward_unfamiliar"]),
    )
