"""PURE: what the brakes remember of a run: its first steps, its latest steps, and what people said."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

WATCHED = (
    "kl_sequence",
    "entropy",
    "truncated_fraction",
    "length_mean",
    "repetition_fraction",
    "reward",
    "reward_noise",
    "reward_distance",
    "sampler_gap_mean",
    "zero_std_fraction",
    "flat_low_fraction",
    "flat_high_fraction",
)
"""Metrics that a brake looks at."""


@dataclass(frozen=True, slots=True)
class Vote:
    """How often people preferred the policy, as one metric line told it."""

    win_rate: float
    """Share of the comparisons, ties half."""
    comparisons: float
    """Of how many pairs of answers, each once however many people judged it."""
    reward: float
    """Mean reward over the window when it was told."""


class BrakeMemory:
    """The first and the latest `window` values of each watched metric."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.steps = 0
        self.first: dict[str, list[float]] = {}
        self.latest: dict[str, list[float]] = {}
        self.votes: list[Vote] = []

    def record(self, step: int, metrics: Mapping[str, float | None]) -> None:
        """Take in the metrics of a step; what a step did not measure is left as it was."""
        self.steps = step
        for name in WATCHED:
            value = metrics.get(name)
            if value is None:
                continue
            first = self.first.setdefault(name, [])
            if len(first) < self.window:
                first.append(value)
            self.latest[name] = [*self.latest.get(name, []), value][-self.window :]
        win_rate, reward = metrics.get("human_win_rate"), self.now("reward")
        if win_rate is not None and reward is not None:
            self.votes.append(Vote(win_rate, metrics.get("human_comparisons") or 0.0, reward))

    def now(self, name: str) -> float | None:
        """Mean over the latest window; None before there is a whole one."""
        return self._mean(self.latest.get(name, []))

    def lately(self, name: str) -> float | None:
        """What a measurement that runs away has come to: its mean over the latest window, or the lesser of its last two
        values where that is more, for a mean follows late. None before there are two values."""
        mean, last = self.now(name), self.latest.get(name, [])[-2:]
        risen = min(last) if len(last) == 2 else None
        return max((value for value in (mean, risen) if value is not None), default=None)

    def start(self, name: str) -> float | None:
        """Mean over the first window; None before there is a whole one."""
        return self._mean(self.first.get(name, []))

    def _mean(self, values: list[float]) -> float | None:
        return sum(values) / len(values) if len(values) >= self.window else None

    def state(self) -> dict[str, Any]:
        """JSON form; `restore` takes it back."""
        copied = {name: list(values) for name, values in self.first.items()}
        latest = {name: list(values) for name, values in self.latest.items()}
        return {"steps": self.steps, "first": copied, "latest": latest, "votes": [asdict(vote) for vote in self.votes]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as when `state` was taken; the window may be another one since."""
        self.steps = state["steps"]
        self.first = {name: list(values) for name, values in state["first"].items()}
        self.latest = {name: list(values)[-self.window :] for name, values in state["latest"].items()}
        self.votes = [Vote(**vote) for vote in state["votes"]]
