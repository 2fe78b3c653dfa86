"""When a run writes its checkpoints, and how it ends where somebody asks it to stop; the same for every kind."""

import time
from collections.abc import Mapping
from typing import Any

from rewardmodel.runtime.faults import Cancelled
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config_sections import CheckpointConfig
from rltrainer.progress import Parts, Progress, save_progress
from rltrainer.ranks import Ranks


class CheckpointKeeper:
    """Writes a run's checkpoints. All ranks call it alike; the first one's clock decides for all."""

    def __init__(
        self,
        directory: RunDirectory,
        progress: Progress,
        parts: Parts,
        *,
        config: Mapping[str, Any],
        due: CheckpointConfig,
        data_sha256: str,
        ranks: Ranks,
    ) -> None:
        """config: of the whole run, as the checkpoint keeps it. due: after how many steps or seconds to write one."""
        self.directory = directory
        self.progress = progress
        self.parts = parts
        self.config = config
        self.due = due
        self.data_sha256 = data_sha256
        self.ranks = ranks
        self._saved_step = directory.status.current.checkpoint_step
        self._saved_at = time.monotonic()

    def save_if_due(self, *, now: bool = False) -> None:
        """Write one where it is time, or in any case with `now`."""
        if now or self._is_due():
            self._save()

    def stop_if_asked(self) -> None:
        """Raises Cancelled, with a checkpoint of this very step behind it, where any rank was asked to stop."""
        wish = self.directory.cancellation
        reasons = [reason for reason in self.ranks.gather(wish.reason if wish.requested else "") if reason]
        if not reasons:
            return
        if self._saved_step != self.progress.step:
            self._save()
        raise Cancelled(f"{reasons[0]}, after step {self.progress.step}")

    def _is_due(self) -> bool:
        late = self.ranks.gather(time.monotonic() - self._saved_at >= self.due.every_seconds)[0]
        return late or self.progress.step % self.due.every_steps == 0

    def _save(self) -> None:
        save_progress(
            self.directory,
            self.progress,
            self.parts,
            config=self.config,
            data_sha256=self.data_sha256,
            ranks=self.ranks,
        )
        self._saved_step, self._saved_at = self.progress.step, time.monotonic()
