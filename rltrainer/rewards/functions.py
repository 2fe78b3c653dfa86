"""Rewards by somebody's own Python function. It runs in the trainer's process with all of its rights."""

import importlib
import logging
import math
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import islice
from numbers import Complex, Real
from typing import Any

from rewardmodel.config_parsing import ConfigError
from rltrainer.rewards.answer import Answer, RewardPart

log = logging.getLogger(__name__)

LARGEST_REWARD = 1e18
"""Either way: the square of a larger value would overflow in float32, and with it the deviations of its group."""
PROMPTS_TOLD = 3
"""So many prompts of a batch are named where the function failed on all of it."""
RewardFunction = Callable[[list[dict[str, Any]]], Any]
"""Takes all answers of a step, each as `describe_answer` gives it, and gives a number for each, in order."""


def function_reward(location: str, *, key: str = "reward.function") -> RewardPart:
    """What the function at `package.module:name` gives.

    `key` is its place in the config, for faults. The part raises ConfigError where the function fails or gives
    anything but a number for each answer, finite and of `LARGEST_REWARD` at most.
    Raises: ConfigError where there is no such function.
    """
    function = import_function(location, key=key)

    def score(answers: Sequence[Answer]) -> list[float]:
        described = [describe_answer(answer) for answer in answers]
        try:
            # One more than there should be tells of all others, of which there may be no end.
            values = _taken(function(described), len(answers) + 1)
        except (Exception, SystemExit) as error:  # Whatever somebody's code raises is theirs to see, with its place.
            log.warning("%s failed:\n%s", location, _their_traceback(error))
            fault = f"{key}: {location} raised {type(error).__name__}: {error}; it was given {_describe_batch(answers)}"
            raise ConfigError([fault]) from error
        return _checked(values, answers, f"{key}: {location}")

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


def _their_traceback(error: BaseException) -> str:
    """The traceback of what somebody's code raised, without our own frames."""
    told = traceback.TracebackException.from_exception(error)
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename != __file__])
    return "".join(told.format()).rstrip()


def _describe_batch(answers: Sequence[Answer]) -> str:
    """How many answers, and to which prompts, of which the first `PROMPTS_TOLD` are named."""
    ids = list(dict.fromkeys(answer.prompt.prompt_id for answer in answers))
    more = f" and {len(ids) - PROMPTS_TOLD} more" if len(ids) > PROMPTS_TOLD else ""
    return f"{len(answers)} answers ({'prompt' if len(ids) == 1 else 'prompts'} {', '.join(ids[:PROMPTS_TOLD])}{more})"


def _taken(values: Any, most: int) -> Any:
    """The first values as a list; what is no row of values, such as text or a dictionary, as it is."""
    if isinstance(values, Iterable) and not isinstance(values, str | bytes | bytearray | Mapping | Set):
        return list(islice(values, most))
    return values


def _checked(values: Any, answers: Sequence[Answer], source: str) -> list[float]:
    """A float for each answer. Raises: ConfigError naming the source, the answer and its prompt."""
    if not isinstance(values, list):
        fault = f"must give a list of numbers, got {type(values).__name__}"
        raise ConfigError([f"{source} {fault} for {_describe_batch(answers)}"])
    if len(values) != len(answers):
        many = len(values) if len(values) < len(answers) else f"more than {len(answers)}"
        raise ConfigError([f"{source} gave {many} numbers for {_describe_batch(answers)}"])
    places = [f"answer {place} of {len(answers)} (prompt {a.prompt.prompt_id})" for place, a in enumerate(answers)]
    return [_as_number(value, source, place) for value, place in zip(values, places, strict=True)]


def _as_number(value: Any, source: str, place: str) -> float:
    # Text that spells a number is a slip, and a complex number of numpy would lose a part without a word.
    if isinstance(value, str | bytes | bytearray) or (isinstance(value, Complex) and not isinstance(value, Real)):
        raise ConfigError([f"{source} must give a list of numbers, got {type(value).__name__} for {place}"])
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ConfigError([f"{source} must give a list of numbers: {error}, for {place}"]) from error
    except OverflowError:
        number = math.inf
    if not abs(number) <= LARGEST_REWARD:
        limits = f"-{LARGEST_REWARD:g} to {LARGEST_REWARD:g}"
        raise ConfigError([f"{source} gave {number} for {place}; give a finite number from {limits}"])
    return number
