"""Sampling and scoring by all ranks together: each does its part, and all hold the whole afterwards."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from rltrainer.ranks import Ranks
from rltrainer.records import Completion, Group
from rltrainer.rollouts.dynamic import Scorer
from rltrainer.rollouts.engine import RolloutEngine, SamplingRequest, SamplingRules


class SharedEngine:
    """An engine on every rank. Seeds belong to requests, so that the answers are those of one rank alone."""

    def __init__(
        self, engine: RolloutEngine, ranks: Ranks, *, in_place: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        """in_place: a block inside which the engine's network can be used by each rank alone."""
        self.engine = engine
        self.ranks = ranks
        self.in_place = in_place

    def sample(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> list[tuple[Completion, ...]]:
        """For each request its completions. Raises: what the engine of any rank raises, on all of them."""
        mine = self.ranks.share(requests, weights=[float(len(request.seeds)) for request in requests])
        with self.in_place():
            return self.ranks.join(self.ranks.attempt(lambda: self.engine.sample(mine, rules) if mine else []))


class SharedReward:
    """A reward on every rank, each for its part of the groups."""

    def __init__(self, reward: Scorer, ranks: Ranks) -> None:
        self.reward = reward
        self.ranks = ranks

    def score(self, groups: Sequence[Group]) -> list[Group]:
        """The same groups with their rewards."""
        mine = self.ranks.share(groups)
        return self.ranks.join(self.ranks.attempt(lambda: self.reward.score(mine) if mine else []))
