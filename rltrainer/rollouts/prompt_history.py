"""PURE: how each prompt fared: the list of those that are too easy or too hard, for the people who write prompts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from rltrainer.records import Group
from rltrainer.rollouts.keep_rules import RewardRange, is_flat, task_rewards

MIN_COMPLETIONS = 8
"""No verdict on fewer: with 0 of 8 passed, the true rate is below 0.32 at a confidence of 0.95."""
ONE_SIDED = 0.8
"""A prompt is too hard (too easy) when at least this share of its groups all failed (all passed)."""

Verdict = Literal["too_hard", "too_easy", ""]


@dataclass(slots=True)
class PromptCount:
    """What became of one prompt's groups."""

    groups: int = 0
    """How often it was asked."""
    completions: int = 0
    """Answers in all."""
    all_low: int = 0
    """Groups whose completions all earned the same, on the lower side of what the run has seen: all failed."""
    all_high: int = 0
    """The same on the upper side: all passed."""
    reward_sum: float = 0.0
    """Sum of the task's rewards."""

    @property
    def verdict(self) -> Verdict:
        """Whether the prompt is of no use to this policy, and why."""
        if self.completions < MIN_COMPLETIONS:
            return ""
        if self.all_low >= ONE_SIDED * self.groups:
            return "too_hard"
        return "too_easy" if self.all_high >= ONE_SIDED * self.groups else ""


class PromptHistory:
    """The counts of every prompt that was asked."""

    def __init__(self) -> None:
        self.counts: dict[str, PromptCount] = {}
        self.range = RewardRange()

    def observe(self, groups: Iterable[Group]) -> tuple[int, int]:
        """Count scored groups in. Returns how many of them all failed, and how many all passed."""
        known = list(groups)
        self.range.widen(known)
        sides = [self._count(group) for group in known]
        return sides.count("low"), sides.count("high")

    def _count(self, group: Group) -> Literal["low", "high", ""]:
        rewards = task_rewards(group)
        count = self.counts.setdefault(group.prompt.record.prompt_id, PromptCount())
        count.groups += 1
        count.completions += len(rewards)
        count.reward_sum += sum(rewards)
        if not is_flat(group):
            return ""
        high = self.range.is_high(rewards[0])
        count.all_high += high
        count.all_low += not high
        return "high" if high else "low"

    def report(self) -> list[dict[str, Any]]:
        """A row for each prompt asked, those without use first; for `prompts_report.jsonl`."""
        rows = [
            {
                "prompt_id": prompt_id,
                "groups": count.groups,
                "completions": count.completions,
                "all_low": count.all_low,
                "all_high": count.all_high,
                "reward_mean": count.reward_sum / count.completions,
                "verdict": count.verdict,
            }
            for prompt_id, count in self.counts.items()
        ]
        return sorted(rows, key=lambda row: (not row["verdict"], row["reward_mean"], row["prompt_id"]))

    def summary(self) -> dict[str, int]:
        """Numbers of prompts asked, too hard and too easy; for `result.json`."""
        verdicts = [count.verdict for count in self.counts.values()]
        return {
            "asked": len(verdicts),
            "too_hard": verdicts.count("too_hard"),
            "too_easy": verdicts.count("too_easy"),
        }

    def state(self) -> dict[str, Any]:
        """JSON form; `restore` takes it back."""
        bounds = [self.range.low, self.range.high] if self.counts else []
        return {"counts": {name: _pack(count) for name, count in self.counts.items()}, "range": bounds}

    def restore(self, state: dict[str, Any]) -> None:
        """Be as when `state` was taken."""
        self.counts = {name: PromptCount(*count) for name, count in state["counts"].items()}
        self.range = RewardRange(*state["range"])


def _pack(count: PromptCount) -> list[float]:
    """The fields in their order, without names: a run may ask many thousand prompts."""
    return [count.groups, count.completions, count.all_low, count.all_high, count.reward_sum]
