"""How one process of a run ended, in a file that its starter reads. Standard library only."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rewardmodel.runtime.atomic_files import write_json
from rewardmodel.runtime.run_directory import RunDirectory


class RankLost(RuntimeError):
    """Another process of the run is gone or does not answer."""


@dataclass(frozen=True, slots=True)
class RankOutcome:
    """The end of a process that did not end well."""

    code: int
    """Its exit code."""
    reason: str
    """Why, in plain words."""
    follows_another: bool = False
    """True where it ended because another rank was gone."""


def write_outcome(directory: RunDirectory, index: int, outcome: RankOutcome) -> None:
    """Leave it for the starter."""
    path = _path(directory, index)
    path.parent.mkdir(exist_ok=True)
    write_json(path, asdict(outcome))


def read_outcome(directory: RunDirectory, index: int) -> RankOutcome | None:
    """What that rank left; None where it left nothing."""
    try:
        return RankOutcome(**json.loads(_path(directory, index).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def forget_outcomes(directory: RunDirectory) -> None:
    """Take away what an earlier start left."""
    for path in _folder(directory).glob("rank-*.json"):
        path.unlink()


def _folder(directory: RunDirectory) -> Path:
    return directory.root / "ranks"


def _path(directory: RunDirectory, index: int) -> Path:
    return _folder(directory) / f"rank-{index}.json"
