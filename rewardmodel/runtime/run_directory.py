"""The folder in which starter and trainer meet. docs/run-directory.md is its contract."""

import fcntl
import json
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.atomic_files import UNFINISHED_PREFIX, write_json
from rewardmodel.runtime.cancellation import Cancellation
from rewardmodel.runtime.faults import Busy
from rewardmodel.runtime.json_lines import append_line, keep_lines, read_lines
from rewardmodel.runtime.status import StatusWriter

FINISHED_CONFIG = "finished_config.json"


class RunDirectory:
    """Paths of a run, and the only way its files are written."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).resolve()
        self.status = StatusWriter(self.root / "status.json")
        self.cancellation = Cancellation(self.root / "cancel")
        self._config: dict[str, Any] | None = None

    @property
    def checkpoints(self) -> Path:
        """Folder of `step-NNNNNN` checkpoints."""
        return self.root / "checkpoints"

    @property
    def model(self) -> Path:
        """Folder of the trained model."""
        return self.root / "model"

    @property
    def responses(self) -> Path:
        """File of sampled responses."""
        return self.root / "responses.jsonl"

    @property
    def metrics(self) -> Path:
        """File of metrics, one line a step."""
        return self.root / "metrics.jsonl"

    @property
    def samples(self) -> Path:
        """File of samples kept for people to read."""
        return self.root / "samples.jsonl"

    @property
    def result_path(self) -> Path:
        """File of the outcome; its presence means that the run is complete."""
        return self.root / "result.json"

    def resolve(self, location: str) -> Path:
        """A path of the config: absolute, or relative to this directory."""
        return (self.root / location).resolve()

    def read_config(self) -> dict[str, Any]:
        """The JSON object of `config.json`. Raises: ConfigError where it is absent or no JSON object."""
        path = self.root / "config.json"
        try:
            # Editors may have put a byte order mark before it.
            mapping = json.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise ConfigError([f"config.json: the file is missing in {self.root}"]) from None
        except OSError as error:
            raise ConfigError([f"config.json: cannot be read: {error}"]) from error
        except (ValueError, RecursionError) as error:
            raise ConfigError([f"config.json: not valid JSON: {error}"]) from error
        if not isinstance(mapping, dict):
            raise ConfigError(["config.json: expected a JSON object"])
        self._config = mapping
        return mapping

    def read_finished_config(self) -> dict[str, Any] | None:
        """The config that `result.json` came of; None where there is none. Raises: ConfigError where it is broken."""
        path = self.root / FINISHED_CONFIG
        if not path.exists():
            return None
        try:
            mapping = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError([f"{FINISHED_CONFIG}: cannot be read: {error}"]) from error
        if not isinstance(mapping, dict):
            raise ConfigError([f"{FINISHED_CONFIG}: expected a JSON object"])
        return mapping

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process off this directory. Raises: Busy where one is at work."""
        descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Busy(f"another process is at work on {self.root}") from None
        try:
            yield
        finally:
            os.close(descriptor)

    def append_metrics(self, step: int, values: Mapping[str, float | None]) -> None:
        """One line of metrics. A value that is not finite is written as null, for JSON has no word for it."""
        finite = {name: _finite_or_none(value) for name, value in values.items()}
        append_line(self.metrics, {"step": step, "time": round(time.time(), 3), "values": finite})

    def read_metrics(self) -> list[dict[str, Any]]:
        """All lines of metrics written so far."""
        return list(read_lines(self.metrics))

    def append_sample(self, row: Mapping[str, Any]) -> None:
        """One sample for people to read; `row` carries its `step`."""
        append_line(self.samples, row)

    def forget_after(self, step: int) -> None:
        """Cut metrics and samples of steps after the checkpoint from which the run goes on."""
        for path in (self.metrics, self.samples):
            keep_lines(path, lambda row: int(row["step"]) <= step)

    def read_state(self) -> str | None:
        """The state that `status.json` gives; None where it gives none."""
        try:
            status = json.loads(self.status.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return status.get("state") if isinstance(status, dict) else None

    @property
    def is_complete(self) -> bool:
        """True when the run has its result."""
        return self.result_path.exists()

    def write_result(self, result: Mapping[str, Any]) -> None:
        """The outcome, last of all; just before it the config that was read for it, to be compared with later."""
        if self._config is not None:
            write_json(self.root / FINISHED_CONFIG, self._config)
        write_json(self.result_path, result)

    def drop_checkpoints(self) -> None:
        """Remove them from a run that has its result: nothing resumes it. What a kill leaves of them is found later."""
        if self.checkpoints.is_dir():
            self.checkpoints.rename(self._dropped)
        self.remove_dropped_checkpoints()

    def remove_dropped_checkpoints(self) -> None:
        """Remove what a kill has left of checkpoints that were being dropped."""
        shutil.rmtree(self._dropped, ignore_errors=True)

    @property
    def _dropped(self) -> Path:
        return self.root / f"{UNFINISHED_PREFIX}dropped-checkpoints"


def _finite_or_none(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
