"""Passes with gradient where weights are spread: every rank runs the same number, for each needs the others' shards."""

from rewardmodel.runtime.cancellation import StopCheck
from rltrainer.layouts import Pair
from rltrainer.policy import Policy
from rltrainer.ranks import Ranks
from rltrainer.weights import Weights


def count_missing(own: int, ranks: Ranks, *, check: StopCheck) -> int:
    """How many more passes another rank has. From here on no rank may stop by itself: the others would wait.

    check: whether this rank should stop. Raises: Interrupted on all ranks where one should.
    """
    ranks.attempt(check)
    return max(ranks.gather(own)) - own


def run_for_others(policy: Policy, masters: Weights, pair: Pair, times: int) -> None:
    """Passes over this prompt and completion without gradients of their own."""
    for _ in range(times):
        scores = policy.score(policy.plan([pair])[0])
        (0.0 * scores.log_probs.sum()).backward()
        masters.collect()
