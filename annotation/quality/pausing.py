"""PURE. When the product proposes that somebody should pause. A manager decides."""

from annotation.quality.card import QualityCard
from annotation.quality.wilson import Share

FEWEST_GOLD = 10
FEWEST_REPEATS = 10
FEWEST_TIMED = 20
LEAST_CONSISTENCY = 0.65
"""Somebody who flips a coin says the same about half of the pairs."""
LARGE_BIAS = 0.2
"""A preference for a place that is real but smaller than this is told on the card and is no reason to pause."""
MORE_WORK = 10
"""Gold tasks and repeats that have to come after a proposal was dismissed before the same is proposed again."""


def reasons_to_pause(card: QualityCard, *, wanted: float) -> list[str]:
    """Plain sentences with their numbers; empty where there is no reason.

    wanted: the share of right answers that the project asks for. Whatever is measured has to be outside of what is
    wanted with its whole interval, so that bad luck alone makes no proposal.
    """
    found = [_gold(card.gold, wanted), _consistency(card.consistency), _bias(card), _haste(card.too_fast)]
    return [sentence for sentence in found if sentence]


def _gold(gold: Share, wanted: float) -> str:
    if gold.count < FEWEST_GOLD or gold.high is None or gold.high >= wanted:
        return ""
    return (
        f"Of {gold.count} tasks with a known answer {_percent(gold.value)} was right ({_interval(gold)}); "
        f"the project asks for {_percent(wanted)}."
    )


def _consistency(same: Share) -> str:
    if same.count < FEWEST_REPEATS or same.high is None or same.high >= LEAST_CONSISTENCY:
        return ""
    return (
        f"Of {same.count} tasks that came a second time {_percent(same.value)} was judged as before "
        f"({_interval(same)}); at least {_percent(LEAST_CONSISTENCY)} is to be expected."
    )


def _bias(card: QualityCard) -> str:
    bias = card.bias
    if bias is None or not bias.is_shown or bias.top.value is None or bias.top.value < bias.expected + LARGE_BIAS:
        return ""
    return (
        f"The response at place {bias.position} on the screen was put first in {_percent(bias.top.value)} of "
        f"{bias.top.count} rankings ({_interval(bias.top)}); {_percent(bias.expected)} is to be expected."
    )


def _haste(fast: Share) -> str:
    if fast.count < FEWEST_TIMED or fast.low is None or fast.low <= 0.5:
        return ""
    return f"{_percent(fast.value)} of {fast.count} judgments came faster than the responses can be read."


def _interval(share: Share) -> str:
    return f"95% interval {_percent(share.low)} to {_percent(share.high)}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}%"
