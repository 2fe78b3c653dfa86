"""PURE: a policy beside another model in numbers with intervals over prompts, for `result.json`."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy

from rewardmodel.intervals import Estimate, Resampling, estimate_ratio
from rltrainer.marks import CHECKED_PARTS, Marks, count_right, count_wins, pass_at

NOTEWORTHY_LENGTH = 1.1
"""Answers this many times as long, or as short, as the other model's are worth a word beside a win rate."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of two models to the same prompts."""

    policy: Sequence[Marks]
    """The policy's, a prompt each."""
    rival: Sequence[Marks]
    """The other model's, in the same order."""
    rival_name: str
    """`reference` or `champion`."""
    resampling: Resampling
    """How intervals are made."""

    @property
    def judge(self) -> str | None:
        """The part that decides who wins: the reward model where there is one, else the whole reward (None)."""
        return "model" if "model" in self.policy[0].parts else None

    def describe(self) -> dict[str, Any]:
        """Rewards, win rates and lengths; keys as docs/metrics.md explains them."""
        name = self.rival_name
        similar = self.win_rate(similar_length=True)
        described: dict[str, Any] = {
            f"reward_{name}": asdict(self._mean([marks.rewards for marks in self.rival])),
            "reward_policy": asdict(self._mean([marks.rewards for marks in self.policy])),
            f"length_{name}": asdict(self._mean([marks.lengths for marks in self.rival])),
            "length_policy": asdict(self._mean([marks.lengths for marks in self.policy])),
            f"win_rate_{name}": asdict(self.win_rate()),
            f"win_rate_{name}_similar_length": asdict(similar),
            "win_rate_by": self.judge or "reward",
        }
        note = self._length_note(similar)
        return {**described, f"length_note_{name}": note} if note else described

    def gain(self) -> Estimate:
        """Mean reward above the other model's, prompt by prompt."""
        return self._mean(
            [
                [reward - sum(other.rewards) / len(other.rewards) for reward in own.rewards]
                for own, other in zip(self.policy, self.rival, strict=True)
            ]
        )

    def win_rate(self, *, similar_length: bool = False) -> Estimate:
        """How often an answer of the policy beats one of the other model to the same prompt, ties half."""
        counts = [
            count_wins(own, other, part=self.judge, similar_length=similar_length)
            for own, other in zip(self.policy, self.rival, strict=True)
        ]
        return self._ratio([wins for wins, _ in counts], [pairs for _, pairs in counts])

    def accuracy(self, draws: Sequence[int]) -> dict[str, Any]:
        """pass@k of both models by each checking part, and the policy's gain in pass@1; empty where nothing checks."""
        found: dict[str, Any] = {}
        for part in CHECKED_PARTS:
            if part in self.policy[0].parts:
                found[part] = {
                    "policy": _pass_rates(self.policy, part, draws, self._each),
                    self.rival_name: _pass_rates(self.rival, part, draws, self._each),
                    f"gain_over_{self.rival_name}": asdict(self._each(_differences(self.policy, self.rival, part))),
                }
        return found

    def _length_note(self, similar: Estimate) -> str:
        own, other = (_mean_length(marks) for marks in (self.policy, self.rival))
        if 1 / NOTEWORTHY_LENGTH < own / other < NOTEWORTHY_LENGTH:
            return ""
        direction = "longer" if own > other else "shorter"
        text = (
            f"the policy's answers are {direction} than the {self.rival_name}'s ({own:.0f} tokens, {other:.0f}), and "
            "who judges may be judging length"
        )
        if similar.value is None:
            return f"{text}; no pair of answers is of similar length"
        return f"{text}; among {similar.n} pairs of similar length it wins {100 * similar.value:.0f}%"

    def _mean(self, values: Sequence[Sequence[float]]) -> Estimate:
        """The mean of all values, those of a prompt together."""
        flat = [value for own in values for value in own]
        owners = [prompt for prompt, own in enumerate(values) for _ in own]
        return self._ratio(flat, [1] * len(flat), owners)

    def _each(self, values: Sequence[float]) -> Estimate:
        """The mean of one value a prompt."""
        return self._ratio(values, [1] * len(values))

    def _ratio(self, hits: Sequence[float], counts: Sequence[float], prompts: Sequence[int] | None = None) -> Estimate:
        owners = range(len(hits)) if prompts is None else prompts
        above, below = (numpy.array(column, dtype=numpy.float64) for column in (hits, counts))
        return estimate_ratio(above, below, list(owners), self.resampling)


def _pass_rates(
    marks: Sequence[Marks], part: str, draws: Sequence[int], estimate: Callable[[Sequence[float]], Estimate]
) -> dict[str, Any]:
    """pass@k by k, for every k that all prompts have answers enough for."""
    fewest = min(len(own.rewards) for own in marks)
    return {
        str(k): asdict(estimate([pass_at(len(own.rewards), count_right(own, part), k) for own in marks]))
        for k in draws
        if k <= fewest
    }


def _differences(policy: Sequence[Marks], rival: Sequence[Marks], part: str) -> list[float]:
    return [
        count_right(own, part) / len(own.rewards) - count_right(other, part) / len(other.rewards)
        for own, other in zip(policy, rival, strict=True)
    ]


def _mean_length(marks: Sequence[Marks]) -> float:
    lengths = [length for own in marks for length in own.lengths]
    return sum(lengths) / len(lengths)
