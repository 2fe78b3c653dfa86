"""What a run watches about itself, and when it warns, pauses or stops."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rltrainer.brake_memory import BrakeMemory
from rltrainer.config_brakes import Action, BrakesConfig
from rltrainer.gauges import GAUGES


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is past its limit."""

    action: Action
    """What the config wants done: `warn`, `pause` or `stop`."""
    brake: str
    """Its name in the config."""
    sentence: str
    """What was seen, in plain words with figures."""


class Brakes:
    """Watches the metrics of each step. A brake speaks when its limit is passed, and not again before it was well back
    inside: a person who starts a paused run again is not stopped by the same thing at once."""

    def __init__(self, config: BrakesConfig) -> None:
        self.config = config
        self.memory = BrakeMemory(config.window)
        self.raised: set[str] = set()

    def observe(self, step: int, metrics: Mapping[str, float]) -> list[Finding]:
        """What has passed its limit with this step, the `step`-th."""
        self.memory.record(step, metrics)
        return [finding for brake in GAUGES if (finding := self._look(brake)) is not None]

    def _look(self, brake: str) -> Finding | None:
        action: Action = getattr(self.config, brake)
        reading = None if action == "off" else GAUGES[brake](self.memory, self.config)
        if reading is None:
            return None
        if brake in self.raised:
            if reading.share < 1 - self.config.release:
                self.raised.remove(brake)
            return None
        if reading.share <= 1:
            return None
        self.raised.add(brake)
        return Finding(action, brake, reading.sentence)

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {"memory": self.memory.state(), "raised": sorted(self.raised)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.memory.restore(state["memory"])
        self.raised = set(state["raised"])
