"""Rewards that fail in the second process alone; for `reward.function`."""

import os
import signal
from typing import Any


class Gone(BaseException):
    """What no trainer expects of a reward, and what it takes for no fault of the reward's."""


def raise_in_second(answers: list[dict[str, Any]]) -> list[float]:
    """A fault that all processes agree on."""
    if _is_second():
        raise ValueError("no reward for this")
    return [0.0] * len(answers)


def leave_in_second(answers: list[dict[str, Any]]) -> list[float]:
    """A fault that ends one process and leaves a reason."""
    if _is_second():
        raise Gone("enough of this")
    return [0.0] * len(answers)


def die_in_second(answers: list[dict[str, Any]]) -> list[float]:
    """One process is gone without a word."""
    if _is_second():
        os.kill(os.getpid(), signal.SIGKILL)
    return [0.0] * len(answers)


def _is_second() -> bool:
    return os.environ["RANK"] == "1"
