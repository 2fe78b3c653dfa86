"""PURE. When a reward model may become the champion, and why, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainingruns.evidence import count_prompts, why_no_interval

CHANCE = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate decided."""

    passes: bool
    reason: str
    """A sentence or two for people."""


def judge_reward_model(result: Mapping[str, Any], champion: Mapping[str, Any] | None) -> Verdict:
    """Whether a reward model passes: the lower end of its accuracy's interval lies above the champion's accuracy,
    or above chance where there is no champion yet.

    result, champion: the trainers' `result.json`. The two may have been measured on different snapshots; the interval
    is what guards against taking luck for progress.
    """
    accuracy = result.get("accuracy") or {}
    low = accuracy.get("low")
    if accuracy.get("value") is None:
        return Verdict(False, "No champion: its accuracy on held-out pairs could not be measured.")
    if low is None:
        why = why_no_interval(accuracy)
        return Verdict(False, f"No champion: {why} to tell its accuracy on held-out pairs from chance.")
    interval = f"{_share(low)} to {_share(accuracy['high'])}, by {count_prompts(accuracy)}"
    measured = f"It is right on {_share(accuracy['value'])} of the held-out pairs ({interval})"
    bar, name = CHANCE, "chance"
    if champion is not None:
        bar, name = (champion.get("accuracy") or {}).get("value") or CHANCE, "the champion"
    if low > bar:
        return Verdict(True, f"{measured}, above {name} at {_share(bar)}: it is the new champion.{_beside(result)}")
    return Verdict(
        False, f"{measured}, not clearly above {name} at {_share(bar)}: it stays a candidate.{_beside(result)}"
    )


def _beside(result: Mapping[str, Any]) -> str:
    parts = []
    for key, words in (("longer_wins", "taking the longer response"), ("human_ceiling", "people judging each other")):
        value = (result.get(key) or {}).get("value")
        if value is not None:
            parts.append(f"{words} {_share(value)}")
    return f" For comparison: {', '.join(parts)}." if parts else ""


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"
