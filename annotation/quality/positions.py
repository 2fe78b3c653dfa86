"""PURE. Does somebody prefer a place on the screen, whatever stands there?"""

from collections.abc import Sequence
from dataclasses import dataclass

from annotation.quality.wilson import Share, wilson_share

FEWEST_RANKINGS = 10


@dataclass(frozen=True, slots=True)
class PositionBias:
    """The place on the screen whose responses were put on top most often, compared with chance."""

    position: int
    """1 for the first shown."""
    top: Share
    """How often the response shown there was ranked best; one of k that share the best tier counts 1/k."""
    expected: float
    """What it is for somebody who looks at the responses alone: the mean of 1 / number of responses."""

    @property
    def is_shown(self) -> bool:
        """Whether chance is out of the question: the interval, widened for looking at every place, lies above it."""
        return self.top.count >= FEWEST_RANKINGS and self.top.low is not None and self.top.low > self.expected


def position_bias(rankings: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> PositionBias | None:
    """The strongest preference for one place among all rankings.

    rankings: (response keys in the order shown, tiers best first), one a judgment. Those of unknown order, of a single
    response, or with everything tied say nothing and are left out.
    Every response stands at every place equally often (annotation.allocation), so the truth favours none.
    Returns: None without a ranking that says something. `expected` is that of the rankings that have this place.
    """
    telling = [(shown, tiers) for shown, tiers in rankings if len(shown) > 1 and len(tiers) > 1]
    if not telling:
        return None
    widest = max(len(shown) for shown, _ in telling)
    biases = [
        _bias_at(position, [each for each in telling if len(each[0]) > position], looks=widest)
        for position in range(widest)
    ]
    return max(biases, key=lambda bias: ((bias.top.low or 0.0) - bias.expected, -bias.position))


def _bias_at(
    position: int, rankings: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]], *, looks: int
) -> PositionBias:
    top = sum(1 / len(tiers[0]) for shown, tiers in rankings if shown[position] in tiers[0])
    expected = sum(1 / len(shown) for shown, _ in rankings) / len(rankings)
    return PositionBias(position + 1, wilson_share(top, len(rankings), looks=looks), expected)
