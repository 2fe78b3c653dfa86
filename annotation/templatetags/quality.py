"""Filters for shares with their intervals."""

from django import template

from annotation.quality.signals import MEANINGS
from annotation.quality.wilson import Share

register = template.Library()


@register.filter
def percent(value: float | None) -> str:
    """A share as people say it; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.0f}%"


@register.filter
def interval(share: Share) -> str:
    """The interval and what it stands on: "70–90%, of 24"; empty without a value."""
    if share.low is None or share.high is None:
        return ""
    return f"{100 * share.low:.0f}–{100 * share.high:.0f}%, of {share.count:,}"


@register.filter
def in_words(signal: str) -> str:
    """A sign of haste or habit as managers read it; one that this version does not know stays as it is."""
    return MEANINGS.get(signal, signal)
