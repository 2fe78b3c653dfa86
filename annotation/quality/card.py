"""PURE. What is known of the quality of one person's work in one project."""

from dataclasses import asdict, dataclass
from typing import Any

from annotation.quality.positions import PositionBias
from annotation.quality.wilson import Share


@dataclass(frozen=True, slots=True)
class QualityCard:
    """One person's card. Every share comes with its interval and with what it stands on."""

    gold: Share
    """Mean share of the known answers that was right; the count is of gold tasks."""
    consistency: Share
    """How far they said the same when a task was repeated; the count is of repeats."""
    too_fast: Share
    """Share of the normal judgments with a known time that were too fast to have been read."""
    bias: PositionBias | None
    """None for scores, and until a ranking says something."""
    median_active_ms: float | None
    judgments: int
    """Of normal tasks."""
    in_a_row: int
    """Judgments that completed a suspicious row: the order as shown, or the best one always at one place."""
    skips: int

    def as_mapping(self) -> dict[str, Any]:
        """The card as JSON values."""
        return asdict(self)
