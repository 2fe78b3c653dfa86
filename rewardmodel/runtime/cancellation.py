"""The wish to stop: a file in the run directory, or SIGTERM, or Ctrl-C."""

import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from rewardmodel.runtime.faults import Interrupted

StopCheck = Callable[[], None]
"""Called wherever work can be abandoned without loss. Raises: Interrupted where the run should stop."""


def never_stop() -> None:
    """The check of work that nobody asks to stop."""


class Cancellation:
    """Remembers that somebody asked the run to stop; the trainer looks between steps and inside them."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag
        self._signal_name = ""

    def listen(self) -> None:
        """Take SIGTERM and SIGINT as the wish to stop; a second one ends the process at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._signal_name = signal.Signals(number).name
        signal.signal(number, signal.SIG_DFL)

    @property
    def requested(self) -> bool:
        """True once the run should stop at the next safe point."""
        return bool(self._signal_name) or self.flag.exists()

    def check(self) -> None:
        """Raises: Interrupted once the run should stop."""
        if self.requested:
            raise Interrupted(self.reason)

    @property
    def reason(self) -> str:
        """Who asked, in plain words."""
        if self._signal_name:
            return f"stopped by {self._signal_name}"
        return f"stopped by the file '{self.flag.name}' in the run directory; remove it to go on"
