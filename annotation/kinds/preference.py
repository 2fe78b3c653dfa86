"""PURE. A preference: what a ranking says about two responses."""

from typing import NamedTuple


class PreferencePair(NamedTuple):
    """`chosen` was placed in a better tier than `rejected`."""

    chosen: str
    rejected: str
    strength: float | None
    """Sum of the steps between the two tiers (1 slightly, 2 clearly, 3 much better); None where not asked."""
