"""Rewards by somebody's own Python function. It runs in the trainer's process with all of its rights."""

import importlib
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

from rewardmodel.config_parsing import ConfigError
from rltrainer.rewards.answer import Answer, RewardPart

log = logging.getLogger(__name__)

RewardFunction = Callable[[list[dict[str, Any]]], Any]
"""Takes all answers of a step, each as `describe_answer` gives it, and gives a number for each, in order."""


def function_reward(location: str, *, key: str = "reward.function") -> RewardPart:
    """What the function at `package.module:name` gives.

    `key` is its place in the config, for faults. The part raises ConfigError where the function fails or gives
    anything but a finite number for each answer.
    Raises: ConfigError where there is no such function.
    """
    function = import_function(location, key=key)

    def score(answers: Sequence[Answer]) -> list[float]:
        try:
            values = function([describe_answer(answer) for answer in answers])
        except Exception as error:  # Whatever somebody's code raises is theirs to see, with its traceback.
            log.exception("%s failed", key)
            raise ConfigError([f"{key}: {location} raised {type(error).__name__}: {error}"]) from error
        return _checked(values, len(answers), location, key)

    return score


def import_function(location: str, *, key: str = "reward.function") -> RewardFunction:
    """The function of an import path. Raises: ConfigError saying which part of the path leads nowhere."""
    module_name, _, name = location.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # Importing runs somebody's code, which may raise anything.
        fault = f"{module_name} cannot be imported: {type(error).__name__}: {error}; is its folder in PYTHONPATH?"
        raise ConfigError([f"{key}: {fault}"]) from error
    function = getattr(module, name, None)
    if not callable(function):
        raise ConfigError([f"{key}: {module_name} has no function '{name}'"])
    return function


def describe_answer(answer: Answer) -> dict[str, Any]:
    """An answer in plain types: `prompt_id`, `prompt`, `metadata`, `response`, `tokens`, `finish_reason`."""
    return {
        "prompt_id": answer.prompt.prompt_id,
        "prompt": [dict(message) for message in answer.prompt.prompt],
        "metadata": dict(answer.prompt.metadata),
        "response": answer.text,
        "tokens": len(answer.completion.token_ids),
        "finish_reason": answer.completion.finish_reason,
    }


def _checked(values: Any, count: int, location: str, key: str) -> list[float]:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise ConfigError([f"{key}: {location} must give a list of numbers: {error}"]) from error
    if len(numbers) != count:
        raise ConfigError([f"{key}: {location} gave {len(numbers)} numbers for {count} answers"])
    if wrong := [place for place, number in enumerate(numbers) if not math.isfinite(number)]:
        raise ConfigError([f"{key}: {location} gave {numbers[wrong[0]]} for answer {wrong[0]} of {count}"])
    return numbers
