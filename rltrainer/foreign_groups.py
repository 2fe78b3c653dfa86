"""Given groups that another policy has sampled than the one that starts: told before anything is learned from them."""

import math
from collections.abc import Sequence

from rewardmodel.runtime.faults import Cancelled, Interrupted
from rltrainer.gauges import FARTHEST
from rltrainer.optimization import PolicyOptimizer
from rltrainer.records import Group
from rltrainer.tally import Tally

MOST_COMPLETIONS = 32
"""So many are looked at, each of another group."""


def explain_foreign_groups(groups: Sequence[Group], optimizer: PolicyOptimizer, *, limit: float) -> str:
    """What tells one or more groups from those of this very policy; empty where nothing does.

    Log-probs that came with the groups are held against the policy's own before its first step. limit: highest factor
    between the probabilities that the two give to a token, in geometric mean (`brakes.mismatch_limit`).
    Raises: Cancelled where the run should stop; Diverged where memory does not suffice.
    """
    looked_at = groups[:MOST_COMPLETIONS]
    pairs = [(group.prompt.token_ids, group.completions[0].token_ids) for group in looked_at]
    try:
        scored = optimizer.score(pairs, Tally())
    except Interrupted as wish:
        raise Cancelled(f"{wish}, before the first step") from wish
    gaps = [
        abs(mine - theirs)
        for own, group in zip(scored, looked_at, strict=True)
        for mine, theirs in zip(own, group.completions[0].log_probs, strict=True)
    ]
    mean = sum(gaps) / len(gaps)
    if mean <= math.log(limit):
        return ""
    return (
        "the given groups were sampled by another policy than the one that starts: the probabilities that the two give "
        f"to a token differ by a factor of {math.exp(min(mean, FARTHEST)):.3g} on average, the limit is {limit:g}; "
        "start from the policy that sampled them"
    )
