"""Faults that sections of a config share. Standard library only."""

from collections.abc import Iterator
from typing import Any


def at_least(section: Any, name: str, least: float) -> Iterator[str]:
    """The fault of a number below `least`."""
    value = getattr(section, name)
    if value < least:
        yield f"{name}: must be {least} or more, got {value}"


def above(section: Any, name: str, bound: float) -> Iterator[str]:
    """The fault of a number that does not exceed `bound`."""
    value = getattr(section, name)
    if value <= bound:
        yield f"{name}: must be above {bound}, got {value}"


def within(section: Any, name: str, low: float, high: float) -> Iterator[str]:
    """The fault of a number outside [low, high]."""
    value = getattr(section, name)
    if not low <= value <= high:
        yield f"{name}: must be between {low} and {high}, got {value}"
