"""PURE. What follows from a ranking: pairs for training, rank vectors for statistics."""

from collections.abc import Sequence

from annotation.kinds.preference import PreferencePair
from annotation.kinds.ranking.answer import RankingAnswer


def to_preferences(answer: RankingAnswer) -> list[PreferencePair]:
    """Every pair that the ranking decides, best chosen first.

    Responses of one tier give no pair, and unranked ones give none at all. The "bad" line adds no pair: it lies
    between two tiers, so the pairs across it are already there. The strength of a pair is the sum of the gaps between
    its tiers, and None where one of these gaps has none.
    """
    pairs = []
    for upper, better in enumerate(answer.tiers):
        for lower in range(upper + 1, len(answer.tiers)):
            strength = _strength_between(answer.strength, upper, lower)
            pairs += [
                PreferencePair(chosen, rejected, strength) for chosen in better for rejected in answer.tiers[lower]
            ]
    return pairs


def _strength_between(strength: tuple[int | None, ...] | None, upper: int, lower: int) -> int | None:
    if strength is None:
        return None
    steps = [step for step in strength[upper:lower] if step is not None]
    return sum(steps) if len(steps) == lower - upper else None


def rank_vector(answer: RankingAnswer, keys: Sequence[str]) -> list[int | None]:
    """The tier number of each response in the order of `keys`: 1 is best, ties share a number, None is unranked.

    Rank statistics take this vector, never the list of responses in ranked order: two lists hold different
    responses at the same place.
    """
    ranks = {key: number for number, tier in enumerate(answer.tiers, start=1) for key in tier}
    return [ranks.get(key) for key in keys]
