"""What people said about the policy in training: `human_feedback.jsonl`, to which the site appends."""

import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class HumanFeedback:
    """Gives each line of the file once: {"step": 40, "win_rate": 0.61, "low": 0.38, "high": 0.8, "judgments": 38,
    "comparisons": 16, "reward_accuracy": 0.7}.

    `win_rate` is the share of blind comparisons in which people preferred an answer of the policy of that step to one
    of the reference's, ties half. `comparisons` is how many pairs of answers that is, each judged by one or several
    people; without it every judgment counts as one. `low` and `high`, which may be absent or null together, are the
    ends of the win rate's 95% interval. `reward_accuracy`, which may be absent or null, is the share of
    those comparisons in which the answer that earned more was the one that people preferred. A line that says something
    else is left out with a warning: a run of days must not end for it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines_read = 0

    def news(self) -> dict[str, float]:
        """The metrics of the latest line that is new since the last call; empty where there is none."""
        if not self.path.exists():
            return {}
        # The last piece is empty, or a line that is still being written.
        lines = self.path.read_bytes().split(b"\n")[:-1]
        fresh = [found for place in range(self.lines_read, len(lines)) if (found := self._read(lines[place], place))]
        self.lines_read = max(self.lines_read, len(lines))
        return fresh[-1] if fresh else {}

    def _read(self, line: bytes, place: int) -> dict[str, float]:
        try:
            return _metrics_of(json.loads(line))
        except (ValueError, TypeError, KeyError) as error:
            log.warning("%s line %d is left out: %s", self.path.name, place + 1, error)
            return {}

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {"lines_read": self.lines_read}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.lines_read = state["lines_read"]


def _metrics_of(row: dict[str, Any]) -> dict[str, float]:
    """Raises: KeyError, TypeError or ValueError where the row is not as it should be."""
    win_rate, judgments, step = float(row["win_rate"]), int(row["judgments"]), int(row["step"])
    if not 0 <= win_rate <= 1 or judgments < 1:
        raise ValueError(f"win_rate must be between 0 and 1 and judgments 1 or more, got {win_rate} and {judgments}")
    comparisons = int(row.get("comparisons", judgments))
    if not 1 <= comparisons <= judgments:
        raise ValueError(f"comparisons must be between 1 and judgments ({judgments}), got {comparisons}")
    found = {"human_win_rate": win_rate, "human_judgments": float(judgments), "human_step": float(step)}
    found["human_comparisons"] = float(comparisons)
    found |= _interval_of(row, win_rate)
    if row.get("reward_accuracy") is None:
        return found
    accuracy = float(row["reward_accuracy"])
    if not 0 <= accuracy <= 1:
        raise ValueError(f"reward_accuracy must be between 0 and 1, got {accuracy}")
    return {**found, "human_reward_accuracy": accuracy}


def _interval_of(row: dict[str, Any], win_rate: float) -> dict[str, float]:
    """Where the row gives one. Raises: TypeError or ValueError where it is no interval around the win rate."""
    ends = row.get("low"), row.get("high")
    if ends == (None, None):
        return {}
    if None in ends:
        raise ValueError("low and high belong together: give both or neither")
    low, high = float(row["low"]), float(row["high"])
    if not 0 <= low <= win_rate <= high <= 1:
        raise ValueError(f"low and high must lie around win_rate ({win_rate}) between 0 and 1, got {low} and {high}")
    return {"human_win_rate_low": low, "human_win_rate_high": high}
