"""The status file of a run, kept fresh by a heartbeat while the trainer computes."""

import datetime
import logging
import os
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from rewardmodel.runtime.atomic_files import write_json

State = Literal["starting", "running", "succeeded", "failed", "cancelled"]
Phase = Literal["load", "train", "evaluate", "sample", "save"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """What a run says about itself; docs/run-directory.md names the fields."""

    schema: int = 1
    state: State = "starting"
    phase: Phase = "load"
    step: int = 0
    total_steps: int = 0
    reason: str = ""
    message: str = ""
    pid: int = 0
    device: str = ""
    device_peak: dict[str, Any] | None = None
    seconds_per_step: float | None = None
    checkpoint_step: int | None = None
    warnings: tuple[dict[str, Any], ...] = ()
    prompts_left_out: int | None = None
    updated_at: str = ""


class StatusWriter:
    """Replaces `status.json` on every change and every few seconds in between.

    Use as a context manager: the heartbeat thread runs inside the block. A status that has ended is written durably.
    """

    def __init__(self, path: Path, *, heartbeat_seconds: float = 2.0) -> None:
        self.path = path
        self.heartbeat_seconds = heartbeat_seconds
        self.current = Status(pid=os.getpid())
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="status-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self.update()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopping.set()
        self._thread.join()

    def update(self, **changes: Any) -> None:
        """Change the named fields and write the file now."""
        with self._lock:
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            self.current = replace(self.current, **changes, updated_at=now)
            ended = self.current.state in ("succeeded", "failed", "cancelled")
            write_json(self.path, asdict(self.current), durable=ended)

    def _beat(self) -> None:
        while not self._stopping.wait(self.heartbeat_seconds):
            try:
                self.update()
            except OSError as error:
                # A full disk may have room again at the next beat; the run itself finds out when it writes.
                log.warning("status.json cannot be written: %s", error)
